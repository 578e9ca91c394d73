"""``python -m bench.crash [--quick]``: the self-tests at full length, as one table.

What ``make test`` does in seconds, this does in a quarter of an hour: a thousand kills, thousands of states after a power
cut, a fault at every system call of a writer, two million bits, a minute of a full disk.  Ends with 1 when a promise was broken.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vienna_runtime.selftest import culling, explore, filling, flips, killing, subjects, sweep
from vienna_runtime.selftest.errors import Broken, CannotTry

SEED = 20261122
QUICK = 50  # times shorter


@contextmanager
def _below() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="vienna-bench-") as directory:
        yield Path(directory).resolve()


def killed(quick: bool) -> tuple[str, int]:
    found = killing.kill(rounds=1000 // QUICK if quick else 1000, seed=SEED)
    text = f"{found.rounds} kills, {found.entries:,} entries acknowledged and found; under way: {found.there} whole, {found.absent} absent"
    return text if found.finding is None else f"{found.finding} (kept in {found.kept})", int(found.finding is not None)


def ledger_states(quick: bool) -> tuple[str, int]:
    with _below() as below:
        subject = subjects.ledger(below, seed=SEED, commits=10 if quick else 80)
        found = explore.explore(subject, below, states=2500 // QUICK if quick else 2500, seed=SEED)
    return f"{found.states:,} states at {found.points} points, {found.acknowledged} acknowledgements", found.violations


def file_states(quick: bool) -> tuple[str, int]:
    with _below() as below:
        found = explore.explore(subjects.files(below, seed=SEED, rounds=10 if quick else 60), below, states=20 if quick else 800, seed=SEED)
    return f"{found.states:,} states at {found.points} points", found.violations


def aged_states(quick: bool) -> tuple[str, int]:
    with _below() as below:
        found = explore.explore(subjects.aged(below, seed=SEED, steps=20 if quick else 120), below, states=20 if quick else 1200, seed=SEED)
    return f"{found.states:,} states at {found.points} points", found.violations


def culled(quick: bool) -> tuple[str, int]:
    found = culling.cull(lives=240 // QUICK if quick else 240, seed=SEED)
    text = f"{found.lives} lives, {found.steps:,} steps: archived, forgotten, handed over, witnessed"
    return text if found.finding is None else f"{found.finding} (kept in {found.kept})", int(found.finding is not None)


def injected(quick: bool) -> tuple[str, int]:
    found = sweep.sweep(seed=SEED, every=QUICK if quick else 1)
    kinds = sum(found.calls.values())
    return f"{found.runs} faults at {kinds} system calls, {found.failed} commits of unknown outcome", found.violations


def flipped(quick: bool) -> tuple[str, int]:
    found = flips.flip(count=2_000_000 // QUICK if quick else 2_000_000, whole=300 // QUICK if quick else 300, seed=SEED)
    return f"{found.flips.total():,} bits by their checks, {found.whole.total()} by the whole of verify", found.missed


def filled(quick: bool) -> tuple[str, int]:
    with filling.small_disk(16 << 20) as disk:
        found = filling.fill(disk, seconds=1 if quick else 60)
    refused = sum(found.refused.values())
    text = f"full for {found.full_for:.0f} s: {refused:,} calls refused, {found.reads:,} reads right; {found.acknowledged:,} acknowledged"
    return text, 0  # anything else is raised


def main() -> int:
    quick, bad = "--quick" in sys.argv, 0
    print("| tried | what | broken promises | s |\n|---|---|---:|---:|")
    tried: dict[str, Callable[[bool], tuple[str, int]]] = {
        "SIGKILL under load": killed,
        "power cut: ledger": ledger_states,
        "power cut: keystore, watermark, journal": file_states,
        "power cut: months of archiving and forgetting": aged_states,
        "SIGKILL in months of archiving and forgetting": culled,
        "fault at a system call": injected,
        "a bit turned over": flipped,
        "disk full": filled,
    }
    for name, run in tried.items():
        begun = time.monotonic()
        try:
            text, broken = run(quick)
        except CannotTry as why:
            text, broken = f"not tried: {why}", 0
        except Broken as what:
            text, broken = str(what), 1
        bad += broken
        print(f"| {name} | {text} | {broken} | {time.monotonic() - begun:.0f} |", flush=True)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
