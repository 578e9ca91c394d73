"""A node whose disk fails when a file says so: ``FAULT_FILE`` holds the write point at which the next commit fails.

It is served by the product's own command; only the ledger is opened with a fault.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import lmdb

from ledger import Ledger
from vienna_runtime.cli import serve

FILE = Path(os.environ["FAULT_FILE"])


def fault(point: str) -> None:
    if FILE.exists() and FILE.read_text() == point:
        FILE.unlink()
        raise lmdb.DiskError("injected")


class FaultyLedger(Ledger):
    @classmethod
    def open(cls, *args: Any, **named: Any) -> Ledger:
        return Ledger.open(*args, **named, fault=fault)


serve.Ledger = FaultyLedger  # type: ignore[misc]
serve.serve()
