"""The files that LMDB needs are there before it does: the data file whole or not at all, the table of readers with its room.

LMDB writes the two pages that every later opening reads first without a sync between, so a file that is made in place may
be left as one that no LMDB opens.  Nothing is lost with it, but a node that does not start at its first start is a poor
beginning.  So it is made beside its place, synced, and moved.

The table of readers is memory that processes share, in a file with holes.  A page of it that is first touched when the disk
is full is a bus error, which ends the process: so its room is taken when there is some.
"""

from __future__ import annotations

import os
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


def take_room(path: Path, readers: int) -> None:
    """The table of so many readers has its pages on the disk; only while this process has no environment open there.

    Closing a descriptor of that file gives up every lock that the process has on it (POSIX), LMDB's own as well.
    """
    handle = os.open(path / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(handle, 0, (readers + _HEAD) * _READER)
    finally:
        os.close(handle)


_READER = 64  # bytes of a reader's place: a cache line, in every version that there is
_HEAD = 64  # the places that the table's head and its rounding up take, and then some
