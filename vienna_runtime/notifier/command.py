"""A command: its arguments as they are written, the message on its standard input, and never a shell."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress

import attrs
import trio

from vienna_runtime.notifier.schedule import Attempt, Delivered, Failed

GRACE = 2.0  # s between SIGTERM and SIGKILL
PASSED_ON = ("PATH", "LANG", "LC_ALL", "HOME", "TZ")  # of the environment: nothing of this process's secrets is there, and it stays so


@attrs.frozen(kw_only=True)
class Command:
    argv: tuple[str, ...]
    timeout: float

    async def attempt(self, name: str, body: bytes, now: float) -> Attempt:
        environ = {key: os.environ[key] for key in PASSED_ON if key in os.environ}
        try:
            process = await trio.lowlevel.open_process(
                list(self.argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                env={**environ, "VIENNA_WEBHOOK_ID": name},
                start_new_session=True,  # so that all of it can be killed
            )
        except OSError as error:
            return Failed(f"cannot be started: {error.strerror or error}")
        try:
            with trio.move_on_after(self.timeout) as bounded:
                await _told(process, body)
                await process.wait()
            if bounded.cancelled_caught:
                await _ended(process)
                return Failed(f"was not done within {self.timeout:g} s")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # whatever it left behind, and itself where this was cancelled
            with trio.CancelScope(shield=True):
                await process.wait()
        return Delivered() if process.returncode == 0 else Failed(f"ended with {process.returncode}")


async def _told(process: trio.Process, body: bytes) -> None:
    assert process.stdin is not None
    with suppress(trio.BrokenResourceError):  # it need not read to the end: its exit code says whether it was well
        async with process.stdin:
            await process.stdin.send_all(body)


async def _ended(process: trio.Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with trio.move_on_after(GRACE):
        await process.wait()
