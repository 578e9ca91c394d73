"""One process of a self-test: started until it says that it is ready, killed, paused and resumed, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import attrs
import trio

from vienna_runtime.selftest.errors import Broken

READY = 60.0  # s to start, on a machine that is busy with other things
STOP = 40.0  # s to stop in order
_TAIL = 2000  # characters of a log in an error


@attrs.define(eq=False)
class Program:
    """``command`` after ``python -m``; started as often as is wanted, its log is one file."""

    name: str
    command: Sequence[str]
    log: Path
    environ: Mapping[str, str] = attrs.field(factory=dict)
    lines: list[str] = attrs.field(factory=list)  # of its standard output, in its present life
    starts: int = 0
    _process: trio.Process | None = None
    _more: trio.Event = attrs.field(factory=trio.Event)
    _nursery: trio.Nursery | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def start(self) -> str:
        """Its ready line."""
        assert self._nursery is not None
        self.lines, self._more, self.starts = [], trio.Event(), self.starts + 1
        with self.log.open("ab") as log:
            self._process = await trio.lowlevel.open_process(
                [sys.executable, "-P", "-m", *self.command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **self.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
        self._nursery.start_soon(self._listen, self._process)
        return await self.line(0)

    async def line(self, number: int) -> str:
        """That line of its present life, the first is 0."""
        with trio.move_on_after(READY):
            while len(self.lines) <= number and self.is_alive:
                await self._more.wait()
        if len(self.lines) <= number:
            raise Broken(f"{self.name} did not say what it should: {self.log.read_text(errors='replace')[-_TAIL:]}")
        return self.lines[number]

    async def tell(self, text: str) -> None:
        """A line to its standard input."""
        assert self._process is not None
        assert self._process.stdin is not None
        await self._process.stdin.send_all(text.encode() + b"\n")

    async def kill(self) -> None:
        """SIGKILL; returns when it is over."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()

    def pause(self) -> None:
        """SIGSTOP; returns when it has stopped."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    def resume(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)

    async def stop(self) -> int | None:
        """In order, or not at all: its exit code, None where it had to be killed."""
        process = self._process
        if process is None:
            return None
        if process.poll() is None:
            process.terminate()
            with trio.move_on_after(STOP):
                return await process.wait()
            await self.kill()
            return None
        return process.returncode

    async def _listen(self, process: trio.Process) -> None:
        assert process.stdout is not None
        rest, lines, more = b"", self.lines, self._more
        with suppress(trio.ClosedResourceError, trio.BrokenResourceError):
            async for part in process.stdout:
                *whole, rest = (rest + part).split(b"\n")
                if whole:
                    lines += [line.decode(errors="replace") for line in whole]
                    more.set()
                    if self._more is more:
                        self._more = trio.Event()
                    more = self._more
        await process.wait()
        more.set()


@asynccontextmanager
async def alive(*programs: Program) -> AsyncIterator[None]:
    """Where they may be started; afterwards none of them lives."""
    async with trio.open_nursery() as nursery:
        for program in programs:
            program._nursery = nursery
        try:
            yield
        finally:
            with trio.CancelScope(shield=True):
                for program in programs:
                    if program.is_alive:
                        with suppress(ProcessLookupError):
                            os.killpg(program.pid, signal.SIGKILL)
                        await program.kill()
            nursery.cancel_scope.cancel()
