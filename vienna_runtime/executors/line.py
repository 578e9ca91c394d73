"""A line to the node that comes back: what is asked is asked again until it is answered, and the inbox is opened again.

Everything said over it is safe to repeat: a run's id, a receipt and an attestation name what they are about.  What comes
in comes at least once; whoever takes it drops what it has seen.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import attrs
import structlog
import trio

from transport.answers import Event, Refused, Reply
from transport.errors import CannotConnect, OutcomeUnknown, SubscriptionRefused
from transport.link import ClientConnection
from transport.packing import Message
from vienna_runtime.client.errors import Unreachable

log = structlog.get_logger(__name__)

Dial: TypeAlias = Callable[[], AbstractAsyncContextManager[ClientConnection]]
Greet: TypeAlias = Callable[[ClientConnection], Awaitable[None]]
Take: TypeAlias = Callable[[Message], None]

ANSWER_SECONDS = 30.0  # a node that decides answers in milliseconds; a longer silence is a lost answer
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0  # seconds between two attempts: a restart takes one or two, an outage should not be hammered
CREDIT = 256  # items under way; more are only kept here instead of there
# No decision yet: the same again, later.
LATER = frozenset({"busy", "read_only", "clock_in_doubt", "frozen", "time_skewed"})
AS_TOLD = frozenset({"not_witnessed"})  # later where the node says when; where it asks no witness, never


@attrs.frozen
class Answered:
    """``lost`` counts earlier attempts whose outcome nobody learnt: the node may have done what it now calls repeated."""

    answer: Reply | Refused
    lost: int


class Line:
    """One connection at a time, kept by ``keep``; ``ask`` waits for it where there is none."""

    def __init__(self, dial: Dial, *, pause: float = FIRST_PAUSE) -> None:
        self._dial = dial
        self._pause = pause
        self._connection: ClientConnection | None = None
        self._changed = trio.Event()
        self._again = False

    async def keep(self, greet: Greet, take: Take, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Connects, greets, takes the inbox in, and begins again when the connection is lost; for ever.

        The first attempt raises what keeps it from working, so that a wrong key or address is said at once.
        """
        pauses = _pauses(self._pause)
        opened = False
        while True:
            try:
                async with self._dial() as connection:
                    await greet(connection)
                    async with connection.subscribe("inbox", {}, credit=CREDIT) as inbox:
                        self._put(connection)
                        pauses = _pauses(self._pause)
                        if not opened:
                            opened = True
                            task_status.started()
                        async for push in inbox:
                            if isinstance(push, Event):
                                take(push.value)
                        log.warning("the node ended the inbox", why=inbox.ceased.why if inbox.ceased else "")
            except (Unreachable, CannotConnect, OutcomeUnknown, SubscriptionRefused) as error:
                if not opened:
                    raise
                log.warning("the line to the node is down", why=str(error))
            finally:
                self._put(None)
            if self._again:
                self._again = False
            else:
                await trio.sleep(next(pauses))

    async def again(self) -> None:
        """Opens the inbox anew: what is open there comes once more."""
        if (connection := self._connection) is not None:
            self._again = True
            await connection.aclose()

    async def ask(self, tag: str, fields: Callable[[], Message]) -> Answered:
        """The node's answer, however long it takes; ``fields`` is called for each attempt.  The caller bounds the time."""
        lost, pauses = 0, _pauses(self._pause)
        while True:
            connection = await self._connected()
            wait = next(pauses)
            try:
                answer = await connection.call(tag, fields(), timeout=ANSWER_SECONDS)
            except OutcomeUnknown as error:
                lost += 1
                log.info("no answer; asking again", call=tag, why=str(error))
                if self._connection is connection:
                    await connection.aclose()  # deaf or gone: ``keep`` dials again
            else:
                match answer:
                    case Reply():
                        return Answered(answer, lost)
                    case Refused(code=code, retry_after=after) if code in LATER or (code in AS_TOLD and after is not None):
                        wait = max(wait, (after or 0) / 1000)
                        log.info("not now; asking again", call=tag, code=code, why=answer.why)
                    case Refused():
                        return Answered(answer, lost)
                    case _:  # indeterminate: perhaps done, and the same again tells
                        lost += 1
            await trio.sleep(wait)

    async def _connected(self) -> ClientConnection:
        while self._connection is None:
            await self._changed.wait()
        return self._connection

    def _put(self, connection: ClientConnection | None) -> None:
        self._connection = connection
        self._changed.set()
        self._changed = trio.Event()


class _pauses:  # noqa: N801  # an iterator used like a function
    """Seconds to wait, doubling, each shortened at random by up to a half so that many do not come back at once."""

    def __init__(self, first: float) -> None:
        self._next = first

    def __next__(self) -> float:
        pause, self._next = self._next, min(self._next * 2, LONGEST_PAUSE)
        return pause * random.uniform(0.5, 1.0)  # noqa: S311  # spreads load, guards nothing
