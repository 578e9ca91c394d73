"""The programs whose states after a power cut are explored."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from vienna_runtime.selftest import promise
from vienna_runtime.selftest.explore import Subject
from vienna_runtime.selftest.told import heard

LEDGER = "ledger"  # the directory's name below the one that is followed
WRITER = (sys.executable, "-P", "-m", "vienna_runtime.selftest.writing")


def ledger(below: Path, *, seed: int, commits: int, program: Sequence[str] = WRITER) -> Subject:
    """The ledger itself.  ``program`` may be another writer, which is less careful."""
    return Subject(
        "ledger",
        [*program, str(below / LEDGER), str(seed), str(commits)],
        lambda left, told: promise.keep(left / LEDGER, heard(told)),
        frozenset({"lock.mdb", "writer.pid"}),  # LMDB's table of readers, and who holds our lock
    )
