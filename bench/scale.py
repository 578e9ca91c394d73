"""What a large log costs beside a small one: opening, proving, verifying, memory, disk.

Builds a ledger of ten thousand entries and one of ten million (``--entries N`` for another number), the node's log
committing to it as it grows, and measures both with the same code: each measure in a process of its own, so that what it
takes of memory is its own.  The map is left as it is by default, so that a large log has grown through many doublings.

python -m bench.scale [--quick] [--entries N]
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from bench.ledger_append import BODY, START
from ledger import Batch, DataKey, Draft, Ledger, NoteSignature, NoteSigner, VerifierKey, origin_of, verify_directory

NODE, LOG = "bench.example", "belvedere"
SMALL, LARGE, QUICK = 10_000, 10_000_000, 200_000
BATCH = 2_000  # entries a commit while building: the sync is then a small part
STEPS = 6  # entries of a case
SEED = 20261122
HEADS = 50  # batches between two commitments of the node's log
PROOFS, QUICK_PROOFS = 4_000, 400


class FixedKeys:
    """The same keys in every process of a run; they guard nothing."""

    def __init__(self) -> None:
        self._signers = {log: NoteSigner(origin_of(NODE, log), bytes(32)) for log in ("", LOG)}
        self._key = DataKey(bytes(8), bytes(32))

    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        return [self._signers[log].sign(message)]

    def verifier(self, log: str) -> VerifierKey:
        return self._signers[log].verifier

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        return (self.verifier(log),)

    def data_key(self, log: str, month: str) -> DataKey:
        return self._key

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        return self._key


def build(directory: Path, entries: int) -> dict[str, float]:
    """Fill a ledger; the rate, the bytes an entry takes on the disk, and the longest commit, in which the map may have grown."""
    ledger = Ledger.open(directory, node=NODE, keys=FixedKeys())
    ledger.create(LOG, time=START, actor="operator")
    first_map, longest, began = ledger._env.map_size, 0.0, time.perf_counter()
    for number, start in enumerate(range(0, entries, BATCH)):
        drafts = tuple(
            Draft("intent.proposed/1", START + at, "ada", BODY, f"c{at // STEPS:019x}", at % STEPS, (at - 1,) if at % STEPS else ())
            for at in range(start, min(start + BATCH, entries))
        )
        before = time.perf_counter()
        ledger.append_many([Batch(LOG, start, drafts)])
        longest = max(longest, time.perf_counter() - before)
        if number % HEADS == HEADS - 1:
            ledger.commit_heads(time=START + start, actor="node")
    taken = time.perf_counter() - began
    grown = ledger._env.map_size / first_map
    ledger.close()
    size = (directory / "data.mdb").stat().st_size
    return {"rate": entries / taken, "bytes": size / entries, "longest": longest, "grown": grown}


def opening(directory: Path) -> dict[str, float]:
    """Seconds until a closed ledger can be written again."""
    began = time.perf_counter()
    ledger = Ledger.open(directory, node=NODE, keys=FixedKeys())
    taken = time.perf_counter() - began
    ledger.close()
    return {"seconds": taken}


def proving(directory: Path, count: int) -> dict[str, float]:
    """µs for an inclusion proof of a random entry at the log's size, and for a consistency proof from a random size; medians."""
    ledger = Ledger.open(directory, node=NODE, keys=FixedKeys())
    size, chosen = ledger.head(LOG).size, random.Random(SEED)
    found: dict[str, list[float]] = {"inclusion": [], "consistency": []}
    for _ in range(count):
        at = chosen.randrange(1, size)
        began = time.perf_counter()
        ledger.prove_inclusion(LOG, at, size)
        between = time.perf_counter()
        ledger.prove_consistency(LOG, at, size)
        found["inclusion"].append(between - began)
        found["consistency"].append(time.perf_counter() - between)
    ledger.close()
    return {name: median(times[len(times) // 4 :]) * 1e6 for name, times in found.items()}


def verifying(directory: Path) -> dict[str, float]:
    """Entries a second of the whole audit in one process, and the most anonymous memory it was seen with, in MiB."""
    most = 0

    def look(log: str, index: int) -> None:
        nonlocal most
        if index % 65536 == 0:
            most = max(most, _anonymous())

    began = time.perf_counter()
    report = verify_directory(directory, FixedKeys().verifier(""), progress=look)
    taken = time.perf_counter() - began
    return {"rate": report.entries / taken, "memory": max(most, _anonymous()) / 1024}


def _anonymous() -> int:
    """KiB of this process's own memory; pages of the ledger's file are not among it, since the kernel may drop those."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))


MEASURES: dict[str, Callable[..., dict[str, float]]] = {"build": build, "opening": opening, "proving": proving, "verifying": verifying}


def _apart(measure: str, directory: Path, *more: int) -> dict[str, float]:
    """A measure in a process of its own."""
    command = [sys.executable, "-m", "bench.scale", "--measure", measure, str(directory), *map(str, more)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def measure(entries: int, quick: bool) -> dict[str, dict[str, float]]:
    """Everything about a log of that size."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR"), prefix="scale-") as place:
        directory = Path(place) / "ledger"
        found: dict[str, dict[str, float]] = {"build": _apart("build", directory, entries)}
        found["opening"] = {"seconds": median(_apart("opening", directory)["seconds"] for _ in range(3))}
        found["proving"] = _apart("proving", directory, QUICK_PROOFS if quick else PROOFS)
        found["verifying"] = _apart("verifying", directory)
        return found


def main() -> None:
    """Print the table; or, in a process of its own, one measure."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--measure"]:
        _, name, directory, *more = arguments
        print(json.dumps(MEASURES[name](Path(directory), *map(int, more))))
        return
    quick = "--quick" in arguments
    large = int(arguments[arguments.index("--entries") + 1]) if "--entries" in arguments else QUICK if quick else LARGE
    small, big = measure(SMALL, quick), measure(large, quick)
    rows: list[tuple[str, str, str, str]] = [
        _row("opening, ms", small, big, "opening", "seconds", "{:.1f}", "1,000 more", 1000),
        _row("inclusion proof, µs", small, big, "proving", "inclusion", "{:.0f}", "at most twice"),
        _row("consistency proof, µs", small, big, "proving", "consistency", "{:.0f}", ""),
        _row("verify the whole, entries/s in one process", small, big, "verifying", "rate", "{:,.0f}", "150,000"),
        _row("memory of its own while verifying, MiB", small, big, "verifying", "memory", "{:.0f}", "200"),
        _row("bytes an entry on the disk", small, big, "build", "bytes", "{:.0f}", ""),
        _row("appended, entries/s, making the drafts included", small, big, "build", "rate", "{:,.0f}", ""),
        _row("longest commit while it grew, ms", small, big, "build", "longest", "{:.0f}", "", 1000),
        _row("growth of the map", small, big, "build", "grown", "×{:.0f}", ""),
    ]
    print(f"| | {SMALL:,} entries | {large:,} entries | goal |\n|---|---:|---:|---:|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


def _row(title: str, small: Any, big: Any, part: str, name: str, form: str, goal: str, times: float = 1) -> tuple[str, str, str, str]:
    return title, form.format(small[part][name] * times), form.format(big[part][name] * times), goal


if __name__ == "__main__":
    main()
