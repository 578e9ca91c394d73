"""Files that hold secrets: created readable by their owner alone, replaced whole or not at all, refused when open to others.

The mode is given at creation and never after it, so there is no moment in which somebody else could open the file.
Replacing is: a temporary file in the same directory, fsync, rename, fsync of the directory; after a crash the old file
is there or the new one, each complete.  Creating is the same with a link in the place of the rename, since a link never
takes the place of what has the name already: after a crash there is the whole file, or none.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from vienna_runtime.errors import FileTakenError, UnsafeFileError

OWNER_ONLY = 0o600
NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS})  # what file systems without links say to link()
LARGEST = 64 * 1024 * 1024  # a keystore of 1,000 tenants and seven years of months is about 12 MB; more is not ours


def read(path: Path, *, largest: int = LARGEST) -> bytes:
    """The file's bytes, if it is a plain file that nobody but its owner can read or write; ``UnsafeFileError`` otherwise.

    The check is made on the opened file, not on its name, so nothing can be swapped in between.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # non-blocking: a fifo of that name must not hang us
    try:
        _check(path, os.fstat(handle), largest)
        with open(handle, "rb", closefd=False) as file:
            return file.read(largest + 1)
    finally:
        os.close(handle)


def _check(path: Path, about: os.stat_result, largest: int) -> None:
    if not stat.S_ISREG(about.st_mode):
        raise UnsafeFileError(f"{path} is not a plain file, so it is not trusted with a secret")
    if about.st_mode & 0o077:
        raise UnsafeFileError(
            f"{path} holds a secret and others can open it (mode {stat.S_IMODE(about.st_mode):04o}); "
            f"if nobody has, close it with: chmod 600 {path}; otherwise the keys in it must be replaced"
        )
    if about.st_uid not in (os.geteuid(), 0):
        raise UnsafeFileError(f"{path} belongs to another user (uid {about.st_uid}), who could read and change it")
    if about.st_size > largest:
        raise UnsafeFileError(f"{path} is {about.st_size} bytes long, more than such a file can be ({largest})")


def create(path: Path, content: bytes, *, mode: int = OWNER_ONLY) -> None:
    """A new file with that content, durable on return; ``FileTakenError`` if there is anything of that name, even a dangling link."""
    draft = _draft(path, content, mode)
    try:
        os.link(draft, path, follow_symlinks=False)
    except FileExistsError:
        raise FileTakenError(path) from None
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        _take(path, mode)
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_directory(path.parent)


def _take(path: Path, mode: int) -> None:
    """The name, with nothing in it, where a file system has no links (exFAT): a crash right then leaves it empty, never half."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode))
    except FileExistsError:
        raise FileTakenError(path) from None


def replace(path: Path, content: bytes, *, mode: int = OWNER_ONLY) -> None:
    """The file has that content, durably and as a whole, whether or not it was there before."""
    draft = _draft(path, content, mode)
    try:
        draft.rename(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def remove_drafts(path: Path) -> None:
    """What interrupted writings of this file left beside it goes, durably: it may hold what the file must not any more."""
    drafts = [file for file in path.parent.iterdir() if file.name.startswith(f".{path.name}.")]
    for draft in drafts:
        draft.unlink(missing_ok=True)
    if drafts:
        _sync_directory(path.parent)


def _draft(path: Path, content: bytes, mode: int) -> Path:
    """The content beside where it belongs, on the disk, under a name of its own."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
