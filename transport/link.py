"""The client's end of one session: many calls at once, each waiter gets its own answer or learns that it is unknown.

Calls made in the same scheduling tick travel in one frame.  A lost connection raises ConnectionLost to every waiter: the
server may have decided, so the caller repeats with the same idempotency key.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

import trio

from transport.answers import Answer, Ceased, Event, Lagging, Push, Refused, Reply
from transport.carrier import Carrier
from transport.client_session import ClientSession, Heard
from transport.errors import (
    CallTimeout,
    ConnectionClosed,
    ConnectionLost,
    NotVienna,
    ProtocolError,
    SubscriptionRefused,
    Unauthenticated,
    VerificationError,
)
from transport.limits import Limits
from transport.outbox import Outbox, OutboxFull
from transport.packing import Message
from transport.session import DONE, LOST, PROTOCOL, SILENT, UNPROVEN, ClientState


class _Waiter:
    """One call's place: filled once."""

    __slots__ = ("answer", "arrived")

    def __init__(self) -> None:
        self.arrived = trio.Event()
        self.answer: Answer | None = None


class ClientConnection:
    def __init__(self, *, carrier: Carrier, session: ClientSession, limits: Limits) -> None:
        self._carrier = carrier
        self._session = session
        self._limits = limits
        self._outbox = Outbox(limits)
        self._waiters: dict[int, _Waiter] = {}
        self._subscriptions: dict[int, Subscription] = {}
        self._room = trio.Event()  # set, and replaced, when an answer made room for a call
        self._ended: tuple[str, str] | None = None
        self._refusal: VerificationError | ProtocolError | None = None
        self._over = trio.Event()

    @property
    def session_id(self) -> str:
        return self._session.session_id

    @property
    def principal(self) -> str:
        """Who this connection is, as the server says."""
        return self._session.principal

    async def call(self, tag: str, fields: Message, *, timeout: float) -> Answer:
        """The answer to one call; raises CallTimeout or ConnectionLost when its outcome is unknown."""
        with trio.move_on_after(timeout):
            number, waiter = await self._ask(tag, fields, None)
            try:
                return await self._answer(waiter)
            finally:
                self._waiters.pop(number, None)
        raise CallTimeout(
            f"no answer to `{tag}` within {timeout:g} s: whether it was done is unknown; repeat it with the same idempotency key"
        )

    @asynccontextmanager
    async def subscribe(self, tag: str, fields: Message, *, credit: int = 256, timeout: float = 30.0) -> AsyncIterator[Subscription]:
        """Events of one subscription, with credit given as they are taken.  Raises SubscriptionRefused if it is not granted."""
        subscription: Subscription | None = None
        answer: Answer | None = None
        with trio.move_on_after(timeout):
            number, waiter = await self._ask(tag, fields, credit)
            subscription = self._subscriptions[number] = Subscription(self, number, credit)
            try:
                answer = await self._answer(waiter)
            finally:
                self._waiters.pop(number, None)
                if not isinstance(answer, Reply):
                    self._cease(subscription)
        if subscription is None or answer is None:
            raise CallTimeout(f"no answer to `{tag}` within {timeout:g} s: subscribe again")
        if not isinstance(answer, Reply):
            raise SubscriptionRefused(answer.code if isinstance(answer, Refused) else "indeterminate", answer.why)
        subscription.reply = answer
        try:
            yield subscription
        finally:
            self._cease(subscription)

    async def aclose(self, code: str = DONE, why: str = "") -> None:
        """Say `bye` and close.  Whoever still waits for an answer gets ConnectionLost.  Idempotent."""
        self._end(code, why)
        try:
            with trio.move_on_after(self._limits.closing_seconds):
                await self._outbox.wait_drained()
                await self._carrier.close(code)
        finally:
            self._carrier.abort()

    async def wait_closed(self) -> None:
        """Returns when the connection has ended, for whatever reason."""
        await self._over.wait()

    async def establish(self) -> None:
        """Greet and prove; returns when the session is open.  The caller sets the deadline and runs `write_out` beside it."""
        self._flush()
        while self._session.state is not ClientState.OPEN:
            try:
                await self._next()
            except ConnectionClosed as closed:
                self._raise_not_let_in(closed)

    async def read_in(self) -> None:
        """The reader: gives each answer to its waiter, until the end.  Run it for as long as the connection lives."""
        try:
            while True:
                for number, heard in await self._next():
                    if isinstance(heard, (Event, Lagging, Ceased)):
                        if (subscription := self._subscriptions.get(number)) is not None:
                            subscription._arrive(heard)
                    elif (waiter := self._waiters.get(number)) is not None:
                        waiter.answer = heard
                        waiter.arrived.set()
                self._room.set()
                self._room = trio.Event()
        except ConnectionClosed as closed:
            self._end(closed.code, closed.why)
        finally:
            self._end(LOST, "the reader of this connection ended")  # whatever ends it, nobody waits for ever

    async def write_out(self) -> None:
        """The writer: run it beside the reader."""
        await self._outbox.write_to(self._carrier)

    async def keep_alive(self) -> None:
        """The heartbeat: run it beside the reader.  Its rhythm is the server's."""
        while self._ended is None:
            now = trio.current_time()
            if not self._session.tick(now):
                self._end(SILENT, "nothing was heard from the server for too long")
                self._carrier.abort()
                return
            self._flush()
            await trio.sleep_until(min(self._session.next_ping_at() or math.inf, self._session.dead_at()))

    def _give_credit(self, sub: int, more: int) -> None:
        if self._ended is None and (packed := self._session.give_credit(sub, more)) is not None:
            self._put(packed)

    def _cease(self, subscription: Subscription) -> None:
        self._subscriptions.pop(subscription.number, None)
        if self._ended is None and (packed := self._session.cease(subscription.number)) is not None:
            self._put(packed)

    async def _ask(self, tag: str, fields: Message, credit: int | None) -> tuple[int, _Waiter]:
        while self._ended is None and self._session.calls_left < 1:
            await self._room.wait()
        if self._ended is not None:
            raise ConnectionLost(*self._ended)
        number, packed = self._session.call(tag, fields, credit=credit)
        waiter = self._waiters[number] = _Waiter()
        self._put(packed)
        return number, waiter

    async def _answer(self, waiter: _Waiter) -> Answer:
        await waiter.arrived.wait()
        if waiter.answer is None:
            raise ConnectionLost(*(self._ended or (LOST, "the connection ended")))
        return waiter.answer

    async def _next(self) -> list[Heard]:
        if self._session.ended is not None:
            raise ConnectionClosed(self._session.ended.code, self._session.ended.why)
        try:
            heard = self._session.receive(await self._carrier.read(), trio.current_time())
        except (ProtocolError, VerificationError) as error:
            self._refusal = error
            code = UNPROVEN if isinstance(error, VerificationError) else PROTOCOL
            self._end(code, str(error))
            raise ConnectionClosed(code, str(error)) from error
        self._flush()
        return heard

    def _raise_not_let_in(self, closed: ConnectionClosed) -> NoReturn:
        if self._refusal is not None:
            raise self._refusal from None
        if closed.code == UNPROVEN:
            raise Unauthenticated(f"the server did not accept the proof of possession: {closed.why}") from None
        raise NotVienna(f"the session did not open ({closed.code}): {closed.why}") from None

    def _flush(self) -> None:
        for packed in self._session.take():
            self._put(packed)

    def _put(self, packed: bytes) -> None:
        try:
            self._outbox.put(packed)
        except OutboxFull:
            self._end(LOST, "the server does not read, and too much waits for it")
            self._carrier.abort()

    def _end(self, code: str, why: str) -> None:
        if self._ended is not None:
            return
        self._ended = (code, why)
        self._outbox.seal(self._session.bye(code, why))
        for waiter in self._waiters.values():
            waiter.arrived.set()
        for subscription in self._subscriptions.values():
            subscription._lose(code, why)
        self._room.set()
        self._over.set()


class Subscription:
    """An asynchronous iterator of Event and Lagging, in order; it ends when the server ceases, and raises ConnectionLost.

    Holds at most its credit of events: credit is given back as they are taken, half at a time.
    """

    def __init__(self, link: ClientConnection, number: int, credit: int) -> None:
        self.number = number
        self.reply = Reply({})
        self.ceased: Ceased | None = None
        self._link = link
        self._batch = max(1, credit // 2)
        self._taken = 0
        self._waiting: deque[Event | Lagging] = deque()
        self._lost: tuple[str, str] | None = None
        self._wake = trio.Event()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Event | Lagging:
        await trio.lowlevel.checkpoint_if_cancelled()
        while not self._waiting:
            if self._lost is not None:
                raise ConnectionLost(*self._lost)
            if self.ceased is not None:
                raise StopAsyncIteration
            self._wake = trio.Event()
            await self._wake.wait()
        item = self._waiting.popleft()
        if isinstance(item, Event):
            self._taken += 1
            if self._taken >= self._batch:
                self._link._give_credit(self.number, self._taken)
                self._taken = 0
        return item

    def _arrive(self, push: Push) -> None:
        if isinstance(push, Ceased):
            self.ceased = push
        elif isinstance(push, Lagging) and self._waiting and isinstance(self._waiting[-1], Lagging):
            self._waiting[-1] = push  # the newer position is all that counts; `lagging` takes no credit and must not pile up
        else:
            self._waiting.append(push)
        self._wake.set()

    def _lose(self, code: str, why: str) -> None:
        self._lost = (code, why)
        self._wake.set()
