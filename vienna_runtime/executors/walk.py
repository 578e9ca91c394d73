"""Reaches a file below a root component by component, so that no name and no link leads out of it.

Every directory on the way is opened relative to the one before, never by a path the kernel resolves, and never through
a link (``O_NOFOLLOW``): what somebody renames or links while the walk goes on cannot turn it elsewhere.  The last
component is opened as a mere place (``O_PATH``), looked at, and only then opened to read, so that no fifo blocks and
no device notices.  ``openat2(RESOLVE_BENEATH)`` would say the same in one call; Python has no door to it.

What this cannot see: a second name (hard link) is the same file, so whoever reads asks for the count of names; a
directory that is itself moved out of the root while it is held open is still that directory.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from vienna_runtime.executors.errors import NotStarted, ValueRefused

MAX_PATH = 4096  # PATH_MAX of Linux
MAX_COMPONENT = 255  # NAME_MAX of every usual file system

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PLACE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


def components(path: bytes, what: str) -> list[bytes]:
    """The components of a path written in the only way accepted: relative, without ``.``, ``..`` or empty ones.

    One spelling for one file, so that what a policy compared as text is the file that is touched.
    """
    if not path or len(path) > MAX_PATH:
        raise ValueRefused(f"{what} is empty or longer than {MAX_PATH} bytes")
    if b"\0" in path:
        raise ValueRefused(f"{what} holds a NUL character")
    if path.startswith(b"/"):
        raise ValueRefused(f"{what} is absolute, expected a path below the root")
    parts = path.split(b"/")
    for part in parts:
        if part in (b"", b".", b".."):
            raise ValueRefused(f"{what} has a component {part.decode()!r}; expected names joined by single slashes")
        if len(part) > MAX_COMPONENT:
            raise ValueRefused(f"{what} has a component longer than {MAX_COMPONENT} bytes")
    return parts


@contextmanager
def root(path: str) -> Iterator[int]:
    """The root's descriptor.  The path to the root is the operator's and is resolved as it stands."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise NotStarted(f"the root cannot be opened: {error.strerror}") from error
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def directory(root_fd: int, parts: list[bytes]) -> Iterator[int]:
    """The directory reached from the root by ``parts``, each a directory and none a link."""
    fd = os.dup(root_fd)
    try:
        for part in parts:
            try:
                below = os.open(part, _DIRECTORY, dir_fd=fd)
            except OSError as error:
                raise ValueRefused(_stopped(error)) from error
            os.close(fd)
            fd = below
        yield fd
    finally:
        os.close(fd)


def unlinked(directory_fd: int, parts: list[bytes]) -> None:
    """Refuse a path that goes through a link now; one that does not exist yet is fine.

    For a path that a *program* is going to open by itself, after us: this finds what lies there, not what is swapped in between.
    """
    fd = os.dup(directory_fd)
    try:
        for part in parts:
            try:
                below = os.open(part, _PLACE, dir_fd=fd)
            except (FileNotFoundError, NotADirectoryError):
                return
            except OSError as error:
                raise ValueRefused(_stopped(error)) from error
            os.close(fd)
            fd = below
            if stat.S_ISLNK(os.fstat(fd).st_mode):
                raise ValueRefused("the path goes through a symbolic link")
    finally:
        os.close(fd)


@contextmanager
def place(directory_fd: int, name: bytes) -> Iterator[tuple[int, os.stat_result] | None]:
    """The regular file of that name, as a descriptor that can only be looked at; ``None`` when nothing is there."""
    try:
        fd = os.open(name, _PLACE, dir_fd=directory_fd)
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        raise ValueRefused(_stopped(error)) from error
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise ValueRefused(f"the path leads to {_kind(found.st_mode)}, expected a regular file")
        yield fd, found
    finally:
        os.close(fd)


def readable(place_fd: int) -> int:
    """Open for reading exactly what ``place`` looked at; the caller closes it."""
    return os.open(f"/proc/self/fd/{place_fd}", os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)


def _stopped(error: OSError) -> str:
    match error.errno:
        case errno.ELOOP:
            return "the path goes through a symbolic link"
        case errno.ENOTDIR:  # O_DIRECTORY with O_NOFOLLOW says this of a link too
            return "the path goes through something that is not a directory (a link or a file)"
        case errno.ENOENT:
            return "the path does not exist"
        case _:
            return f"the path cannot be walked: {error.strerror}"


def _kind(mode: int) -> str:
    named = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a directory", stat.S_IFIFO: "a fifo", stat.S_IFSOCK: "a socket"}
    return named.get(stat.S_IFMT(mode), "a device")
