"""Reads, writes and deletes one file below a root.

A write is whole or not at all: a temporary file in the same directory, synced, renamed over the name, the directory
synced.  What nobody can vouch for is *Unknown*: a change of a name that the disk did not confirm, or a file that was
swapped for another while it was deleted.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from contextlib import suppress

import attrs
import structlog
import trio

from vienna_runtime.executors import walk
from vienna_runtime.executors.errors import NotStarted, ValueRefused
from vienna_runtime.executors.means import ABSENT, CHANGED, NOTHING, Done, Evidence, Failed, Outcome, Succeeded, Unknown, Work
from vienna_runtime.executors.subject import Subject
from vienna_runtime.executors.template import Template

log = structlog.get_logger(__name__)

_CHUNK = 1 << 20  # a megabyte a read: few calls, little memory
TEMPORARY = ".vienna-"  # begins the name of a file being written; a crash leaves at most such a file


class Unconfirmed(Exception):
    """The name was changed, and it cannot be said what that left behind."""


@attrs.frozen(kw_only=True)
class FileMeans:
    op: str  # read, write or delete
    subject: Subject
    root: str
    path: Template
    content: Template
    most: int  # bytes read or written
    keep: int  # bytes of what is read that travel in the receipt
    mode: int  # of a file that is written
    hard_links: bool  # whether a file with more than one name may be read or deleted
    cost: int
    now: Callable[[], int]

    async def execute(self, work: Work) -> Outcome:
        started = self.now()
        done = Done(action=work.action, resource=work.resource, params=dict(work.params))
        try:
            values = self.subject.values(work.resource, work.params, work.effect_id)
            parts = walk.components(self.path.render(values), "the path")
            if parts[-1].startswith(TEMPORARY.encode()):
                raise ValueRefused(f"names beginning with {TEMPORARY} are taken")
            if trio.current_time() >= work.deadline:
                raise NotStarted("its deadline was over before it began")
            # a thread, because a sync may take long; once begun it is seen to its end
            result, digest, evidence = await trio.to_thread.run_sync(self._act, parts, self.content.render(values), work.state)
        except (ValueRefused, NotStarted) as refused:
            return Failed(why=str(refused), done=None, started=started, ended=self.now())
        except Unconfirmed as error:
            return Unknown(why=str(error), done=done, cost=self.cost, started=started, ended=self.now())
        except OSError as error:
            return Failed(why=f"the {self.op} failed: {error.strerror}", done=None, started=started, ended=self.now())
        return Succeeded(
            done=done, result=result, result_digest=digest, evidence=evidence, cost=self.cost, started=started, ended=self.now()
        )

    async def state(self, work: Work) -> bytes | None:
        """The SHA-256 of the file, 32 zero bytes where there is none; None where what lies there is no file that could be read."""
        try:
            parts = walk.components(self.path.render(self.subject.values(work.resource, work.params, work.effect_id)), "the path")
            return await trio.to_thread.run_sync(self._state_of, parts)
        except (ValueRefused, OSError) as error:
            log.warning("the state of the target cannot be read", action=work.action, why=str(error))
            return None

    def _state_of(self, parts: list[bytes]) -> bytes:
        with walk.root(self.root) as root, walk.directory(root, parts[:-1]) as directory:
            return self._digest(directory, parts[-1])

    def _digest(self, directory: int, name: bytes) -> bytes:
        with walk.place(directory, name) as found:
            return ABSENT if found is None else read(found[0], most=self.most, keep=0)[2]

    def _act(self, parts: list[bytes], content: bytes, state: bytes | None) -> tuple[bytes, bytes, Evidence]:
        """With ``state``, what lies there is looked at once more, right before it is changed."""
        with walk.root(self.root) as root, walk.directory(root, parts[:-1]) as directory:

            def unchanged() -> None:
                if state is not None and self._digest(directory, parts[-1]) != state:
                    raise ValueRefused(CHANGED)

            match self.op:
                case "read":
                    found = self._read(directory, parts[-1])
                    if state is not None and found[1] != state:
                        raise ValueRefused(CHANGED)
                    return found
                case "write":
                    return self._write(directory, parts[-1], content, unchanged)
                case _:
                    unchanged()
                    return self._delete(directory, parts[-1])

    def _read(self, directory: int, name: bytes) -> tuple[bytes, bytes, Evidence]:
        with walk.place(directory, name) as found:
            if found is None:
                raise ValueRefused("the file does not exist")
            fd, status = found
            self._names(status)
            head, size, digest = read(fd, most=self.most, keep=self.keep)
            return head, digest, {"bytes": size, "names": status.st_nlink}

    def _write(self, directory: int, name: bytes, content: bytes, unchanged: Callable[[], None]) -> tuple[bytes, bytes, Evidence]:
        if len(content) > self.most:
            raise ValueRefused(f"the content is {len(content)} bytes, more than the {self.most} that may be written")
        with walk.place(directory, name) as found:  # refuses to replace a link, a directory, a fifo
            names = 0 if found is None else found[1].st_nlink
        temporary = f"{TEMPORARY}{secrets.token_hex(8)}".encode()
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=directory)
        try:
            try:
                _write_all(fd, content)
                os.fchmod(fd, self.mode)
                os.fsync(fd)
            finally:
                os.close(fd)
            unchanged()
            os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=directory)
            raise
        _sync(directory)
        # other names of the old file keep its old content: a rename replaces the name, not the file
        return b"", hashlib.sha256(content).digest(), {"bytes": len(content), "replaced": names > 0, "names_before": names}

    def _delete(self, directory: int, name: bytes) -> tuple[bytes, bytes, Evidence]:
        with walk.place(directory, name) as found:
            if found is None:
                raise ValueRefused("the file does not exist")
            fd, before = found
            self._names(before)
            os.unlink(name, dir_fd=directory)
            _sync(directory)
            if os.fstat(fd).st_nlink >= before.st_nlink:  # somebody put another file under the name in between
                raise Unconfirmed("the name was taken by another file while it was deleted")
            return b"", NOTHING, {"bytes": before.st_size, "names_left": before.st_nlink - 1}

    def _names(self, status: os.stat_result) -> None:
        if status.st_nlink != 1 and not self.hard_links:
            raise ValueRefused(f"the file has {status.st_nlink} names (hard links), and one of them may lie outside the root")


def read(place_fd: int, *, most: int, keep: int) -> tuple[bytes, int, bytes]:
    """Head, size and SHA-256 of the file that ``walk.place`` found.  Raises ``ValueRefused`` when it is larger than ``most``."""
    fd = walk.readable(place_fd)
    try:
        head, size, digest = bytearray(), 0, hashlib.sha256()
        while chunk := os.read(fd, _CHUNK):
            size += len(chunk)
            if size > most:  # counted while reading: the size a moment ago proves nothing
                raise ValueRefused(f"the file is larger than the {most} bytes that may be read")
            digest.update(chunk)
            if (room := keep - len(head)) > 0:
                head += chunk[:room]
        return bytes(head), size, digest.digest()
    finally:
        os.close(fd)


def _write_all(fd: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _sync(directory: int) -> None:
    try:
        os.fsync(directory)
    except OSError as error:
        raise Unconfirmed(f"the name was changed, but the disk did not confirm it: {error.strerror}") from error
