"""Runs one command to its end, within limits, and leaves nothing of it behind.

    started ──▶ exited by itself ─────────────────────────────┐
       │                                                      ├──▶ session killed, pipes drained, leader reaped
       ├─ timeout, or too many processes ─ SIGTERM ─ grace ───┤
       └─ cancelled ─ SIGTERM ─ grace ────────────────────────┘

The leader is reaped last: while it is a zombie, its number (and so the number of its group and session) belongs to it,
and a kill can hit nobody else.  ``preexec_fn`` is not used (it can deadlock beside threads): the limits are set by
``prlimit`` (util-linux), which then becomes the program, so there is no moment without them.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from typing import TypeAlias

import attrs
import trio

from vienna_runtime.executors.argv import SEARCH
from vienna_runtime.executors.errors import NotStarted
from vienna_runtime.executors.session import MARK, Session

_CHUNK = 64 * 1024  # a pipe's usual capacity
_FIRST_LOOK = 0.02  # seconds until processes are counted first; most commands are over by then
_LOOK = 0.1  # and from then on: a fork bomb makes some hundreds in that time, and reading /proc costs about 1 %
_DRAIN = 1.0  # seconds to read what is left in the pipes once every member is dead; it is there already


@attrs.frozen(kw_only=True)
class Limits:
    cpu_seconds: int
    address_space: int  # bytes
    open_files: int
    processes: int  # of this command alone, counted here: RLIMIT_NPROC counts all of the user's, and never root's
    file_size: int  # bytes


@attrs.frozen(kw_only=True)
class Command:
    argv: list[bytes] = attrs.field(repr=False)
    env: Mapping[str, str] = attrs.field(repr=False)
    effect_id: str
    cwd: int  # a directory's descriptor
    stdin: bytes = attrs.field(repr=False)
    limits: Limits
    timeout: float
    grace: float  # seconds between SIGTERM and SIGKILL
    keep: int  # bytes of each output stream that are kept; all of it is digested


@attrs.frozen(kw_only=True)
class Captured:
    head: bytes = attrs.field(repr=False)
    size: int
    digest: bytes  # SHA-256 of all of it


@attrs.frozen
class Exited:
    code: int


@attrs.frozen
class Signalled:
    """Killed by a signal that did not come from here: a CPU limit, a crash, somebody."""

    number: int


@attrs.frozen
class Stopped:
    """Killed from here."""

    why: str


Ending: TypeAlias = Exited | Signalled | Stopped


@attrs.frozen(kw_only=True)
class Ran:
    ending: Ending
    stdout: Captured
    stderr: Captured
    leftover: bool  # something of it may live on: it would not die, or still held a pipe


class _Capture:
    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._head = bytearray()
        self._size = 0
        self._digest = hashlib.sha256()

    async def drain(self, stream: trio.abc.ReceiveStream) -> None:
        while chunk := await stream.receive_some(_CHUNK):
            self._size += len(chunk)
            self._digest.update(chunk)
            if (room := self._keep - len(self._head)) > 0:
                self._head += chunk[:room]

    def captured(self) -> Captured:
        return Captured(head=bytes(self._head), size=self._size, digest=self._digest.digest())


async def run(command: Command) -> Ran:
    """Raises ``NotStarted`` when nothing was run.  When cancelled, the command is dead before ``Cancelled`` leaves."""
    process = await _start(command)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    session = Session(process.pid, command.effect_id)
    out, err = _Capture(command.keep), _Capture(command.keep)
    try:
        exit_fd = os.pidfd_open(process.pid)
    except OSError:  # out of descriptors: it cannot be watched, so it does not run
        session.signal(signal.SIGKILL)
        with trio.CancelScope(shield=True):
            await process.wait()
        raise
    finished, leftover = False, True
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_feed, process.stdin, command.stdin)
            drained = [trio.Event(), trio.Event()]
            nursery.start_soon(_drain, out, process.stdout, drained[0])
            nursery.start_soon(_drain, err, process.stderr, drained[1])
            stopped = await _ended(exit_fd, session, command)
            if stopped is not None:
                await _terminate(exit_fd, session, command.grace)
            dead = await session.kill()
            with trio.move_on_after(_DRAIN):
                for stream in drained:
                    await stream.wait()
            finished, leftover = True, not dead or not all(stream.is_set() for stream in drained)
            nursery.cancel_scope.cancel()
    finally:
        with trio.CancelScope(shield=True):
            await _reap(process, exit_fd, session, command.grace, finished=finished)
    code = process.returncode
    assert code is not None
    ending = Stopped(stopped) if stopped is not None else Exited(code) if code >= 0 else Signalled(-code)
    return Ran(ending=ending, stdout=out.captured(), stderr=err.captured(), leftover=leftover)


async def _start(command: Command) -> trio.Process:
    limits = command.limits
    limited = [
        _prlimit(),
        "--core=0",  # a core dump is a copy of secrets
        f"--cpu={limits.cpu_seconds}:{limits.cpu_seconds + 1}",  # SIGXCPU, a second later SIGKILL
        f"--as={limits.address_space}",
        f"--nofile={limits.open_files}",
        f"--fsize={limits.file_size}",
        "--",
    ]
    try:
        return await trio.lowlevel.open_process(
            [*limited, *command.argv],
            env={**command.env, MARK: command.effect_id},
            cwd=f"/proc/self/fd/{command.cwd}",  # the directory that was walked to, whatever its name means by now
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        name = "the arguments are too long" if error.errno == errno.E2BIG else "the program cannot be started"
        raise NotStarted(f"{name}: {error.strerror}") from error


def _prlimit() -> str:
    found = shutil.which("prlimit", path=SEARCH)
    if found is None:
        raise NotStarted("prlimit is not installed (it is part of util-linux), and no command runs without limits")
    return found


async def _ended(exit_fd: int, session: Session, command: Command) -> str | None:
    """Wait for the leader's own end (None), or say why it must be stopped."""
    look = _FIRST_LOOK
    with trio.move_on_after(command.timeout):
        while True:
            with trio.move_on_after(look):
                await trio.lowlevel.wait_readable(exit_fd)
                return None
            look = _LOOK
            if (count := session.count()) > command.limits.processes:
                return f"had {count} processes, more than the {command.limits.processes} it may have"
    return "did not end within its time"


async def _terminate(exit_fd: int, session: Session, grace: float) -> None:
    session.signal(signal.SIGTERM)
    with trio.move_on_after(grace):
        await trio.lowlevel.wait_readable(exit_fd)


async def _reap(process: trio.Process, exit_fd: int, session: Session, grace: float, *, finished: bool) -> None:
    """Whatever way the run ended: nothing alive, nothing unreaped, nothing open."""
    try:
        if not finished:
            await _terminate(exit_fd, session, grace)
            await session.kill()
        await process.wait()
    finally:
        os.close(exit_fd)
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            await trio.aclose_forcefully(stream)


async def _feed(stream: trio.abc.SendStream, data: bytes) -> None:
    """A program that does not read its input is no failure: its exit code says what it thought of it."""
    async with stream:
        try:
            if data:
                await stream.send_all(data)
        except trio.BrokenResourceError:
            return


async def _drain(capture: _Capture, stream: trio.abc.ReceiveStream, done: trio.Event) -> None:
    await capture.drain(stream)
    done.set()
