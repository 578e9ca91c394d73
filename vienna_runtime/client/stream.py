"""A subscription that goes on after a lost connection where it left off; it misses nothing and says nothing twice by position."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import trio

from transport import errors as wire
from transport.answers import Event
from transport.link import Subscription
from vienna_runtime.client.errors import ClientError, Refused, Unreachable
from vienna_runtime.client.line import Line

CREDIT = 256  # events on their way: enough to fill a fast line, small enough to hold


class Stream:
    """An asynchronous iterator of the events' values, each with its position ``at``.

    ``fields(at)`` are the call's fields to go on after that position (``None``: from the start).
    """

    def __init__(self, line: Line, tag: str, fields: Callable[[int | None], dict[str, Any]]) -> None:
        self._line = line
        self._tag = tag
        self._fields = fields
        self._entered: AbstractAsyncContextManager[Subscription] | None = None
        self._subscription: Subscription | None = None
        self.at: int | None = None  # of the last event taken
        self.resumptions = 0  # how often the connection was lost on the way

    @property
    def connected(self) -> bool:
        """Whether it is subscribed at this moment; else the next event waits for a new connection first."""
        return self._subscription is not None

    async def __aenter__(self) -> Stream:
        give_up: float | None = None
        while self._subscription is None:
            try:
                await self._open()
            except wire.OutcomeUnknown as error:  # the connection broke while it was being asked for
                give_up = await self._again(error, give_up)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._leave()  # noqa: ASYNC102  # the subscription's own end shields and bounds itself

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> dict[str, Any]:
        give_up: float | None = None
        while True:
            try:
                if self._subscription is None:
                    await self._open()
                assert self._subscription is not None
                item = await anext(self._subscription)
            except wire.OutcomeUnknown as error:  # the connection is gone, or the server's word on the subscription did not come
                await self._leave()
                self.resumptions += 1
                give_up = await self._again(error, give_up)
                continue
            if isinstance(item, Event):
                self.at = item.at
                return item.value

    async def _again(self, error: wire.OutcomeUnknown, give_up: float | None) -> float:
        """Waits before the next attempt; until when there may be one."""
        give_up = give_up or trio.current_time() + self._line.patience.seconds
        if trio.current_time() > give_up:
            raise Unreachable(f"the subscription broke off and could not be taken up again: {error}") from error
        await trio.sleep(self._line.patience.first)
        return give_up

    async def _open(self) -> None:
        link = await self._line.renewed()
        entered = link.subscribe(self._tag, self._fields(self.at), credit=CREDIT, timeout=self._line.patience.answer)
        try:
            self._subscription = await entered.__aenter__()
        except wire.SubscriptionRefused as error:
            raise _refused(error) from None
        self._entered = entered

    async def _leave(self) -> None:
        entered, self._entered, self._subscription = self._entered, None, None
        if entered is not None:
            await entered.__aexit__(None, None, None)


def _refused(error: wire.SubscriptionRefused) -> ClientError:
    return Refused(error.code, error.why)
