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
from contextlib import suppress

import attrs
import trio

MARK = "VIENNA_EFFECT"

_PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>
_ROUND = 0.01  # seconds between two looks at what is still alive after a SIGKILL; death takes far less
_ROUNDS = 200  # two seconds: what survives that hangs in the kernel and will not die now


def adopt_orphans() -> None:
    """Make every orphan below this process its child instead of init's.  For the whole process and for good.

    Raises ``OSError`` where the kernel cannot do that or does not list a process's children.
    """
    os.stat(f"/proc/self/task/{os.getpid()}/children")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


@attrs.frozen
class _Seen:
    pid: int
    state: str
    parent: int

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
        known = (None, self.leader, os.getsid(0))
        left = [pid for pid in _children() if _session(pid) not in known and self._marked(pid)]
        sessions = {self.leader, *map(_session, left)} - {None}
        members = [pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if _session(pid) in sessions]
        return [seen for pid in members if (seen := _seen(pid)) is not None]

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


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)  # a system call; the same from /proc/PID/stat costs fifty times as much, for every process there is
    except (ProcessLookupError, PermissionError):
        return None


def _children() -> list[int]:
    found: list[int] = []
    for thread in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{thread}/children", "rb") as children:
                found += map(int, children.read().split())
        except FileNotFoundError:  # the thread is gone, or the kernel has no such file and nothing is adopted (``adopt_orphans``)
            continue
    return found


def _seen(pid: int) -> _Seen | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            # proc(5): "pid (comm) state ppid …"; comm may hold anything, also ") "
            fields = stat.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):  # gone between listing and reading
        return None
    return _Seen(pid, fields[0].decode(), int(fields[1]))
