"""A service as a process: one ready line on stdout, SIGTERM drains, a second one ends at once.

Its log goes to stderr: readable lines where that is a terminal, JSON otherwise.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import click
import structlog
import trio

from vienna_runtime import credential as credentials
from vienna_runtime import log_lines, passphrase
from vienna_runtime.client.dial import dial
from vienna_runtime.client.vienna import door_of
from vienna_runtime.credential import Credential
from vienna_runtime.executors.line import Dial
from vienna_runtime.secret import Secret


class Service(Protocol):
    async def run(self, *, once: bool = False, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None: ...

    def drain(self) -> None: ...


def credential(path: Path) -> Credential:
    """The credential at ``path``; a sealed one is opened with the passphrase of the environment or of whoever sits there."""

    def ask() -> Secret:
        return passphrase.read(path.name, environ=os.environ, prompt=passphrase.terminal_prompt(sys.stdin.isatty()))

    return credentials.read(path, ask=ask)


def dialling(held: Credential) -> Dial:
    door = door_of(held)
    return lambda: dial(door)


def serve(service: Service, ready: str, *, once: bool) -> None:
    """Returns when drained.  Raises what kept it from working, as itself and not in a group."""
    log_lines.start(logging.INFO, as_json=not sys.stderr.isatty())
    raised: Exception | None = None
    try:
        trio.run(_serve, service, lambda: click.echo(ready), once)
    except* Exception as group:  # noqa: BLE001  # raised again below, without the group
        raised = _first(group)
    if raised is not None:
        raise raised


async def _serve(service: Service, ready: Callable[[], None], once: bool) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:

            async def until_told() -> None:
                async for number in signals:
                    structlog.get_logger(__name__).info("draining", signal=signal.Signals(number).name)
                    service.drain()
                    break
                async for number in signals:
                    structlog.get_logger(__name__).warning("ending now", signal=signal.Signals(number).name)
                    nursery.cancel_scope.cancel()

            async def run(task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
                await service.run(once=once, task_status=task_status)
                nursery.cancel_scope.cancel()

            nursery.start_soon(until_told)
            await nursery.start(run)
            ready()


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    """One of them: several failed together because the first one cancelled nothing of its own."""
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, Exception)
    return found
