"""What a ledger lies in: a directory with LMDB's files, or memory that behaves likewise (``ledger.memory``).

The one place where an LMDB environment is opened.  Everything above knows transactions, tables and ``lmdb``'s errors.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol

import attrs
import lmdb

from ledger import founding
from ledger.directory import WriterLock, prepare, settle

MOST_READERS = 512  # read transactions at a time, in all processes; LMDB's 126 is few for verify, backup and tails
MOST_TABLES = 10


class Claim(Protocol):
    """A place that nobody else writes to."""

    def release(self) -> None: ...


class Medium(Protocol):
    def claim(self, path: Path) -> Claim:
        """The place, fit and ours alone; raises UnsuitableDirectory, DirectoryBusy."""
        ...

    def open(self, path: Path, *, map_size: int, read_only: bool) -> Any:
        """An ``lmdb.Environment``, or what takes its place; made, and durably named, when there is none and it may be written."""
        ...

    def room(self, path: Path) -> int:
        """How many bytes are free."""
        ...


@attrs.frozen
class Files:
    """A directory on a disk."""

    def claim(self, path: Path) -> Claim:
        prepare(path)
        return WriterLock(path)

    def open(self, path: Path, *, map_size: int, read_only: bool) -> Any:
        """Both syncs stay on, the 0.9 format is pinned."""

        def open_in(path: Path) -> Any:
            return lmdb.open(
                str(path),
                map_size=0 if read_only else map_size,  # 0: as large as the files say
                max_dbs=MOST_TABLES,
                max_readers=MOST_READERS,
                max_spare_txns=8,  # idle read transactions kept for the next read; more threads than that seldom read at once
                mode=0o600,
                sync=True,
                metasync=True,
                readonly=read_only,
                create=not read_only,
                lib_version=0,
            )

        if read_only:
            return open_in(path)
        founding.ensure(path, open_in)
        founding.take_room(path, MOST_READERS)
        opened = open_in(path)
        try:
            settle(path)  # before anything in the files is called durable, their names are
        except BaseException:
            opened.close()
            raise
        return opened

    def room(self, path: Path) -> int:
        room = os.statvfs(path)
        return room.f_bavail * room.f_frsize


ON_DISK = Files()
