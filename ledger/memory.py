"""LMDB's twin in memory: the same transactions, cursors and errors, as far as the ledger uses them, on a disk that can fail.

    put ──▶ in the transaction ──commit──▶ in the page cache ──sync──▶ durable
                                                 └── a power cut takes it back, the newest first

For simulations and whoever stands on a ledger in a test.  A model test holds it to the real library, step by step.  One
thread at a time.  ``fault(point)`` is called at "put", "commit" and "sync", and may raise what a disk does; a failed sync
leaves its commit in the cache, where reopening finds it and a power cut may not.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
import lmdb

from ledger.errors import DirectoryBusy

ROW = 48  # bytes a row takes up beside key and value: LMDB's node header and its share of a page that is not full
LOTS = 1 << 40  # bytes free on a disk of which nothing else is said

_Undo = list[tuple[str, bytes, bytes | None]]  # table, key, and what it was before


@attrs.define(eq=False)
class Table:
    """Rows in the order of their keys."""

    rows: dict[bytes, bytes] = attrs.Factory(dict)
    keys: list[bytes] = attrs.Factory(list)

    def copy(self) -> Table:
        return Table(self.rows.copy(), self.keys.copy())


@attrs.define(eq=False)
class Image:
    """Everything that lies in the files."""

    tables: dict[str, Table] = attrs.Factory(dict)
    size: int = 0  # bytes

    def copy(self) -> Image:
        return Image({name: table.copy() for name, table in self.tables.items()}, self.size)

    def set(self, name: str, key: bytes, value: bytes | None) -> None:
        """Put, or delete where there is no value."""
        table = self.tables[name]
        before = table.rows.get(key)
        if before is not None:
            self.size -= len(before) + len(key) + ROW
        if value is None:
            if before is not None:
                del table.rows[key]
                del table.keys[bisect_left(table.keys, key)]
            return
        self.size += len(value) + len(key) + ROW
        table.rows[key] = value
        if before is None:
            if not table.keys or table.keys[-1] < key:
                table.keys.append(key)
            else:
                insort(table.keys, key)

    def undo(self, changes: _Undo) -> None:
        for name, key, value in reversed(changes):
            self.set(name, key, value)


class MemoryDisk:
    """One ledger's disk, a ``ledger.medium.Medium`` for whatever path.  It outlives who uses it."""

    def __init__(self, image: Image | None = None) -> None:
        self.image = image or Image()
        self.fault: Callable[[str], None] = lambda point: None
        self.synced: Callable[[], None] = lambda: None  # called when what was committed has become durable
        self.syncs = True  # False: a disk that says so and does not
        self.free = LOTS
        self.lives = 0  # of whoever uses it: what an earlier one had opened is of no use any more
        self.commits = 0
        self._unsynced: list[_Undo] = []
        self._claimed: object | None = None

    @property
    def unsynced(self) -> int:
        """Commits that a power cut may take back."""
        return len(self._unsynced)

    def cut_power(self, keep: int = 0) -> None:
        """Whoever used it is gone, and all of the unsynced commits but the first ``keep``."""
        self.kill()
        while len(self._unsynced) > keep:
            self.image.undo(self._unsynced.pop())
        self._unsynced.clear()  # what survived it is on the platter

    def kill(self) -> None:
        """Whoever used it is gone; the machine, and what it caches, are not."""
        self.lives += 1
        self._claimed = None

    def sync(self) -> None:
        if self.syncs:
            self._unsynced.clear()
        self.synced()

    # as a medium

    def claim(self, path: Path) -> _Claim:
        if self._claimed is not None:
            raise DirectoryBusy(str(path), None)
        self._claimed = claimed = _Claim(self)
        return claimed

    def open(self, path: Path, *, map_size: int, read_only: bool) -> MemoryEnvironment:
        return MemoryEnvironment(self, map_size, read_only)

    def room(self, path: Path) -> int:
        return self.free


class Plug:
    """The disk as one life has it: nobody who is gone opens it again."""

    def __init__(self, disk: MemoryDisk) -> None:
        self._disk, self._life = disk, disk.lives

    def claim(self, path: Path) -> _Claim:
        self._check()
        return self._disk.claim(path)

    def open(self, path: Path, *, map_size: int, read_only: bool) -> MemoryEnvironment:
        self._check()
        return self._disk.open(path, map_size=map_size, read_only=read_only)

    def room(self, path: Path) -> int:
        return self._disk.room(path)

    def _check(self) -> None:
        if self._life != self._disk.lives:
            raise lmdb.Error("whoever was to open it is gone")


class _Claim:
    def __init__(self, disk: MemoryDisk) -> None:
        self._disk = disk

    def release(self) -> None:
        if self._disk._claimed is self:
            self._disk._claimed = None


class MemoryEnvironment:
    """As ``lmdb.Environment``."""

    def __init__(self, disk: MemoryDisk, map_size: int, read_only: bool) -> None:
        self.disk, self._map_size, self._read_only = disk, max(map_size, disk.image.size), read_only
        self._life: int | None = disk.lives
        self.readers = 0
        self.writer: MemoryTransaction | None = None

    def open_db(self, name: bytes, *, create: bool = True) -> str:
        self.check()
        text = name.decode()
        if text not in self.disk.image.tables:
            if not create:
                raise lmdb.NotFoundError(f"{text}: no such table")
            self.disk.image.tables[text] = Table()
        return text

    def begin(self, *, write: bool = False) -> MemoryTransaction:
        self.check()
        return MemoryTransaction(self, write)

    def info(self) -> dict[str, int]:
        return {"map_size": self._map_size}

    def set_mapsize(self, size: int) -> None:
        self.check()
        self._map_size = size

    def full(self) -> bool:
        return self.disk.image.size > self._map_size

    def sync(self, force: bool = False) -> None:
        self.disk.fault("sync")
        self.disk.sync()

    def close(self) -> None:
        if self.writer is not None:
            self.writer.abort()
        self._life = None

    def check(self) -> None:
        if self._life != self.disk.lives:
            raise lmdb.Error("the environment is closed" if self._life is None else "whoever opened it is gone")


class MemoryTransaction:
    """As ``lmdb.Transaction``.  A writer works in place and notes what was there, unless somebody reads."""

    def __init__(self, env: MemoryEnvironment, write: bool) -> None:
        self.env, self.write = env, write
        self.undo: _Undo = []
        self.over = False
        disk = env.disk
        if not write:
            env.readers += 1
            self.image = disk.image
            if env.writer is not None and env.writer.image is disk.image:
                self.image = disk.image.copy()
                self.image.undo(env.writer.undo)
            return
        if env.writer is not None:
            raise lmdb.Error("there is a writer already")
        env.writer = self
        self.image = disk.image.copy() if env.readers else disk.image

    def get(self, key: bytes, *, db: str) -> bytes | None:
        return self.image.tables[db].rows.get(key)

    def put(self, key: bytes, value: bytes, *, db: str, overwrite: bool = True) -> bool:
        if not overwrite and key in self.image.tables[db].rows:
            return False
        self.set(db, key, value)
        return True

    def delete(self, key: bytes, *, db: str) -> bool:
        if key not in self.image.tables[db].rows:
            return False
        self.set(db, key, None)
        return True

    def cursor(self, db: str) -> MemoryCursor:
        return MemoryCursor(self, db)

    def set(self, name: str, key: bytes, value: bytes | None) -> None:
        if not self.write:
            raise lmdb.ReadonlyError("this transaction reads")
        self.env.disk.fault("put")
        self.undo.append((name, key, self.image.tables[name].rows.get(key)))
        self.image.set(name, key, value)
        if self.env.full():
            raise lmdb.MapFullError("the map is full")

    def commit(self) -> None:
        if self.over:
            raise lmdb.Error("this transaction is over")
        if not self.write:
            self._end()
            return
        self.env.check()
        disk = self.env.disk
        try:
            disk.fault("commit")
        except BaseException:
            self.abort()
            raise
        self._end()
        disk.image = self.image
        disk.commits += 1
        if self.undo:
            disk._unsynced.append(self.undo)
        disk.fault("sync")
        disk.sync()

    def abort(self) -> None:
        if self.over:
            return
        self._end()
        if self.write and self.image is self.env.disk.image:
            self.image.undo(self.undo)

    def _end(self) -> None:
        self.over = True
        if self.write:
            self.env.writer = None
        else:
            self.env.readers -= 1


class MemoryCursor:
    """As ``lmdb.Cursor``: at a row, or nowhere."""

    def __init__(self, txn: MemoryTransaction, db: str) -> None:
        self._txn, self._db = txn, db
        self._table = txn.image.tables[db]
        self._at: int | None = None  # in the table's keys

    def key(self) -> bytes:
        return b"" if self._at is None else self._table.keys[self._at]

    def value(self) -> bytes:
        return b"" if self._at is None else self._table.rows[self._table.keys[self._at]]

    def first(self) -> bool:
        return self._go(0)

    def last(self) -> bool:
        return self._go(len(self._table.keys) - 1)

    def set_range(self, key: bytes) -> bool:
        return self._go(bisect_left(self._table.keys, key))

    def set_key(self, key: bytes) -> bool:
        return self._go(bisect_left(self._table.keys, key) if key in self._table.rows else -1)

    def delete(self) -> bool:
        """Removes the row and stands at the next."""
        if self._at is None:
            return False
        at = self._at
        self._txn.set(self._db, self._table.keys[at], None)
        self._go(at)
        return True

    def putmulti(self, items: Iterable[tuple[bytes, bytes]], *, overwrite: bool = True, append: bool = False) -> tuple[int, int]:
        """How many there were, and how many of them were put; ``append`` is a promise about their order, and checked."""
        seen = put = 0
        for key, value in items:
            if append and self._table.keys and self._table.keys[-1] >= key:
                break
            seen += 1
            put += self._txn.put(key, value, db=self._db, overwrite=overwrite)
        return seen, put

    def iternext(self, *, keys: bool = True, values: bool = True) -> Iterator[Any]:
        """From where it stands, or from the first."""
        if self._at is None and not self.first():
            return
        while self._at is not None:
            key = self._table.keys[self._at]
            yield (key, self._table.rows[key]) if keys and values else key if keys else self._table.rows[key]
            self._go(self._at + 1)

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return self.iternext()

    def _go(self, at: int) -> bool:
        self._at = at if 0 <= at < len(self._table.keys) else None
        return self._at is not None


def disk_error(why: str, *, full: bool) -> Exception:
    """What the library raises for a disk that has no room, or fails in another way."""
    error: Exception = lmdb.DiskError(why) if full else lmdb.Error(why)
    return error
