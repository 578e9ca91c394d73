"""Tells the node, signed, which receipts this executor has made, and tells again those that it misses.

After each connection and once an hour.  A node that does not know the question is not asked again until it is dialled anew.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import structlog
import trio

from actors.governance import inventory
from actors.governance.ids import Instant, RunId
from actors.governance.inventory import MOST_ENTRIES, PENDING, REFUSED, TOLD, Inventory, Made
from actors.governance.signing import Purpose
from transport.answers import Refused
from transport.packing import Message
from vienna_runtime.executors.identity import Identity
from vienna_runtime.executors.journal import Journal, Run
from vienna_runtime.executors.line import Line

log = structlog.get_logger(__name__)

EVERY = 3600.0  # s: as often as the node compares its own state
SETTLES = 2.0  # s after a connection: what an earlier start left is told first, and then is on nobody's list of what is missing
MOST_ROUNDS = 10_000  # pages of one inventory: a node that never comes further is left alone


class Stock:
    def __init__(self, who: Identity, line: Line, journal: Journal, now: Callable[[], int]) -> None:
        self._who, self._line, self._journal, self._now = who, line, journal, now
        self._greeted = trio.Event()

    def greeted(self) -> None:
        """There is another connection, perhaps to a node that was put back."""
        self._greeted.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with trio.move_on_after(EVERY):
                await self._greeted.wait()
            self._greeted = trio.Event()
            await trio.sleep(SETTLES)
            await self.tell()

    async def tell(self) -> None:
        """One whole inventory."""
        since = 0
        for _ in range(MOST_ROUNDS):
            told = self._inventory(since)
            answer = (await self._line.ask("executor.inventory", partial(self._signed, since))).answer
            if isinstance(answer, Refused):
                log.warning("the inventory was not taken", code=answer.code, why=answer.why)
                return
            for run in answer.value.get("wanted", ()):
                await self._again(str(run))
            upto = answer.value.get("upto", 0)
            if type(upto) is not int or upto == since or upto >= told.counter:
                return
            since = upto

    def _signed(self, since: int) -> Message:
        packed = inventory.pack(self._inventory(since))
        return {"statement": packed, "signature": self._who.sign(Purpose.INVENTORY, packed)}

    def _inventory(self, since: int) -> Inventory:
        made = self._journal.made(since)[:MOST_ENTRIES]
        counter = self._journal.counter
        return Inventory(
            self._who.tenant, self._journal.name, counter, min(since, counter), tuple(map(_made, made)), Instant(self._now())
        )  # fmt: skip

    async def _again(self, name: str) -> None:
        run = self._journal.runs.get(name)
        if run is None or run.receipt is None:
            log.error("the node misses a receipt that is not kept here any more", run=name)
            return
        receipt, signature = run.receipt
        answer = (await self._line.ask("report", lambda: {"receipt": receipt, "signature": signature})).answer
        log.warning("told a receipt again that the node missed", run=name, taken=not isinstance(answer, Refused))


def _made(run: Run) -> Made:
    became = PENDING if run.open else TOLD if run.closed == "told" else REFUSED
    return Made(run.number, RunId(run.run), run.digest, became)
