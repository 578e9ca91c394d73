"""Where the time of ``append_many`` goes, at batches of 100: µs an entry for each part of the way to the disk.

Putting and syncing are timed in the ledger itself, by the points at which its tests raise what a disk could.  What comes
before them is one loop over the entries, which no clock can be put into without being most of what it measures; its parts
are measured one after the other, each for the whole batch, by the same functions on the same drafts.

python -m bench.append_split [--quick]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from statistics import median

from bench.ledger_append import BODY, NODE, START, BenchKeys
from ledger import Batch, Draft, Ledger
from ledger.checkpoint import Checkpoint, origin_of
from ledger.environment import POSITION
from ledger.header_writer import HeaderWriter
from ledger.note import compose
from ledger.seal import NONCE_SIZE, RANDOM_SIZE
from ledger.sealer import Sealer
from ledger.tail import IN_CASE
from ledger.tree import extend

BATCH = 100
COMMITS = 400


def drafts(size: int) -> tuple[Draft, ...]:
    """A batch as ``bench.ledger_append`` has it."""
    return tuple(Draft("intent.proposed/1", START + size + step, "ada", BODY, "case-0001", step) for step in range(BATCH))


def table(quick: bool) -> list[tuple[str, float]]:
    """(part, µs an entry), the whole last."""
    commits = COMMITS // 10 if quick else COMMITS
    whole, putting, syncing = _in_the_ledger(commits)
    parts = [(name, median(_each(part, commits))) for name, part in _before_the_ledger().items()]
    rest = whole - putting - syncing - sum(cost for _, cost in parts)
    return [*parts, ("put into the tables", putting), ("commit: write and sync, twice", syncing), ("the rest", rest), ("the whole", whole)]


def main() -> None:
    """Print the table."""
    found = table("--quick" in sys.argv[1:])
    whole = found[-1][1]
    print(f"| at batches of {BATCH} | µs an entry | share |\n|---|---:|---:|")
    for name, cost in found:
        print(f"| {name} | {cost:.2f} | {cost / whole:.0%} |")


def _in_the_ledger(commits: int) -> tuple[float, float, float]:
    """µs an entry, medians: the whole call with making the drafts, putting, and committing."""
    at: dict[str, float] = {}

    def note(point: str) -> None:
        at[point] = time.perf_counter()

    found: tuple[list[float], list[float], list[float]] = ([], [], [])
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR"), prefix="append-split-") as place:
        ledger = Ledger.open(Path(place) / "ledger", node=NODE, keys=BenchKeys(), fault=note)
        ledger.create("belvedere", time=START, actor="operator")
        for size in range(0, commits * BATCH, BATCH):
            began = time.perf_counter()
            ledger.append_many([Batch("belvedere", size, drafts(size))])
            ended = time.perf_counter()
            for times, taken in zip(found, (ended - began, at["commit"] - at["begin"], at["committed"] - at["commit"]), strict=True):
                times.append(taken / BATCH * 1e6)
        ledger.close()
    return median(found[0]), median(found[1]), median(found[2])


def _before_the_ledger() -> dict[str, Callable[[], object]]:
    """Each part of the loop, for one batch."""
    keys, writer, sealer = BenchKeys(), HeaderWriter("belvedere"), Sealer()
    key, size, batch = keys.data_key("belvedere", ""), 1_000_000, drafts(1_000_000)
    random = os.urandom(RANDOM_SIZE * BATCH)
    contents = [random[at * RANDOM_SIZE + NONCE_SIZE : (at + 1) * RANDOM_SIZE] + draft.body for at, draft in enumerate(batch)]
    nonces = [random[at * RANDOM_SIZE : at * RANDOM_SIZE + NONCE_SIZE] for at in range(BATCH)]
    digest, front, middle = bytes(32), writer.front("intent.proposed/1"), writer.middle("ada", "case-0001")

    def packed() -> list[bytes]:
        return [
            writer.write(front, size + at, one.time, middle, one.step, digest, one.follows, digest, one.public)
            for at, one in enumerate(batch)
        ]

    entries = packed()

    def hashed() -> list[bytes]:
        frontier = [digest] * size.bit_count()
        return [b"".join(extend(frontier, size + at, sha256(b"\x00" + entry).digest())) + entry for at, entry in enumerate(entries)]

    def rows() -> list[tuple[bytes, bytes]]:
        made = []
        for at in range(BATCH):
            made += [(POSITION.pack(1, size + at), b""), (b"\x00\x00\x00\x01\x09case-0001" + IN_CASE.pack(at, size + at), b"")]
        return made

    def signed() -> bytes:
        text = Checkpoint(origin_of(NODE, "belvedere"), size, digest).text()
        return compose(text, keys.sign("belvedere", text.encode()))

    return {
        "the caller's drafts": lambda: drafts(size),
        "random bytes, commitments to the bodies": lambda: [os.urandom(RANDOM_SIZE * BATCH), *(sha256(one).digest() for one in contents)],
        "pack the headers": packed,
        "seal the bodies, with their check": lambda: [sealer.stored(key, nonce, one) for nonce, one in zip(nonces, contents, strict=True)],
        "hash leaves and tree": hashed,
        "keys of the rows": rows,
        "sign the checkpoint, once a batch": signed,
    }


def _each(part: Callable[[], object], commits: int) -> list[float]:
    found = []
    for _ in range(commits):
        began = time.perf_counter()
        part()
        found.append((time.perf_counter() - began) / BATCH * 1e6)
    return found


if __name__ == "__main__":
    main()
