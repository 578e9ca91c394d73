"""The data file has its name only once it can be opened: a power cut while it is made leaves none, or a whole one.

LMDB writes the two pages that every later opening reads first without a sync between, so a file that is made in place may
be left as one that no LMDB opens.  Nothing is lost with it, but a node that does not start at its first start is a poor
beginning.  So it is made beside its place, synced, and moved.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from ledger.directory import settle

DATA_FILE = "data.mdb"  # LMDB's own names
LOCK_FILE = "lock.mdb"
DRAFT = "founding"  # a directory within the ledger's, gone again when the ledger is there


class Opens(Protocol):
    """Opens an LMDB environment in a directory, and makes it when there is none."""

    def __call__(self, path: Path) -> Any: ...


def ensure(path: Path, opens: Opens) -> None:
    """There is a data file in ``path``, whole and durable."""
    if (path / DATA_FILE).exists():
        return
    draft = path / DRAFT
    draft.mkdir(mode=0o700, exist_ok=True)
    for name in (DATA_FILE, LOCK_FILE):
        (draft / name).unlink(missing_ok=True)  # of an earlier attempt
    made = opens(draft)
    try:
        made.sync(True)
    finally:
        made.close()
    (draft / DATA_FILE).rename(path / DATA_FILE)
    (draft / LOCK_FILE).unlink()
    draft.rmdir()
    settle(path)
