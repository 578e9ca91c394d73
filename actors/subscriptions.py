"""What a subscriber is sent, and when: only what is durable, in order, and never more than it gave credit for.

A slow subscriber slows nobody: it is served from the ledger at its own pace.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import trio

from actors.answering import entry
from actors.directory import Place
from actors.governance import commands as c
from actors.governance.views import story
from actors.messages import Listen
from actors.recall import Recall
from actors.scribe import Scribe
from actors.tenant import INBOX
from ledger import BodyRemoved
from ledger.seal import SALT_SIZE
from transport.connection import Connection

STRETCH = 64  # entries read and opened for a tail at once, some milliseconds; then the others have their turn
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


async def tail(subscription: Subscription, scribe: Scribe, log: str, ask: c.Tail, *, bodies: bool) -> None:
    """Entries from ``ask.start`` on, each followed by the signed checkpoint where one ends: enough to recompute the root."""
    ledger = scribe.ledger
    at = ask.start
    await subscription.send(at, {"kind": "start", "size": at, "frontier": list(ledger.frontier(log, at)) if at else []})
    while True:
        durable = scribe.durable
        head = ledger.head(log)
        while at < head.size:
            for record in ledger.read(log, at, min(at + STRETCH, head.size)):
                value: dict[str, object] = {"kind": "entry", "entry": record.entry, "body": None, "salt": None}
                if bodies:
                    try:
                        salted = ledger.open_salted(log, record)
                        value["salt"], value["body"] = salted[:SALT_SIZE], salted[SALT_SIZE:]
                    except BodyRemoved:
                        value["removed"] = True
                await subscription.send(at, value)
                at += 1
            await trio.lowlevel.checkpoint()  # with credit in hand nothing above has waited
        if head.size:
            await subscription.send(at, {"kind": "checkpoint", "note": head.checkpoint})
        if not ask.follow:
            await subscription.send(at, {"kind": "end", "size": at})
            subscription.end("that is all")
            return
        while ledger.head(log).size == at:
            durable = await _commit(scribe, durable)


async def _commit(scribe: Scribe, durable: int) -> int:
    """The watermark after the next commit; the node's log also grows by what no submission was made for."""
    with trio.move_on_after(1.0):
        return await scribe.wait_beyond(durable)
    return scribe.durable


async def case_watch(subscription: Subscription, scribe: Scribe, place: Place, case: str, member: str) -> None:
    """A case's entries from its first to its closing one.  The caller has seen to it that ``member`` may."""
    recall, sent, outcome, over = Recall(scribe.ledger, place.name), 0, "proposed", False

    def listener(_: Mapping[str, object]) -> None:
        subscription.wake()

    try:
        await place.ref.tell(Listen(member, case, listener, lambda: not over, subscription.lost))
        while True:
            for header, event in recall.case(case, after=sent):
                sent += 1
                outcome = story([event], outcome)
                closed = bool(getattr(event, "closes", False))
                await subscription.send(header.sequence, {**entry(header, event), "outcome": outcome, "closed": closed})
                if closed:
                    subscription.end("the case is closed")
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
