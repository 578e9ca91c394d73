"""Everything a command started, found and killed together.

A command leads a session of its own.  Its members are found in /proc by their session, so a grandchild that made a
process group of its own is one of them.  One that made a *session* of its own left; where this process adopts orphans
(``adopt_orphans``), it comes back as our own child as soon as its parent is dead, and is known by the mark in its
environment.  What clears its environment and leaves the session is beyond this: a machine that runs hostile programs
gives them a container or a user of their own.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import attrs
import trio

MARK = "VIENNA_EFFECT"

_PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>
_ROUND = 0.01  # seconds between two looks at what is still alive after a SIGKILL; death takes far less
_ROUNDS = 200  # two seconds: what survives that hangs in the kernel and will not die now


def adopt_orphans() -> None:
    """Make every orphan below this process its child instead of init's.  For the whole process and for good."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


@attrs.frozen
class _Seen:
    pid: int
    state: str
    parent: int
    session: int

    @property
    def alive(self) -> bool:
        return self.state not in "ZX"


@attrs.frozen
class Session:
    """The session that ``leader`` made.  Valid while the leader is not reaped: until then nobody else gets its number."""

    leader: int
    mark: str  # the value of VIENNA_EFFECT it was started with

    def count(self) -> int:
        """How many are alive, the leader included."""
        return sum(seen.alive for seen in self._members())

    def signal(self, number: signal.Signals) -> None:
        """To the leader's process group at once; the kernel lets no member fork past it."""
        with suppress(ProcessLookupError):
            os.killpg(self.leader, number)

    async def kill(self) -> bool:
        """Kill every member until none is left; whether that was reached.  Reaps those that became our own children."""
        adopted: set[int] = set()
        for _ in range(_ROUNDS):
            self.signal(signal.SIGKILL)
            members = self._members()
            adopted.update(seen.pid for seen in members if seen.parent == os.getpid() and seen.pid != self.leader)
            alive = [seen for seen in members if seen.alive]
            for seen in alive:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(seen.pid, signal.SIGKILL)
            adopted -= {pid for pid in adopted if _reaped(pid)}
            if not alive and not adopted:
                return True
            await trio.sleep(_ROUND)
        return False

    def _members(self) -> list[_Seen]:
        everyone = list(_processes())
        known = (self.leader, os.getsid(0))
        left = [seen for seen in everyone if seen.parent == os.getpid() and seen.session not in known and self._marked(seen.pid)]
        sessions = {self.leader, *(seen.session for seen in left)}
        return [seen for seen in everyone if seen.session in sessions]

    def _marked(self, pid: int) -> bool:
        try:
            with open(f"/proc/{pid}/environ", "rb") as environ:
                return f"{MARK}={self.mark}".encode() in environ.read().split(b"\0")
        except OSError:  # it is gone, or not ours to look at
            return False


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return True


def _processes() -> Iterator[_Seen]:
    for name in os.listdir("/proc"):
        if not name.isdecimal():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:
                # proc(5): "pid (comm) state ppid pgrp session …"; comm may hold anything, also ") "
                fields = stat.read().rpartition(b")")[2].split()
        except OSError:  # gone between listing and reading
            continue
        yield _Seen(int(name), fields[0].decode(), int(fields[1]), int(fields[3]))
