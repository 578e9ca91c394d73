"""What a tenant owes to forgetting, carried out in bounded pieces between its decisions.

    confirmed month, ordered erasure ─▶ a snapshot above it ─▶ removals, each one entry ─▶ the rest sealed again ─▶ old keys gone

What is owed stands in the tenant's state and in the ledger, so a new life goes on where the last one ended.  Each piece asks
the law again: a hold that was placed, or a case that was opened, in the meantime keeps what it concerns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Protocol

import attrs
import structlog
import trio

from actors import retained
from actors.aside import Aside
from actors.errors import ActorsError
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import retention
from actors.governance.codec import encode
from actors.governance.decision import Facts, MonthPlan, Span
from actors.governance.evolve import evolve
from actors.governance.ids import Instant
from actors.governance.months import end_of, month_of
from actors.governance.state import State
from actors.scribe import Scribe
from ledger import BadDraft, Closed, Ledger, LedgerError, WritingStopped
from ledger.forgetting import Step

log = structlog.get_logger(__name__)

LOOKS = (c.RunRetention, c.Erase, c.Read)  # what may need a look through the log first
BUDGET = 0.1  # s of pieces in one go; then the tenant's people have their turn


class Owner(Protocol):
    """What the tenant lends: it decides nothing while a piece is carried out."""

    state: State

    @property
    def epoch(self) -> int:
        """Of its state."""

    async def is_settled(self) -> bool:
        """Waits until all of its own is durable; whether its state is that."""

    async def covers(self, size: int) -> int | None:
        """The size of a snapshot at ``size`` or above that its fold relies on, made where there is none; None while that fails."""

    def submits(self, event: e.Event) -> bool:
        """Records an event of the law's own; whether it could."""

    def forgot(self) -> None:
        """Bodies have been removed: nothing of them is remembered."""


class Forgetting:
    """One tenant's."""

    def __init__(self, ledger: Ledger, name: str, witnessed: Callable[[str], Instant]) -> None:
        self._ledger, self._name, self._witnessed = ledger, name, witnessed
        self._log = retained.Log(ledger, name)
        self._seen: list[retained.Seen] = []
        self._spans: dict[str, Span] = {}
        self._planned: tuple[object, Iterator[retained.Chunk]] = (None, iter(()))
        self._ahead: list[retained.Chunk] = []  # the next of what is planned, and the one after it

    # What a question or a command needs to know

    async def prepare(self, ask: object, state: State, now: Instant, aside: Aside) -> None:
        """Looks through the log in a thread, for those few asks that need it."""
        match ask:
            case c.RunRetention() | c.Read(what="retention.show"):
                self._seen = await aside(self._log.months, state, now)
            case c.Erase():
                self._spans = await aside(self._log.spans, ask.what)
            case _:
                pass

    def facts(self, command: c.RunRetention | c.Erase, known: Facts) -> Facts:
        """With what ``prepare`` found."""
        if isinstance(command, c.Erase):
            return attrs.evolve(known, spans=self._spans)
        expired = tuple(MonthPlan(seen.month, seen.due, seen.going) for seen in self._seen if seen.over)
        return self.dated(attrs.evolve(known, expired=expired))

    def dated(self, known: Facts) -> Facts:
        """With the newest time that witnesses have signed."""
        return attrs.evolve(known, witnessed=self._witnessed(self._name))

    def knows(self, case: str) -> bool:
        """Whether the log has entries of this case, whatever became of their bodies."""
        return self._log.knows(case)

    def shown(self, state: State, now: Instant) -> Mapping[str, object]:
        """The answer to ``retention.show``."""
        witnessed = self._witnessed(self._name)
        months = [
            {**attrs.asdict(seen), "confirmed": seen.due <= min(witnessed, now), "going_on": seen.month in state.expiring}
            for seen in self._seen
        ]
        holds = [attrs.asdict(hold) for hold in state.holds.values()]
        erasing = [{"erasure": one.erasure, "what": list(one.what)} for one in state.erasing.values()]
        return {
            "days": retention.promised(state)[-1].days,
            "promises": [{"since": promise.since, "days": promise.days} for promise in retention.promised(state)],
            "now": now,
            "witnessed": witnessed,
            "months": months,
            "holds": holds,
            "erasing": erasing,
            "owed": list(self._ledger.owes_forgetting(self._name)),
        }

    # Carrying out

    async def go_on(self, owner: Owner, scribe: Scribe, now: Instant, aside: Aside) -> None:
        """Pieces of what is owed, as long as the budget lasts.  What fails is tried again the next time."""
        until = trio.current_time() + BUDGET
        try:
            while await self._piece(owner, scribe, now, aside) and trio.current_time() < until:
                pass
        except (WritingStopped, Closed) as error:
            log.info("forgetting waits until the node can write", tenant=self._name, why=str(error))
        except (LedgerError, ActorsError, OSError) as error:
            log.error("forgetting does not go on", tenant=self._name, why=f"{type(error).__name__}: {error}")

    async def _piece(self, owner: Owner, scribe: Scribe, now: Instant, aside: Aside) -> bool:
        """One piece; whether there may be another."""
        if (task := _task(owner.state)) is not None:
            if not await owner.is_settled():
                return False
            await aside(self._look_ahead, owner.state, task)
            return await self._remove(owner, scribe, task, now)
        if not self._ledger.owes_forgetting(self._name):
            return False
        return await owner.is_settled() and await self._destroy(owner, scribe)

    async def _remove(self, owner: Owner, scribe: Scribe, task: str, now: Instant) -> bool:
        state = owner.state
        if not self._ahead:
            self._planned = (None, iter(()))
            return owner.submits(e.ForgettingEnded(task, "nothing of it may go"))
        chunk = self._ahead[0]
        if await owner.covers(chunk.ranges[-1][1]) is None:
            return False
        event = e.BodiesRemoved(task, chunk.bodies, last=len(self._ahead) == 1)
        erasure = state.erasing.get(task)
        remove = partial(
            self._ledger.remove_bodies,
            self._name,
            chunk.ranges,
            month=chunk.month,
            why="retention" if erasure is None else "erasure",
            time=now,
            actor="law",
            body=encode(event),
            also=() if erasure is None else _between(*erasure.months),
        )
        try:
            await scribe.append_apart(self._name, owner.epoch, remove)
        except BadDraft:
            self._planned = (None, iter(()))
            raise
        evolve(state, event, now, state.size)
        self._ahead.pop(0)
        self._log.changed()
        owner.forgot()
        return True

    async def _destroy(self, owner: Owner, scribe: Scribe) -> bool:
        relied_on = await owner.covers(0)
        trusted = () if relied_on is None else (relied_on,)
        match await scribe.errand(partial(self._ledger.forget, self._name, trusted=trusted)):
            case Step.NEEDS_SNAPSHOT:
                return await owner.covers(owner.state.size) is not None
            case _:
                return True

    def _look_ahead(self, state: State, task: str) -> None:
        """The next two removals of the task, planned anew whenever the law could see it in another way.  In a thread."""
        seen_by = (task, state.expiring.get(task), frozenset(state.holds), state.promises, state.bundle)
        if self._planned[0] != seen_by:
            erasure = state.erasing.get(task)
            planned = self._log.expired(state, task, state.expiring[task]) if erasure is None else self._log.erased(erasure.what)
            self._planned, self._ahead = (seen_by, planned), []
        self._ahead += islice(self._planned[1], 2 - len(self._ahead))


def _task(state: State) -> str | None:
    """The month or the erasure to go on with."""
    if state.expiring:
        return min(state.expiring)
    return next((erasure.erasure for erasure in state.erasing.values() if retention.erasable(state, erasure)), None)


def _between(first: str, last: str) -> tuple[str, ...]:
    """The months from ``first`` to ``last``."""
    found = [first]
    while found[-1] < last:
        found.append(month_of(end_of(found[-1])))
    return tuple(found)
