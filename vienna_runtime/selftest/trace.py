"""What a process asked of the disk, in order, from strace's own account of it.

    strace -f -xx -s … ──▶ one line a call ──▶ Made | Wrote | Cut | Renamed | Linked | Removed | Synced | Said

Only files below one directory are followed, by their descriptors.  A call of one thread that another one interrupts is
two lines; it counts where it ended, but a sync covers only what came before it began.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import attrs

from vienna_runtime.selftest.errors import CannotTry

CALLS = (
    *("openat", "close", "write", "pwrite64", "writev", "pwritev", "pwritev2", "lseek", "ftruncate", "fallocate"),
    *("fsync", "fdatasync", "msync", "sync_file_range"),
    *("mkdir", "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "link", "linkat"),
)
_LONGEST = 1 << 26  # bytes of one write; the longest here are some hundred kilobytes

_LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)")
_UNFINISHED = re.compile(r"(\d+) +(\w+)\((.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)$")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@attrs.frozen
class Made:
    """A file or a directory has got a name."""

    path: str
    directory: bool


@attrs.frozen
class Wrote:
    """Bytes of a file; ``through``: they are on the disk when the call has returned (O_DSYNC)."""

    path: str
    offset: int
    data: bytes = attrs.field(repr=False)
    through: bool


@attrs.frozen
class Cut:
    """A file has another size."""

    path: str
    size: int


@attrs.frozen
class Renamed:
    """A file has another name, and whatever had that name has gone."""

    path: str
    to: str


@attrs.frozen
class Linked:
    """A file has one more name, which nothing had."""

    path: str
    to: str


@attrs.frozen
class Removed:
    """A name has gone."""

    path: str


@attrs.frozen
class Synced:
    """What was done to this file, or to the names in this directory, before call number ``begun`` is on the disk."""

    path: str
    begun: int


@attrs.frozen
class Said:
    """The process told somebody something: from now on that holds, whatever happens."""

    text: bytes


Call: TypeAlias = Made | Wrote | Cut | Renamed | Linked | Removed | Synced | Said


def strace() -> str:
    """Where strace is; raises CannotTry."""
    found = shutil.which("strace")
    if found is None:
        raise CannotTry("this needs strace, which is not installed; Debian and Ubuntu have it as the package strace")
    return found


def traced(program: Sequence[str], below: Path, record: Path) -> tuple[list[Call], int]:
    """Run ``program``, whose last argument will be the descriptor to tell things by; its calls, and its exit code."""
    with record.with_suffix(".told").open("wb") as told:  # a file takes everything, where a pipe would block
        tell = told.fileno()
        command = [strace(), "-f", "-q", "-xx", "-s", str(_LONGEST), "-e", f"trace={','.join(CALLS)}", "-o", str(record)]
        ended = subprocess.run([*command, *program, str(tell)], pass_fds=[tell], capture_output=True, text=True, check=False)  # noqa: S603  # our own program
    if not record.exists() or not record.stat().st_size:
        raise CannotTry(f"strace cannot follow a process here: {ended.stderr.strip()}")
    if ended.returncode:
        raise CannotTry(f"the writer ended with {ended.returncode}: {ended.stderr.strip()[-2000:]}")
    with record.open() as lines:
        return list(calls(lines, below, tell)), ended.returncode


def calls(lines: Iterator[str] | Sequence[str], below: Path, tell: int) -> Iterator[Call]:
    """The calls that matter: on files below a directory, and on the descriptor ``tell``."""
    reader = _Reader(str(below), tell)
    for line in lines:
        yield from reader.read(line)


class _Reader:
    """Descriptors and where they stand."""

    def __init__(self, below: str, tell: int) -> None:
        self._below, self._tell = below, tell
        self._open: dict[int, tuple[str, bool]] = {}  # path, O_DSYNC
        self._at: dict[int, int] = {}
        self._sizes: dict[str, int] = {}
        self._appending: set[int] = set()
        self._begun: dict[str, tuple[str, int]] = {}  # by thread: the first half of a call, and after how many calls
        self._count = 0

    def read(self, line: str) -> Iterator[Call]:
        begun = self._count
        if half := _UNFINISHED.match(line):
            self._begun[half[1]] = (half[3], self._count)
            return
        if rest := _RESUMED.match(line):
            text, begun = self._begun.pop(rest[1])
            line = f"{rest[1]} {rest[2]}({text}{rest[3]}"
        found = _LINE.match(line)
        if found is None or int(found[4]) < 0:
            return
        for call in self._one(found[2], found[3], int(found[4]), begun):
            self._count += 1
            yield call

    def _one(self, name: str, arguments: str, result: int, begun: int) -> Iterator[Call]:
        texts = [bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(arguments)]
        match name:
            case "openat":
                yield from self._opened(texts[0].decode(), arguments, result)
            case "mkdir" | "rmdir" | "rename" | "renameat" | "renameat2" | "unlink" | "unlinkat" | "link" | "linkat":
                yield from self._named(name, [text.decode() for text in texts])
            case _:
                yield from self._described(name, arguments, b"".join(texts), result, begun)

    def _opened(self, path: str, arguments: str, descriptor: int) -> Iterator[Call]:
        if not path.startswith(self._below):
            return
        self._open[descriptor] = (path, "O_DSYNC" in arguments or "O_SYNC" in arguments)
        self._at[descriptor] = 0
        if "O_APPEND" in arguments:
            self._appending.add(descriptor)
        if "O_CREAT" in arguments and path not in self._sizes:
            self._sizes[path] = 0
            yield Made(path, directory=False)
        if "O_TRUNC" in arguments:
            self._sizes[path] = 0
            yield Cut(path, 0)

    def _named(self, name: str, paths: list[str]) -> Iterator[Call]:
        if not all(path.startswith(self._below) for path in paths):
            return
        if name == "mkdir":
            yield Made(paths[0], directory=True)
        elif name.startswith("rename"):
            self._sizes[paths[1]] = self._sizes.pop(paths[0])
            self._open = {number: (paths[1] if path == paths[0] else path, through) for number, (path, through) in self._open.items()}
            yield Renamed(*paths)
        elif name in ("unlink", "unlinkat", "rmdir"):
            self._sizes.pop(paths[0], None)
            yield Removed(paths[0])
        elif name in ("link", "linkat"):
            if any(path in paths for path, _ in self._open.values()):
                raise CannotTry(f"a call that is not understood: a link to a file that is open, by one of its names from then on: {paths}")
            self._sizes[paths[1]] = self._sizes[paths[0]]
            yield Linked(*paths)
        else:
            raise CannotTry(f"a call that is not understood: {name} {paths}")

    def _described(self, name: str, arguments: str, data: bytes, result: int, begun: int) -> Iterator[Call]:
        numbers = arguments.split(", ")
        descriptor = int(numbers[0]) if numbers[0].isdigit() else -1
        if descriptor == self._tell and name == "write":
            yield Said(data[:result])
        if descriptor not in self._open:
            return
        path, through = self._open[descriptor]
        match name:
            case "close":
                del self._open[descriptor]
                self._appending.discard(descriptor)
            case "lseek":
                self._at[descriptor] = result
            case "write" | "writev":
                at = self._sizes[path] if descriptor in self._appending else self._at[descriptor]
                self._at[descriptor] = at + result
                yield self._wrote(path, at, data[:result], through)
            case "pwrite64" | "pwritev":
                yield self._wrote(path, int(numbers[-1]), data[:result], through)
            case "ftruncate":
                self._sizes[path] = int(numbers[1])
                yield Cut(path, int(numbers[1]))
            case "fallocate" if numbers[1] == "0":
                self._sizes[path] = max(self._sizes[path], int(numbers[2]) + int(numbers[3]))
                yield Cut(path, self._sizes[path])
            case "fsync" | "fdatasync":
                yield Synced(path, begun)
            case _:
                raise CannotTry(f"a call that is not understood: {name}({arguments[:80]})")

    def _wrote(self, path: str, at: int, data: bytes, through: bool) -> Wrote:
        self._sizes[path] = max(self._sizes[path], at + len(data))
        return Wrote(path, at, data, through)
