"""The directory is fit for a ledger, private, and has one writer.

LMDB keeps its lock and its map in shared memory: on a network file system two machines would each believe that they
are alone, so those are refused by their type.  Our own lock file is taken before LMDB sees the directory, because its
mutex would let a second writer in, quietly and slowly; ours is held for the life of the process and names it.

A sync of a file says nothing of its name (POSIX, fsync): whoever makes a file or a directory syncs what it lies in, or a
power cut may leave acknowledged entries in a file that nobody finds.
"""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path

from ledger.errors import DirectoryBusy, UnsuitableDirectory

LOCK_FILE = "writer.pid"

# Types as the kernel names them in mountinfo. Cluster file systems too: their mmap is not coherent between machines.
NETWORK_TYPES = frozenset(
    {
        *("9p", "afs", "beegfs", "ceph", "cifs", "coda", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "gfs2"),
        *("glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb3", "smbfs"),
    }
)


def prepare(path: Path) -> None:
    """Make the directory when there is none, durably, mode 0700; refuse one where a ledger cannot live."""
    try:
        missing = [place for place in (path, *path.parents) if not place.exists()]
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for place in missing or [path]:  # also when it was made just before a crash
            _settle_parent(place)
        mounts = Path("/proc/self/mountinfo").read_text()
    except OSError as error:
        raise UnsuitableDirectory(f"{path}: {error.strerror}; the ledger needs a directory of its own") from error
    kind = file_system(path.resolve(), mounts)
    if kind in NETWORK_TYPES:
        raise UnsuitableDirectory(f"{path} is on a network file system ({kind}), where a memory map is not safe; use a local disk")


def file_system(path: Path, mounts: str) -> str:
    """The type of the file system that holds ``path``, by the text of mountinfo (proc(5)); "" when it does not say."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) < 5 or not right:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), fields[4]))
        # >= because of two mounts on one point the later covers the earlier
        if (path == point or point in path.parents) and len(point.parts) >= best:
            best, kind = len(point.parts), right.split(" ")[0]
    return kind


def settle(path: Path) -> None:
    """The names in a directory are on the disk when this returns."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _settle_parent(path: Path) -> None:
    try:
        settle(path.absolute().parent)
    except PermissionError:
        return  # one that only lets us through: whoever may list it made ours there, and not just now


class WriterLock:
    """Held by the one process that writes; given back by the kernel however that process ends."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = os.pread(self._file, 20, 0).strip()  # 20 digits hold any pid
            os.close(self._file)
            raise DirectoryBusy(str(path), int(pid) if pid.isdigit() else None) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another process write.  The file stays: removing it would race with who opens it just now."""
        os.close(self._file)
