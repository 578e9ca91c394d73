"""Starts the demo's processes, waits for their ready lines, and leaves none of them behind, whatever way the demo ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import attrs
import trio

from vienna_runtime.client.errors import Refused
from vienna_runtime.demo.errors import CommandFailed

READY_SECONDS = 30.0  # to start: two seconds on an idle machine
PATIENCE = 60.0  # for one command
STOP_SECONDS = 12.0  # an executor reports what it has before it ends, and gives that ten
_TAIL = 1500  # characters of a log in an error


@attrs.define
class Running:
    """One process of the demo."""

    name: str
    process: trio.Process
    log: Path
    ready: str
    lines: list[str] = attrs.Factory(list)  # of its stdout, after the ready line
    more: trio.Event = attrs.Factory(trio.Event)

    async def wait_line(self, count: int) -> None:
        """Until it has said that many lines after the first."""
        while len(self.lines) < count:
            await self.more.wait()

    def kill(self) -> None:
        """At once, as a power cut would; the whole group."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    async def stop(self) -> int:
        """As an operator would; SIGKILL if that does not help."""
        if self.process.returncode is None:
            self.process.terminate()
            with trio.move_on_after(STOP_SECONDS):
                return await self.process.wait()
            self.kill()
        return await self.process.wait()


class Stage:
    """A directory and the processes that live in it."""

    def __init__(self, directory: Path, nursery: trio.Nursery) -> None:
        self.directory = directory
        self._nursery = nursery
        self._running: list[Running] = []
        self._passphrase = directory / "passphrase"
        (directory / "logs").mkdir(exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """What every process gets: nothing of ours but the way to programs, and where the passphrase lies."""
        kept = {name: value for name in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR") if (value := os.environ.get(name)) is not None}
        return {**kept, "VIENNA_PASSPHRASE_FILE": str(self._passphrase), "PYTHONUNBUFFERED": "1"}

    def keep_passphrase(self, text: str) -> None:
        handle = os.open(self._passphrase, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w") as file:
            file.write(text)

    async def start(self, name: str, *module: str) -> Running:
        """A process that lives on, once it has said that it is ready; its log is ``logs/NAME.log``."""
        log = self.directory / "logs" / f"{name}.log"
        with log.open("ab") as stderr:
            process = await trio.lowlevel.open_process(
                [sys.executable, "-P", "-m", *module],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=self.environment,
                cwd=self.directory,
                start_new_session=True,
            )
        running = Running(name, process, log, "")
        self._running.append(running)
        with trio.move_on_after(READY_SECONDS):
            running.ready = await self._nursery.start(_listen, running)
        if not running.ready:
            raise CommandFailed(f"{name} did not become ready: {log.read_text(errors='replace')[-_TAIL:]}")
        return running

    async def vienna(self, *arguments: str, credential: Path | None = None, code: int = 0) -> Any:
        """One command of the command line, as a member's own process: what it says as JSON.

        Raises ``Refused`` where the node said no, ``CommandFailed`` if the exit code is another than ``code``.
        """
        ended = await self.run_vienna(*arguments, "--json", credential=credential)
        if ended.returncode == code:
            lines = ended.stdout.decode().splitlines()
            return json.loads(lines[-1]) if lines else {}
        with suppress(ValueError, KeyError, IndexError):
            error = json.loads(ended.stderr.decode().splitlines()[-1])["error"]
            if ended.returncode == 1:
                raise Refused(error["code"], error["why"])
        said = (ended.stderr or ended.stdout).decode(errors="replace")[-_TAIL:]
        raise CommandFailed(f"vienna {' '.join(arguments[:2])} ended with {ended.returncode}: {said}")

    async def run_vienna(self, *arguments: str, credential: Path | None = None) -> subprocess.CompletedProcess[bytes]:
        who = () if credential is None else ("--credential", str(credential))
        with trio.move_on_after(PATIENCE):
            return await trio.run_process(
                [sys.executable, "-P", "-m", "vienna_runtime.cli.main", *who, *arguments],
                capture_stdout=True,
                capture_stderr=True,
                check=False,
                env=self.environment,
                cwd=self.directory,
            )
        raise CommandFailed(f"vienna {' '.join(arguments[:2])} did not end within {PATIENCE:.0f} s")

    async def strike(self) -> None:
        """Ends every process: those that came last first, the node after its members."""
        for running in reversed(self._running):
            await running.stop()

    def kill_all(self) -> None:
        for running in self._running:
            running.kill()


@asynccontextmanager
async def set_up(directory: Path) -> AsyncIterator[Stage]:
    """A stage for the time of the block; afterwards none of its processes lives."""
    async with trio.open_nursery() as nursery:
        stage = Stage(directory, nursery)
        try:
            yield stage
        finally:
            with trio.CancelScope(shield=True):
                with trio.move_on_after(STOP_SECONDS * 2):
                    await stage.strike()
                stage.kill_all()
            nursery.cancel_scope.cancel()


async def _listen(running: Running, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
    """Reads what the process says, so that it never waits for us: the first line is its readiness."""
    assert running.process.stdout is not None
    rest, first = b"", True
    async for chunk in running.process.stdout:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if first:
                first = False
                task_status.started(line.decode(errors="replace"))
            else:
                running.lines.append(line.decode(errors="replace"))
        running.more.set()
        running.more = trio.Event()
    if first:
        task_status.started("")
