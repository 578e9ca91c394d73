"""Bounded memory for what an actor has yet to read: two lanes, neither of which can fill the other.

- A full lane refuses (``MailboxFull``); nothing is dropped and nothing grows without bound.
- ``receive`` takes all that waits in one wake-up, the urgent lane first, each lane in the order it was filled.
- A mailbox is open for one life of its actor at a time.  What was not handled dies with that life: its questions fail
  with ``ActorDied``, its tells are counted as ``lost`` and handed to ``on_lost``.  The next life begins empty.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import attrs
import trio

from actors.errors import ActorDied, MailboxFull
from actors.kernel.envelope import Envelope
from actors.kernel.reply import Reply

M = TypeVar("M")

CAPACITY = 1024  # a second of work at the rate a tenant decides; beyond that a refusal is kinder than the wait
URGENT_CAPACITY = 256  # reports, denials and trips of the runs that can be open at once


@attrs.frozen(kw_only=True)
class MailboxStatistics:
    name: str
    open: bool
    ordinary: int
    urgent: int
    capacity: int
    urgent_capacity: int
    waiting_for_room: int
    received: int  # messages handed to the actor, over all its lives
    refused: int  # put_nowait that met a full lane
    lost: int  # messages that died unread with their actor


class Mailbox(Generic[M]):
    def __init__(
        self,
        name: str,
        *,
        capacity: int = CAPACITY,
        urgent_capacity: int = URGENT_CAPACITY,
        on_lost: Callable[[M], None] | None = None,
    ) -> None:
        """``on_lost`` tells whoever sent a message that died unread; it never blocks and never raises."""
        if capacity < 1 or urgent_capacity < 1:
            raise ValueError("a lane holds at least one message")
        self.name = name
        self.debts: set[Reply[Any]] = set()  # answers the present life owes
        self._ordinary: deque[Envelope[M]] = deque()
        self._urgent: deque[Envelope[M]] = deque()
        self._capacity = capacity
        self._urgent_capacity = urgent_capacity
        self._ordinary_room = trio.lowlevel.ParkingLot()
        self._urgent_room = trio.lowlevel.ParkingLot()
        self._reader: trio.lowlevel.Task | None = None
        self._open = False
        self._death = trio.Event()
        self._cause: BaseException | None = None
        self._received = 0
        self._refused = 0
        self._lost = 0
        self._on_lost = on_lost

    @property
    def is_open(self) -> bool:
        return self._open

    @property
    def cause(self) -> BaseException | None:
        """What ended the last life, while there is no new one."""
        return self._cause

    def open(self) -> None:
        """Begin a life.  A mailbox has one reader: opening it twice is a bug."""
        if self._open:
            raise RuntimeError(f"{self.name} is alive already")
        self._open = True
        self._cause = None
        self._death = trio.Event()

    def close(self, cause: BaseException | None = None) -> None:
        """End the life: questions fail, unread messages are lost and counted, senders waiting for room are told."""
        if not self._open:
            return
        self._open = False
        self._cause = cause
        lost = [*self._urgent, *self._ordinary]
        self._lost += len(lost)
        self._ordinary.clear()
        self._urgent.clear()
        for reply in tuple(self.debts):
            reply.fail(ActorDied(self.name))
        self._ordinary_room.unpark_all()
        self._urgent_room.unpark_all()
        self._death.set()
        if self._on_lost is not None:
            for envelope in lost:
                self._on_lost(envelope.message)

    def put_nowait(self, message: M, *, urgent: bool = False, trace: str = "") -> None:
        if not self._open:
            raise ActorDied(self.name)
        lane, capacity = (self._urgent, self._urgent_capacity) if urgent else (self._ordinary, self._capacity)
        if len(lane) >= capacity:
            self._refused += 1
            raise MailboxFull(self.name, urgent=urgent)
        lane.append(Envelope(message, trace))
        if self._reader is not None:
            trio.lowlevel.reschedule(self._reader)
            self._reader = None

    async def put(self, message: M, *, urgent: bool = False, trace: str = "") -> None:
        """As ``put_nowait``, but waits for room.  Cancelled while waiting: not put."""
        await trio.lowlevel.checkpoint_if_cancelled()
        lane, capacity, room = (
            (self._urgent, self._urgent_capacity, self._urgent_room) if urgent else (self._ordinary, self._capacity, self._ordinary_room)
        )
        waited = False
        while self._open and len(lane) >= capacity:
            await room.park()
            waited = True
        self.put_nowait(message, urgent=urgent, trace=trace)
        if not waited:
            await trio.lowlevel.cancel_shielded_checkpoint()

    async def receive(self) -> list[Envelope[M]]:
        """Everything that waits, at least one message.  Cancelled while waiting: nothing is taken."""
        if self._ordinary or self._urgent:
            await trio.lowlevel.checkpoint()
        else:
            if self._reader is not None:
                raise RuntimeError(f"{self.name}'s mailbox has two readers")
            self._reader = trio.lowlevel.current_task()

            def give_up(_: object) -> trio.lowlevel.Abort:
                self._reader = None
                return trio.lowlevel.Abort.SUCCEEDED

            await trio.lowlevel.wait_task_rescheduled(give_up)
        batch = [*self._urgent, *self._ordinary]
        if self._urgent:
            self._urgent_room.unpark(count=len(self._urgent))
            self._urgent.clear()
        if self._ordinary:
            self._ordinary_room.unpark(count=len(self._ordinary))
            self._ordinary.clear()
        self._received += len(batch)
        return batch

    async def wait_closed(self) -> None:
        """Until the present life is over; at once if there is none."""
        if self._open:
            await self._death.wait()
        else:
            await trio.lowlevel.checkpoint()

    def statistics(self) -> MailboxStatistics:
        return MailboxStatistics(
            name=self.name,
            open=self._open,
            ordinary=len(self._ordinary),
            urgent=len(self._urgent),
            capacity=self._capacity,
            urgent_capacity=self._urgent_capacity,
            waiting_for_room=len(self._ordinary_room) + len(self._urgent_room),
            received=self._received,
            refused=self._refused,
            lost=self._lost,
        )
