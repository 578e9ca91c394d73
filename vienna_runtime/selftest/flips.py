"""Single bits are turned over in everything that is stored, by the million, and every one is noticed.

Each flip is put to the check that has to notice it (``flip_places``).  So that nobody has to believe that these are what
``verify`` runs, some hundred flips are made in the files themselves and put to the whole of it, in a process that may die.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from ledger import NODE, VerificationError, VerifierKey, verify_directory
from vienna_runtime.selftest import apart, flip_places
from vienna_runtime.selftest.errors import Broken, CannotTry
from vienna_runtime.selftest.flip_places import KINDS, Place
from vienna_runtime.selftest.keys import DerivedKeys
from vienna_runtime.verify_evidence import verify_evidence
from vienna_runtime.verify_tiles import verify_tiles

WEIGHTS = {"entry": 30, "node": 30, "body": 12, "checkpoint": 2, "commitments": 6, "tile of entries": 10, "tile of hashes": 10}
ENTRIES = 2_000  # of each log: some hundred megabits to choose from, and tiles on two levels
WHOLE_ENTRIES = 60  # of each log, where everything is verified for each flip
A_JOB = 20_000  # flips between two looks at the progress
A_VISIT = 50  # flips of a place before another is chosen
SHOWN = 5
EVIDENCE = "evidence"


@attrs.define
class Flipping:
    """What was tried, and found."""

    flips: Counter[str] = attrs.Factory(Counter)  # by kind
    whole: Counter[str] = attrs.Factory(Counter)  # by kind, put to the whole of ``verify``
    undetected: list[str] = attrs.Factory(list)  # kind, place and bit; the first few
    missed: int = 0
    seconds: float = 0.0


Progress = Callable[[str, int, int], None]


def flip(
    *,
    count: int,
    whole: int,
    seed: int,
    place: Path | None = None,
    evidence: tuple[bytes, VerifierKey] | None = None,
    of_evidence: int = 0,
    progress: Progress = lambda *_: None,
) -> Flipping:
    """``count`` flips by their checks, ``whole`` by all of ``verify``, and as many as asked for in a file of evidence."""
    found, begun = Flipping(), time.monotonic()
    if evidence is not None and not verify_evidence(*evidence).good:
        raise CannotTry("the file of evidence does not verify as it is, with that key; what is wrong: vienna verify FILE --key ...")
    with tempfile.TemporaryDirectory(prefix="vienna-flips-", dir=place) as directory:
        many, few = Path(directory) / "many", Path(directory) / "few"
        for made, entries in ((many, ENTRIES), (few, WHOLE_ENTRIES)):
            made.mkdir()
            apart.run(partial(flip_places.build, made, entries))
        there = flip_places.places(many)
        _all(found, [partial(_some, there, seed + job, size) for job, size in _jobs(count)], count, "bits", progress)
        for tree, tiles in ((few / "ledger", False), (flip_places.tiles_of(few), True)):
            if _is_found(tree, tiles=tiles):
                raise Broken(f"verify finds something wrong in {tree.name} before a bit was turned over")
        there = flip_places.places(few)
        _all(found, [partial(_one_whole, few, there, seed + job) for job in range(whole)], whole, "bits by the whole of verify", progress)
        if evidence is not None:
            jobs = [partial(_evidence, *evidence, seed + job, size) for job, size in _jobs(of_evidence, 200)]
            _all(found, jobs, of_evidence, "bits of the evidence", progress)
    found.seconds = time.monotonic() - begun
    return found


def _jobs(count: int, size: int = A_JOB) -> list[tuple[int, int]]:
    return [(job, min(size, count - job * size)) for job in range(-(-count // size))]


def _all(found: Flipping, jobs: Sequence[Callable[[], object]], whole: int, what: str, progress: Progress) -> None:
    """Do them, as many at a time as there are processors."""
    waiting, done = list[apart.Apart](), 0
    for job in [*jobs, None]:
        if job is not None:
            waiting.append(apart.start(job))
        while waiting and (job is None or len(waiting) >= (os.cpu_count() or 1)):
            result: dict[str, Any] = waiting.pop(0).result()
            found.flips.update(result.get("flips", {}))
            found.whole.update(result.get("whole", {}))
            found.missed += len(result["undetected"])
            found.undetected = (found.undetected + result["undetected"])[:SHOWN]
            done += sum(result.get("flips", {}).values()) + sum(result.get("whole", {}).values())
            progress(what, done, whole)


def _flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _chosen(places: list[Place], chosen: random.Random) -> Callable[[], Place]:
    kinds = [kind for kind in KINDS if any(place.kind == kind for place in places)]
    by_kind = {kind: [place for place in places if place.kind == kind] for kind in kinds}
    weights = [WEIGHTS[kind] for kind in kinds]
    return lambda: chosen.choice(by_kind[chosen.choices(kinds, weights)[0]])


def _some(places: list[Place], seed: int, count: int) -> dict[str, object]:
    chosen, flips, undetected = random.Random(seed), Counter[str](), list[str]()  # noqa: S311  # chosen, not secret
    choose = _chosen(places, chosen)
    while count:
        place, visits = choose(), min(A_VISIT, count)
        count -= visits
        flips[place.kind] += visits
        for _ in range(visits):
            bit = chosen.choice(place.bits)
            try:
                place.check(_flipped(place.data, bit))
            except VerificationError:
                continue
            undetected.append(f"{place.kind}, {place.name}, bit {bit}")
    return {"flips": flips, "undetected": undetected}


def _one_whole(directory: Path, places: list[Place], seed: int) -> dict[str, object]:
    """One flip in the files themselves, a copy of them; nothing but ``verify`` looks at it."""
    chosen = random.Random(seed)  # noqa: S311  # likewise
    place = _chosen(places, chosen)()
    bit = chosen.choice(place.bits)
    with tempfile.TemporaryDirectory(prefix="vienna-flip-") as copied:
        tree = flip_places.tiles_of(directory) if place.file else directory / "ledger"
        copy = _copy(tree, Path(copied))
        path = copy / (place.file or "data.mdb")
        content = path.read_bytes()
        changed = _flipped(place.data, bit)
        assert place.data in content
        path.write_bytes(content.replace(place.data, changed))  # also where an older page holds the same
        seen = _is_found(copy, tiles=bool(place.file))
    return {"whole": {place.kind: 1}, "undetected": [] if seen else [f"{place.kind}, {place.name}, bit {bit}, by the whole of verify"]}


def _is_found(directory: Path, *, tiles: bool) -> bool:
    """Whether ``verify`` finds something, or dies of it; a mistake of our own is not a finding."""
    try:
        apart.run(partial(_verify, directory, tiles=tiles))
    except Broken as error:
        if "Traceback" in str(error):
            raise
        return True
    return False


def _copy(tree: Path, to: Path) -> Path:
    for path in tree.rglob("*"):
        target = to / path.relative_to(tree)
        if path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif path.name != "lock.mdb":
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return to


def _verify(directory: Path, *, tiles: bool) -> None:
    key = DerivedKeys().verifier(NODE)
    try:
        if tiles:
            verify_tiles(directory, key, progress=lambda *_: None)
        else:
            verify_directory(directory, key)
    except VerificationError as error:
        raise Broken(str(error)) from error


def _evidence(packed: bytes, key: VerifierKey, seed: int, count: int) -> dict[str, object]:
    chosen, undetected = random.Random(seed), list[str]()  # noqa: S311  # likewise
    for _ in range(count):
        bit = chosen.randrange(len(packed) * 8)
        if verify_evidence(_flipped(packed, bit), key).good:
            undetected.append(f"evidence, bit {bit}")
    return {"flips": {EVIDENCE: count}, "undetected": undetected}
