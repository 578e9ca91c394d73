"""The notifier's loop: hear an alert, write it down, carry it to each target until that has taken it.

    alert.tail ─▶ journal ─┬─▶ target ─▶ taken: struck out | failed: again later | at every attempt: dead letter
                           └─▶ target …                     | 410: nothing more goes there

Each target has a line of its own, so that one that hangs keeps nothing from another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

import structlog
import trio

from actors.governance import kinds
from vienna_runtime.client import OutcomeUnknown, Refused, Unreachable, Vienna
from vienna_runtime.executors.errors import NotServing
from vienna_runtime.notifier.journal import Delivery, Journal
from vienna_runtime.notifier.message import Message, message, own
from vienna_runtime.notifier.schedule import Delivered, Failed, Gone, next_attempt
from vienna_runtime.notifier.target import Target
from vienna_runtime.notifier.watch import Watch

log = structlog.get_logger(__name__)

LOOK = 1.0  # s between two looks into the journal: somebody may have revived a dead letter
DRAIN_SECONDS = 10.0  # for what is under way; what is not done then is sent again on the next start
SERVES = frozenset({kinds.NOTIFIER, kinds.OPERATOR})
_MICRO = 1_000_000


class Notifier:
    """One notifier process."""

    def __init__(
        self,
        *,
        node: str,
        tenant: str,
        connect: Callable[[], AbstractAsyncContextManager[Vienna]],
        journal: Journal,
        targets: Mapping[str, Target],
        base: str,
        first: float,
        silence: float,
        now: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        """``connect`` says at once what keeps it from working, and takes a lost connection up for ever.  ``now``: wall time, in s."""
        self._node, self._tenant, self._base, self._first = node, tenant, base, first
        self._connect = connect
        self._journal, self._targets = journal, targets
        self._now, self._chance = now, chance
        self._watch = Watch(silence=silence, journal=journal, own=self._own, say=self._say, now=now)
        self._changed = trio.Event()
        self._draining = False
        self._carried = 0
        self._busy = 0

    async def run(self, *, once: bool = False, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serves until ``drain``; with ``once``, until something was carried and nothing waits."""
        with self._journal.taken():
            if self._journal.fact("born") is None:
                self._journal.note("born", int((self._now() - self._first) * _MICRO))
            self._journal.only(self._targets)
            async with self._connect() as vienna, trio.open_nursery() as nursery:
                who = await vienna.whoami()
                if who["kind"] not in SERVES:
                    raise NotServing(
                        f"{who['member']} is a member of the kind {who['kind']}; alerts are carried by one of the kind notifier"
                    )
                nursery.start_soon(self._hear, vienna)
                nursery.start_soon(self._watch.node, vienna)
                for target in self._targets.values():
                    nursery.start_soon(self._carry, target)
                    if target.alive is not None:
                        nursery.start_soon(self._watch.alive, target, target.alive)
                task_status.started()
                while not self._draining and not (once and self._carried and not self._journal.waiting()):
                    await self._changed.wait()
                self.drain()
                with trio.move_on_after(DRAIN_SECONDS):
                    while self._busy:
                        await self._changed.wait()
                nursery.cancel_scope.cancel()

    def drain(self) -> None:
        """Begin no further attempt, end those under way, and return from ``run``."""
        self._draining = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def _hear(self, vienna: Vienna) -> None:
        born = self._journal.fact("born") or 0
        while True:
            try:
                async with vienna.alerts(self._journal.fact("position") or 0) as items:
                    async for item in items:
                        try:
                            told = message(item, node=self._node, tenant=self._tenant, base=self._base)
                        except (ValueError, OverflowError, KeyError, TypeError) as error:  # it keeps nothing else from being carried
                            log.error("an alert that cannot be read is passed over", why=str(error))
                            continue
                        self._journal.take(told, self._wanted(told) if item["time"] >= born else (), self._now())
                        self._wake()
            except Refused as no:  # by a node that is busy, or restarts this tenant: asked again
                log.error("the node does not tell alerts", code=no.code, why=no.why)
            except (Unreachable, OutcomeUnknown) as error:  # something else answers there, or nothing: the watch says so in its time
                log.error("alerts are not heard", why=str(error))
            await trio.sleep(LOOK)

    def _wanted(self, told: Message) -> list[str]:
        return [target.name for target in self._targets.values() if target.wants(told)]

    def _own(self, kind: str, text: str) -> Message:
        return own(kind, text, node=self._node, tenant=self._tenant, now=self._now())

    def _say(self, told: Message, out_since: int) -> None:
        self._journal.say(told, self._wanted(told), self._now(), out_since=out_since)
        self._wake()

    async def _carry(self, target: Target) -> None:
        while not self._draining:
            changed = self._changed
            found = self._journal.due(target.name, self._now())
            if not isinstance(found, Delivery):
                wait = LOOK if found is None else min(LOOK, found - self._now())
                with trio.move_on_after(max(0.0, wait)):
                    await changed.wait()
                continue
            self._busy += 1
            try:
                await self._attempt(target, found)
            finally:
                self._busy -= 1
                self._wake()

    async def _attempt(self, target: Target, delivery: Delivery) -> None:
        journal, told = self._journal, {"target": target.name, "id": delivery.name, "attempt": delivery.attempts + 1}
        outcome = await target.means.attempt(delivery.name, delivery.body, self._now())
        match outcome:
            case Delivered():
                journal.done(delivery)
                log.info("carried", **told)
            case Gone(why=why):
                journal.gone(target.name, why)
                log.error("a target wants nothing more; nothing goes there until a dead letter of it is tried again", why=why, **told)
            case Failed(why=why, whole=whole):
                at = next_attempt(target.delays, delivery.attempts + 1, outcome, self._now(), self._chance())
                if at is None:
                    journal.dies(delivery, why)
                    log.error("not carried, and not tried again by itself: vienna notifier dead-letters", why=why, **told)
                else:
                    journal.again(delivery, why, at, hold=whole)
                    log.warning("not carried yet", why=why, again_in=round(at - self._now(), 1), **told)
        self._carried += 1
