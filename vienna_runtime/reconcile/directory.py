"""What lies in a directory, as records: each file below it by its path and the SHA-256 of what is in it.

Links are records too, by what they point to, and are never followed: a link that an agent made would have another file read.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from vienna_runtime.reconcile.errors import EvidenceInvalid
from vienna_runtime.reconcile.record import Record

_CHUNK = 1 << 20


def records(root: Path) -> Iterator[Record]:
    """In the order of their names, directory by directory."""
    waiting = [root]
    while waiting:
        directory = waiting.pop()
        try:
            entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:  # made step by step, so that nobody sees what is in it
                yield Record(place=_place(directory, root), digest="too deep to be read")
                continue
            raise EvidenceInvalid(f"{directory}: {(error.strerror or 'cannot be read').lower()}") from None
        for entry in entries:
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                waiting.append(path)
                continue
            found = _digest(path)
            if found is not None:
                yield Record(place=_place(path, root), digest=found)


def _place(path: Path, root: Path) -> str:
    return os.fsencode(path.relative_to(root)).decode("utf-8", "backslashreplace")


def _digest(path: Path) -> str | None:
    """None for what is gone by now."""
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return f"link to {os.readlink(path)!a}"
        if not stat.S_ISREG(status.st_mode):
            return "no file"  # a pipe or a device: it would not end
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        digest = hashlib.sha256()
        try:
            while chunk := os.read(fd, _CHUNK):
                digest.update(chunk)
        finally:
            os.close(fd)
        return digest.hexdigest()
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return "too deep to be read"
        raise EvidenceInvalid(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None
