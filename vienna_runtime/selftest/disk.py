"""A disk with a cache that a power cut empties: which states it may be left in, for calls that were made of it.

What was not synced may be there or not, each write by itself and in sectors of 512 bytes; a later one may be there and an
earlier one not.  A sync of a file says nothing about its name: that is on the disk when its directory was synced (POSIX
promises no more; ext4 and XFS do more, which is not relied on).  A sector is written whole or not at all.

    done ──▶ in the cache ──sync──▶ on the disk          a ``Left`` is what is on the disk, and a choice of what was in the cache
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import attrs

from vienna_runtime.selftest.trace import Call, Cut, Linked, Made, Removed, Renamed, Said, Synced, Wrote

SECTOR = 512  # bytes: what every disk writes whole or not at all

Torn: TypeAlias = frozenset[int]  # sectors, counted from the first one touched, that did not reach the disk


@attrs.frozen
class Pending:
    """A change in the cache: of a file, or of the names in a directory."""

    number: int  # of the call
    file: int | None  # None: of names
    directory: str
    change: Wrote | Cut | None
    names: tuple[tuple[str, int | None], ...] = ()  # what each name stands for from then on

    @property
    def sectors(self) -> int:
        """How many pieces it can be torn into."""
        if not isinstance(self.change, Wrote) or not self.change.data:
            return 1
        first, last = self.change.offset // SECTOR, (self.change.offset + len(self.change.data) - 1) // SECTOR
        return last - first + 1


Choice: TypeAlias = Mapping[int, Torn]  # what of the cache reached the disk: number of the change → what of it did not


class Disk:
    """Takes calls in their order."""

    def __init__(self, below: Path) -> None:
        self._files: list[bytearray] = []  # as they are on the disk; -1 in ``_names`` is a directory
        self._names: dict[str, int] = {str(below): _DIRECTORY}  # as they are on the disk
        self._seen: dict[str, int] = dict(self._names)  # as the process sees them
        self._cache: list[Pending] = []
        self._below = below
        self._count = 0

    def do(self, call: Call) -> None:
        """One more call."""
        number, self._count = self._count, self._count + 1
        match call:
            case Made(path, directory):
                self._seen[path] = _DIRECTORY if directory else len(self._files)
                if not directory:
                    self._files.append(bytearray())
                self._rename(number, (path, self._seen[path]))
            case Renamed(path, to):
                self._seen[to] = self._seen.pop(path)
                self._rename(number, (to, self._seen[to]), (path, None))
            case Linked(path, to):
                self._seen[to] = self._seen[path]
                self._rename(number, (to, self._seen[to]))
            case Removed(path):
                del self._seen[path]
                self._rename(number, (path, None))
            case Wrote(path, through=True):
                _apply(self._files[self._seen[path]], call, frozenset())
            case Wrote(path) | Cut(path):
                self._cache.append(Pending(number, self._seen[path], "", call))
            case Synced(path, begun):
                self._sync(self._seen[path], path, begun)
            case Said():
                pass

    @property
    def pending(self) -> Sequence[Pending]:
        """What a power cut may take."""
        return tuple(self._cache)

    def through(self, call: Call) -> Pending | None:
        """A write that goes through, as it is while it is under way: there, or not, or torn."""
        return Pending(self._count, self._seen[call.path], "", call) if isinstance(call, Wrote) and call.through else None

    def left(self, chosen: Sequence[tuple[Pending, Torn]]) -> dict[str, bytes | None]:
        """Every file by its name, None for a directory, when of the cache exactly this has reached the disk."""
        names, files = dict(self._names), {}
        for pending, torn in chosen:
            if pending.file is None:
                for name, number in pending.names:
                    if number is None:
                        names.pop(name, None)
                    else:
                        names[name] = number
            elif pending.change is not None:
                if pending.file not in files:
                    files[pending.file] = bytearray(self._files[pending.file])
                _apply(files[pending.file], pending.change, torn)
        reached = {name: number for name, number in names.items() if self._reached(name, names)}
        return {name: None if number == _DIRECTORY else bytes(files.get(number, self._files[number])) for name, number in reached.items()}

    def _reached(self, name: str, names: Mapping[str, int]) -> bool:
        """A name in a directory that is not there is nowhere."""
        return name == str(self._below) or ((parent := os.path.dirname(name)) in names and self._reached(parent, names))

    def _rename(self, number: int, *names: tuple[str, int | None]) -> None:
        self._cache.append(Pending(number, None, os.path.dirname(names[0][0]), None, names))

    def _sync(self, file: int, path: str, begun: int) -> None:
        rest, settled = list[Pending](), dict[str, int]()  # name: which call is the newest that is on the disk
        for pending in self._cache:
            mine = pending.directory == path if file == _DIRECTORY else pending.file == file
            if not mine or pending.number >= begun:
                rest.append(pending)
            elif pending.change is not None:
                _apply(self._files[file], pending.change, frozenset())
            else:
                for name, number in pending.names:
                    settled[name] = pending.number
                    if number is None:
                        self._names.pop(name, None)
                    else:
                        self._names[name] = number
        # A file that was moved here has left where it was: what was done to its old name before is over.
        self._cache = [left for pending in rest if (left := _without(pending, settled)) is not None]


def _without(pending: Pending, settled: Mapping[str, int]) -> Pending | None:
    if pending.file is not None or not settled:
        return pending
    names = tuple((name, number) for name, number in pending.names if settled.get(name, -1) < pending.number)
    return attrs.evolve(pending, names=names) if names else None


_DIRECTORY = -1


def put(left: Mapping[str, bytes | None], below: Path, to: Path, *, leave: Callable[[str], bool] = lambda _: False) -> None:
    """Write what a power cut left below one directory into another one; ``leave`` out what has no content of its own."""
    for name, content in sorted(left.items()):
        path = to / os.path.relpath(name, below)
        if content is None:
            path.mkdir(exist_ok=True)
        elif not leave(name):
            path.write_bytes(content)
            path.chmod(0o600)


def _apply(file: bytearray, change: Wrote | Cut, torn: Torn) -> None:
    if isinstance(change, Cut):
        if change.size < len(file):
            del file[change.size :]
        else:
            file.extend(bytes(change.size - len(file)))
        return
    stop = change.offset + len(change.data)
    if not torn:
        if len(file) < stop:
            file.extend(bytes(stop - len(file)))
        file[change.offset : stop] = change.data
        return
    first = change.offset // SECTOR
    for number in range((stop - 1) // SECTOR - first + 1):
        if number not in torn:
            begin, end = max(change.offset, (first + number) * SECTOR), min(stop, (first + number + 1) * SECTOR)
            if len(file) < end:
                file.extend(bytes(end - len(file)))
            file[begin:end] = change.data[begin - change.offset : end - change.offset]
