"""The one door to what ``ledger.medium`` opens: fixed tables, durable transactions, a map that grows by itself.

    table         key                                value
    entries       log id (4) ‖ sequence (8)          hashes that the leaf completes (32 each, itself first) ‖ header
    bodies        log id ‖ sequence                  CRC-32 (4) ‖ sealed body
    cases         log id ‖ length ‖ case ‖ step (8) ‖ sequence (8)      (empty)
    index         log id ‖ caller's key              sequence (8)
    logs          "/" ‖ name                         where the log ends, see ``ledger.tail``
    commitments   sequence (8) in the node's log     what a log.heads entry commits to
    snapshots     log id ‖ size (8)                  see ``ledger.snapshots``
    segments      log id ‖ stop (8)                  what lies in files, see ``ledger.segments``
    witnessed     log id                             the newest checkpoint that witnesses cosigned
    meta          text                               format, node name, probe

Numbers are big-endian, so that keys sort as numbers.  Nodes lie with the leaf that completes them: one put an entry for
tree and header together, and every node is found by arithmetic.

Growing the map unmaps it, which would kill a reader in another thread; and ``abort()`` of py-lmdb 3.0 waits for a moment
in which no other thread reads, which never comes while several read without pause.  So readers pass a gate that
growing, aborting and closing shut; a reader never holds the gate while it asks for it again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from struct import Struct
from typing import Any, TypeAlias, cast

import lmdb

from ledger.errors import Closed, DiskFull, UnsuitableDirectory
from ledger.medium import MOST_TABLES, ON_DISK, Medium
from ledger.segments import Files

Txn: TypeAlias = Any  # lmdb.Transaction; the library has no types
Item: TypeAlias = tuple[bytes, bytes]
Fault: TypeAlias = Callable[[str], None]

TABLES = ("entries", "bodies", "cases", "index", "logs", "commitments", "snapshots", "segments", "witnessed", "meta")
assert len(TABLES) == MOST_TABLES
YOUNGER_TABLES = frozenset({"segments", "witnessed"})  # a ledger made before them is read without; its next writer makes them
FORMAT = b"vienna ledger 1"
DEFAULT_MAP_SIZE = 1 << 30  # address space, not disk; doubling from here stops every reader once a doubling
LARGEST_MAP_SIZE = 1 << 46  # what a 64-bit process can map, with room for everything else

POSITION = Struct(">IQ")  # log id, sequence
NUMBER = Struct(">Q")


class Environment:
    """An open LMDB environment, with its tables by name."""

    def __init__(self, path: Path, *, map_size: int = DEFAULT_MAP_SIZE, read_only: bool = False, medium: Medium = ON_DISK) -> None:
        self._path, self._read_only, self._map_size, self._medium = path, read_only, map_size, medium
        self.files = Files(path)
        self.nodes: dict[tuple[int, int, int], bytes] = {}  # see ``stored.nodes_kept``
        self._gate = threading.Condition()
        self._readers, self._shut = 0, False
        self._lmdb: Any = None
        self._tables: dict[str, Any] = {}
        self.open()

    def open(self) -> None:
        """Open the files."""
        try:
            opened = self._medium.open(self._path, map_size=self._map_size, read_only=self._read_only)
            try:
                if not self._read_only:
                    opened.sync(True)  # what a failed or interrupted sync left in the cache is on the disk before anybody believes it
                # A reader sees tables that exist; the writer makes them, in one durable transaction.
                self._tables = {}
                for name in TABLES:
                    try:
                        self._tables[name] = opened.open_db(name.encode(), create=not self._read_only)
                    except lmdb.NotFoundError:
                        if name not in YOUNGER_TABLES:
                            raise
            except BaseException:
                opened.close()
                raise
        except (lmdb.Error, OSError) as error:
            raise UnsuitableDirectory(f"{self._path}: {error}") from error
        self._map_size = max(self._map_size, opened.info()["map_size"])
        self._lmdb = opened
        self.nodes.clear()  # what a failed commit had shown may be gone

    def close(self) -> None:
        """Let go of the files, once the readers that are inside have left."""
        with self._alone():
            self._close_files()

    def reopen(self) -> None:
        """Close and open again: after a failed commit nothing in memory is to be believed."""
        with self._alone():
            self._close_files()
            self.open()

    def reading(self) -> Reading:
        """``with`` it: a consistent view of everything durable; from any thread."""
        return Reading(self)

    def _enter(self) -> Txn:
        given_up = None
        while True:
            with self._gate:
                while self._shut or (self._lmdb is not None and self._lmdb is given_up):
                    self._gate.wait()
                if self._lmdb is None:
                    raise Closed("the ledger is closed")
                self._readers += 1
                current = self._lmdb
            try:
                return self._begin_reading()
            except lmdb.PanicError:
                self._leave()
                if self._read_only:
                    raise
                given_up = current  # the writer, whose commit did that, is about to open it anew
            except BaseException:
                self._leave()
                raise

    def _leave(self) -> None:
        with self._gate:
            self._readers -= 1
            if not self._readers and self._shut:  # who shuts the gate waits for the last reader
                self._gate.notify_all()

    def write(self, change: Callable[[Txn], None], fault: Fault) -> None:
        """One durable transaction; grows the map and repeats ``change`` when it is full.

        Returns after both syncs.  Any exception leaves the outcome unknown to the caller.
        """
        if self._lmdb is None:
            raise Closed("the ledger is closed")
        while True:
            fault("begin")
            txn = self._lmdb.begin(write=True)
            try:
                change(txn)
                fault("commit")
                txn.commit()
            except lmdb.MapFullError:
                with self._alone():
                    txn.abort()
                    self._grow()
                continue
            except BaseException:
                with self._alone():
                    txn.abort()
                    self._mend()
                raise
            fault("committed")
            return

    def table(self, name: str) -> Any:
        """A handle for the calls of a transaction."""
        return self._tables[name]

    def find_table(self, name: str) -> Any | None:
        """The same, or None for one that a reader of an older ledger does not find."""
        return self._tables.get(name)

    def copy(self, target: Path) -> None:
        """What is durable now, as a data file in ``target``, without pages that were freed; others may write meanwhile."""
        with self.reading():
            self._lmdb.copy(str(target), compact=True)

    @property
    def map_size(self) -> int:
        """How far the files may grow before the map does."""
        return self._map_size

    def _begin_reading(self) -> Txn:
        while True:
            try:
                return self._lmdb.begin()
            except lmdb.MapResizedError:  # the writer, another process, grew its map
                self._lmdb.set_mapsize(0)

    def _grow(self) -> None:
        if self._map_size * 2 > LARGEST_MAP_SIZE:
            raise DiskFull(f"the ledger's map cannot grow beyond {self._map_size} bytes")
        try:
            self._lmdb.set_mapsize(self._map_size * 2)
        except lmdb.Error as error:
            self._mend()
            raise DiskFull(f"the ledger's map cannot grow beyond {self._map_size} bytes: {error}") from error
        self._map_size *= 2

    def _mend(self) -> None:
        """Readers go on: LMDB gives up an environment, reads and all, when its meta page or its larger map has failed.

        What a new one shows is for reading what was known before; whether the commit is in it is ``Ledger.reopen``'s to find.
        """
        try:
            self._lmdb.begin().commit()
        except lmdb.Error:
            self._close_files()
            try:
                self.open()
            except UnsuitableDirectory:
                return  # closed, which is what readers are told; reopening is tried again

    def _close_files(self) -> None:
        if self._lmdb is not None:
            self._lmdb.close()
            self._lmdb = None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._gate:
            while self._shut:
                self._gate.wait()
            self._shut = True
            while self._readers:
                self._gate.wait()
        try:
            yield
        finally:
            with self._gate:
                self._shut = False
                self._gate.notify_all()


class Reading:
    """One read transaction.  A class, since a generator costs as much again, and each command looks something up."""

    __slots__ = ("_env", "_txn")

    def __init__(self, env: Environment) -> None:
        self._env = env

    def __enter__(self) -> Txn:
        self._txn = self._env._enter()
        return self._txn

    def __exit__(self, *_: object) -> None:
        try:
            self._txn.commit()  # there is nothing to commit; abort() would wait for the other readers, see above
        finally:
            self._env._leave()


def put_new(txn: Txn, table: Any, items: Sequence[Item]) -> int:
    """Put what must not be there yet, sorted by key; how many were put, fewer when a key was taken.

    Appending is LMDB's fast path and fills pages to the brim; it serves whenever the items come after all others.
    """
    if not items:
        return 0
    cursor = txn.cursor(table)
    append = not cursor.last() or cursor.key() < items[0][0]
    _, added = cursor.putmulti(items, overwrite=False, append=append)
    return cast(int, added)
