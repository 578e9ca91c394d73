"""The programs whose states after a power cut are explored."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from vienna_runtime.selftest import aging, keeping, outlived, promise
from vienna_runtime.selftest.explore import Subject
from vienna_runtime.selftest.told import Told, heard

LEDGER = "ledger"  # the directory's name below the one that is followed
FILES = "files"
KEEPER = (sys.executable, "-P", "-m", "vienna_runtime.selftest.keeping")
AGER = (sys.executable, "-P", "-m", "vienna_runtime.selftest.aging")
AGED = "aged"
WRITER = (sys.executable, "-P", "-m", "vienna_runtime.selftest.writing")


def ledger(below: Path, *, seed: int, commits: int, program: Sequence[str] = WRITER) -> Subject:
    """The ledger itself.  ``program`` may be another writer, which is less careful."""
    return Subject(
        "ledger",
        [*program, str(below / LEDGER), str(seed), str(commits)],
        lambda left, told: _ledger(left / LEDGER, heard(told)),
        frozenset({"lock.mdb", "writer.pid"}),  # LMDB's table of readers, and who holds our lock
    )


def files(below: Path, *, seed: int, rounds: int) -> Subject:
    """The small files beside it: keystore, watermark, executor's journal."""
    return Subject(
        "files",
        [*KEEPER, str(below / FILES), str(seed), str(rounds)],
        lambda left, told: keeping.check(left / FILES, told),
        frozenset({f"{keeping.JOURNAL}.lock"}),
    )


def aged(below: Path, *, seed: int, steps: int) -> Subject:
    """Keystore and ledger over months: archived, forgotten, witnessed, with keys that hand over."""
    return Subject(
        "keystore and ledger over months",
        [*AGER, str(below / AGED), str(seed), str(steps)],
        lambda left, told: _aged(left / AGED, told),
        frozenset({"lock.mdb", "writer.pid"}),
    )


def _aged(left: Path, told: bytes) -> str:
    outlived.check(left, aging.heard(told))
    return "whole"


def _ledger(left: Path, told: Told) -> str:
    promise.keep(left, told)
    return "whole"
