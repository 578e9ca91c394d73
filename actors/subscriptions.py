"""What a subscriber is sent, and when: only what is durable, in order, and never more than it gave credit for.

A slow subscriber slows nobody: it is served from the ledger at its own pace.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import trio

from actors.answering import entry
from actors.directory import Place
from actors.governance import events as e
from actors.governance.views import story
from actors.messages import Listen
from actors.recall import Recall
from actors.scribe import Scribe
from actors.tenant import INBOX
from transport.connection import Connection

MOST_WAITING = 4096  # items of an inbox that wait for credit; beyond that it is read anew from the state


class Subscription:
    """One subscribing call on one connection."""

    def __init__(self, connection: Connection, number: int) -> None:
        self.number = number
        self.scope = trio.CancelScope()
        self._connection = connection
        self._news = trio.Event()

    def wake(self) -> None:
        """There is credit again, or something to say."""
        self._news.set()

    def cancel(self) -> None:
        self.scope.cancel()

    async def wait_news(self) -> None:
        """Until ``wake`` was called since the last wait."""
        await self._news.wait()
        self._news = trio.Event()

    async def send(self, at: int, value: Mapping[str, object]) -> None:
        """Posts one event as soon as there is credit for it."""
        while self._connection.credit(self.number) < 1:
            await self.wait_news()
        await self._connection.wait_room()  # credit counts events; entries of a megabyte each would still bury a peer that reads well
        self._connection.post({"t": "event", "sub": self.number, "at": at, "value": dict(value)})

    def lost(self) -> None:
        """The tenant could not take the listener in: said, so that the peer subscribes again."""
        self.end("the tenant is being restarted or recovers; subscribe again")
        self.cancel()

    def end(self, why: str) -> None:
        self._connection.post({"t": "ceased", "sub": self.number, "why": why})


async def case_watch(subscription: Subscription, scribe: Scribe, place: Place, case: str, member: str) -> None:
    """A case's entries from its first to its closing one.  The caller has seen to it that ``member`` may."""
    recall, sent, outcome, over, gone = Recall(scribe.ledger, place.name), 0, "proposed", False, False

    def listener(_: Mapping[str, object]) -> None:
        subscription.wake()

    try:
        await place.ref.tell(Listen(member, case, listener, lambda: not over, subscription.lost))
        while True:
            for header, event in recall.case(case, after=sent):
                sent += 1
                outcome = story([event], outcome)
                closed = bool(getattr(event, "closes", False))
                gone = gone or isinstance(event, e.Gone)
                await subscription.send(header.sequence, {**entry(header, event), "outcome": outcome, "closed": closed})
                if closed:
                    subscription.end("the case is closed")
                    return
            if gone:
                subscription.end("the case is closed, and some of it has been removed")
                return
            await subscription.wait_news()
    finally:
        over = True
        _stop_listening(place, listener)


async def inbox(subscription: Subscription, place: Place, member: str) -> None:
    """What waits for a member, then what comes; at least once, so a client drops what it has seen."""
    waiting: deque[Mapping[str, object]] = deque()
    lost = over = False

    def listener(item: Mapping[str, object]) -> None:
        nonlocal lost
        if len(waiting) < MOST_WAITING:
            waiting.append(item)
        else:
            lost = True
        subscription.wake()

    try:
        await place.ref.tell(Listen(member, INBOX, listener, lambda: not over, subscription.lost))
        while True:
            while waiting:
                await subscription.send(0, waiting.popleft())
            if lost:
                lost = False
                _stop_listening(place, listener)
                await place.ref.tell(Listen(member, INBOX, listener, lambda: not over, subscription.lost))
            await subscription.wait_news()
    finally:
        over = True
        _stop_listening(place, listener)


def _stop_listening(place: Place, listener: object) -> None:
    place.feed.remove(listener)  # type: ignore[arg-type]  # the very function that was added
