"""One file of values by number, written once: what is read from it was all there, or the file is refused.

    file     magic ‖ log id (4) ‖ first number (8) ‖ count (8) ‖ values ‖ offsets ‖ where the offsets begin (8) ‖ CRC-32 (4)
    offsets  count + 1 numbers (8 each): where each value begins in the file, then where the last one ends

Numbers are big-endian.  The CRC-32 covers everything but the values and finds a torn or damaged table; the values speak for
themselves (a header by its tree, a body by its commitment and a CRC of its own).  A value of no bytes is one that is not there.
A file is complete under its name or not there at all: temporary name, fsync, rename, fsync of the directory.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from struct import Struct
from zlib import crc32

from ledger.errors import VerificationError

_MAGIC = b"vienna column 1\n"
_HEAD = Struct(">IQQ")  # log id, first number, count
_END = Struct(">QI")  # where the offsets begin, CRC-32 of head ‖ offsets
_OFFSET = Struct(">Q")
_FIRST = len(_MAGIC) + _HEAD.size
_WRITTEN_AT_ONCE = 1 << 20  # bytes: few system calls, little memory


def write(path: Path, log: int, first: int, values: Iterable[bytes]) -> int:
    """Write the file durably under its name; how many values there were.  Raises OSError, and then leaves nothing behind."""
    partial = path.with_name(path.name + ".partial")
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with open(handle, "wb", buffering=_WRITTEN_AT_ONCE) as file:
            file.write(_MAGIC + bytes(_HEAD.size))
            at, offsets = _FIRST, bytearray(_OFFSET.pack(_FIRST))
            for value in values:
                file.write(value)
                at += len(value)
                offsets += _OFFSET.pack(at)
            count = len(offsets) // _OFFSET.size - 1
            head = _HEAD.pack(log, first, count)
            file.write(offsets)
            file.write(_END.pack(at, crc32(offsets, crc32(head))))
            file.seek(len(_MAGIC))
            file.write(head)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
        sync_directory(path.parent)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return count


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Column:
    """An open file of values [first, stop) of one log; from any thread."""

    def __init__(self, path: Path, log: int) -> None:
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError:
            raise VerificationError(f"the file {path.name} of the archive is missing") from None
        except (OSError, ValueError) as error:  # mmap refuses an empty file by ValueError
            raise VerificationError(f"the file {path.name} of the archive cannot be read: {error}") from None
        size = len(self._map)
        if size < _FIRST + _OFFSET.size + _END.size or self._map[: len(_MAGIC)] != _MAGIC:
            raise VerificationError(f"{path.name} is no file of an archive")
        head = self._map[len(_MAGIC) : _FIRST]
        at, check = _END.unpack(self._map[size - _END.size :])
        found, self.first, count = _HEAD.unpack(head)
        self.stop = self.first + count
        self._at = at
        if at + (count + 1) * _OFFSET.size + _END.size != size or found != log:
            raise VerificationError(f"{path.name} of the archive is cut, or another log's")
        if crc32(memoryview(self._map)[at : size - _END.size], crc32(head)) != check:
            raise VerificationError(f"{path.name} of the archive is damaged where it says what lies where")

    def value(self, number: int) -> bytes:
        """One value; empty for one that is not there.  ``number`` lies in [first, stop)."""
        where = self._at + (number - self.first) * _OFFSET.size
        begin, end = _OFFSET.unpack_from(self._map, where)[0], _OFFSET.unpack_from(self._map, where + _OFFSET.size)[0]
        return self._map[begin:end]

    def values(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """(number, value) from ``start`` to before ``stop``, all within the file, those that are not there included."""
        held, unpack = self._map, _OFFSET.unpack_from
        where = self._at + (start - self.first) * _OFFSET.size
        begin = unpack(held, where)[0]
        for number in range(start, stop):
            where += _OFFSET.size
            end = unpack(held, where)[0]
            yield number, held[begin:end]
            begin = end
