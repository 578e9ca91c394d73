"""Calls that survive a lost connection: dialled again, and asked again under the same idempotency key.

What was asked twice and refused the second time may have been done the first time; calls that cannot tell (``ONCE``) are
not repeated but end as ``OutcomeUnknown``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

import trio

from transport import errors as wire
from transport.answers import Indeterminate, Refused, Reply
from transport.link import ClientConnection
from vienna_runtime.client import errors as e
from vienna_runtime.client.patience import Patience

# These have neither key nor a repetition that answers like the first time.
ONCE = frozenset({"tenant.create", "tenant.seal", "enrol", "effect.settle", "case.cancel", "warrant.revoke", "breaker.reset"})
_TIMED = frozenset({"ledger.wait"})  # says itself how long it waits
_WAITS = frozenset({"busy"})  # nothing was done and it passes by itself: asked again within the patience


Dialled: TypeAlias = Callable[[], AbstractAsyncContextManager[ClientConnection]]  # a new session each time; ``dial`` in production


class Line:
    """One member's connection, renewed as needed.  Made by ``line_over``."""

    def __init__(self, dialled: Dialled, patience: Patience, nursery: trio.Nursery) -> None:
        self._dialled = dialled
        self.patience = patience
        self.renewals = 0  # how often a connection was dialled after the first
        self._nursery = nursery
        self._link: ClientConnection | None = None
        self._dialling = trio.Lock()

    async def link(self) -> ClientConnection:
        """The open connection; dialled if there is none, without a second try."""
        async with self._dialling:
            if self._link is None:
                self._link = await self._nursery.start(self._hold)
            return self._link

    async def call(self, tag: str, fields: dict[str, Any], *, key: str | None = None) -> dict[str, Any]:
        """The reply; raises ``Refused``, ``OutcomeUnknown``, or ``Unreachable`` when nothing was ever asked."""
        give_up, attempt, doubt = trio.current_time() + self.patience.seconds, 0, ""
        while True:
            again: e.ClientError
            try:
                answer = await (await self.link()).call(tag, fields, timeout=self.patience.answer)
                match answer:
                    case Reply(value=value):
                        return value
                    case Indeterminate(why=why):
                        doubt = why
                        again = e.OutcomeUnknown(f"the node does not know whether it was done: {why}", key)
                    case Refused():
                        again = e.Refused(answer.code, answer.why, answer.retry_after, answer.detail)
                        if answer.code not in _WAITS or tag in _TIMED:
                            raise again
            except wire.OutcomeUnknown as error:
                doubt = str(error)
                again = e.OutcomeUnknown(doubt, key)
            except e.Unreachable as error:
                again = e.OutcomeUnknown(f"{doubt}; and since then: {error}", key) if doubt else error
                if attempt == 0 or isinstance(error, (e.Untrusted, e.NotAdmitted)):
                    raise again from error
            attempt += 1
            pause = self.patience.pause(attempt)
            if (doubt and tag in ONCE) or trio.current_time() + pause > give_up:
                raise again
            await trio.sleep(pause)

    async def renewed(self) -> ClientConnection:
        """A connection for a subscription that lost its own; tried for as long as the patience lasts."""
        give_up, attempt = trio.current_time() + self.patience.seconds, 0
        while True:
            try:
                return await self.link()
            except (e.Untrusted, e.NotAdmitted):
                raise
            except e.Unreachable:
                attempt += 1
                pause = self.patience.pause(attempt)
                if trio.current_time() + pause > give_up:
                    raise
            await trio.sleep(pause)

    async def _hold(self, task_status: trio.TaskStatus[ClientConnection]) -> None:
        async with self._dialled() as link:
            task_status.started(link)
            await link.wait_closed()
            self._link = None
            self.renewals += 1


@asynccontextmanager
async def line_over(dialled: Dialled, patience: Patience) -> AsyncIterator[Line]:
    """A line with its first connection open; closed at the end of the block.  Exceptions of the block come out as they are."""
    raised: Exception | None = None
    async with trio.open_nursery() as nursery:
        # Caught and raised again outside, so that the caller gets its own exception and not a group around it.
        try:
            line = Line(dialled, patience, nursery)
            await line.link()
            yield line
        except Exception as error:  # noqa: BLE001  # raised again below
            raised = error
        finally:
            nursery.cancel_scope.cancel()
    if raised is not None:
        raise raised
