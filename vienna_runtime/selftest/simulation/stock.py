"""What reconciliation says, told again from the log: every finding is about something, and nothing that should be found is left out.

receipt comes    ──▶ its number joins what came; one that came before, another journal, or none is found in the same batch, and what
                     was missed until then is over
inventory comes  ──▶ each number that neither it nor a receipt accounts for is found in the same batch, as is each run that differs
finding          ──▶ open once, resolved once: by the law when its receipt has come, by an admin otherwise
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

import attrs
from msgpack import unpackb

from actors.governance import events as e
from vienna_runtime.selftest.simulation.entries import Broken
from vienna_runtime.selftest.simulation.hands import signed
from vienna_runtime.selftest.simulation.remembered import RunNow, Who

FOUND = "what an executor withheld is found"
RIGHT = "nobody is said to have withheld what came"
HONEST = "an honest executor is never found out"
ONCE = "a finding is open once and resolved once"
OUTSIDE = "evidence finds and never grants"
BROUGHT = frozenset({"effect_without_warrant", "warrant_without_effect", "unknown_but_there", "failed_but_there"})
BY_LAW = frozenset({"receipt_withheld", "run_not_reported"})
MOST_OPEN, MOST_OF_ONE, MOST_AT_ONCE, MOST_TOLD = 512, 64, 8, 64
WITHIN = (e.RunUnknown, e.RunVerified, e.DeadLetterOpened, e.FindingOpened, e.FindingResolved, e.FindingsOverflowed)


@attrs.define(eq=False)
class Shelf:
    """The receipts of one executor, in the journal in which it is known to count."""

    journal: str
    came: set[int] = attrs.Factory(set)
    told: set[int] = attrs.Factory(set)  # in an inventory
    found: set[int] = attrs.Factory(set)  # missing
    upto: int = 0
    claimed: int = 0

    def accounted(self) -> int:
        """The number up to which each has been accounted for, or has come."""
        while self.upto + 1 in self.came:
            self.upto += 1
        return self.upto


@attrs.define
class Owed:
    """What the batch under way has to find, and how much of it there is room for."""

    by: str
    keys: list[tuple[str, str]]
    room: int
    over: set[tuple[str, str]]  # and what it has to resolve
    inventory: e.InventoryTaken | None = None
    taken: int = 0


@attrs.define(eq=False)
class Stock:
    """One tenant's.  ``members`` and ``runs`` are the account's own."""

    members: Mapping[str, Who]
    runs: Mapping[str, RunNow]
    honest: set[str] = attrs.Factory(set)  # executors
    shelves: dict[str, Shelf] = attrs.Factory(dict)
    open: dict[tuple[str, str], e.FindingOpened] = attrs.Factory(dict)
    ever: dict[str, e.FindingOpened] = attrs.Factory(dict)
    over: set[str] = attrs.Factory(set)
    receipts: dict[str, bytes] = attrs.Factory(dict)  # digest of the newest, by run
    owed: Owed | None = None
    _last: int | None = None

    # -- batches

    def follows(self, event: object) -> None:
        """Looks at every entry before it is taken in."""
        owed = self.owed
        if owed is None or (isinstance(event, WITHIN) and (owed.inventory is None or isinstance(event, e.FindingOpened))):
            return
        self.owed = None
        wanted = min(owed.room, len(owed.keys) + owed.taken)
        if owed.taken < wanted:
            raise Broken(FOUND, f"{owed.taken} of {wanted} were found of {owed.by}, not {owed.keys}")
        if left := [one for one in owed.over if one in self.open]:
            raise Broken(ONCE, f"what {left} was about has come")
        if owed.inventory is not None:
            self._accounted(owed.inventory)

    # -- receipts

    def received(self, run: RunNow, packed: bytes) -> None:
        """An executor's, or of an agent that redeems itself, which counts nothing."""
        by, name = run.opened.redeemer, run.opened.run
        self.receipts[name] = sha256(packed).digest()
        counted = unpackb(packed)["evidence"].get("counted")
        shelf = self.shelves.get(by)
        number = 0 if counted is None else counted["number"]
        late = {("run_not_reported", f"{by} {name}")}
        if counted is not None:
            late.add(("receipt_withheld", f"{by} {counted['journal']} {number}"))
        over = {one for one in late if one in self.open}
        keys: list[tuple[str, str]] = []
        if counted is None:
            keys += [] if shelf is None else [("receipt_unnumbered", f"{by} {shelf.journal}")]
        elif shelf is None:
            shelf = self.shelves[by] = Shelf(counted["journal"])
        elif over:
            pass  # it was waited for
        elif shelf.journal != counted["journal"]:
            keys.append(("counter_went_back", f"{by} {counted['journal']}"))
        elif number <= shelf.accounted() or number in shelf.came:
            keys.append(("number_twice", f"{by} {shelf.journal} {number}"))
        if shelf is not None and counted is not None and shelf.journal == counted["journal"]:
            shelf.came.add(number)
        self._owe(by, keys, over, None)

    def _owe(self, by: str, keys: Sequence[tuple[str, str]], over: set[tuple[str, str]], inventory: e.InventoryTaken | None) -> None:
        new = [one for one in dict.fromkeys(keys) if one not in self.open]
        mine = sum(about.startswith(f"{by} ") for kind, about in self.open if kind not in BROUGHT)
        room = max(0, min(MOST_OPEN - len(self.open), MOST_OF_ONE - mine))
        self.owed = Owed(by, new, min(room, MOST_AT_ONCE), over, inventory)

    # -- inventories

    def inventory(self, event: e.InventoryTaken, at: int, tenant: str) -> None:
        by, told, who = event.executor, unpackb(event.statement), self.members[event.executor]
        if who.kind != "executor" or who.status != "active" or not signed(
            who.public, b"vienna/inventory/1\0" + event.statement, event.signature
        ):  # fmt: skip
            raise Broken(FOUND, f"the inventory of {by} is not signed by it")
        if (told["tenant"], told["journal"], told["counter"]) != (tenant, event.journal, event.counter):
            raise Broken(FOUND, f"the inventory of {by} is recorded as another: {event}")
        before = self.shelves.get(by)
        keys = list(self._differences(by, before, told))
        shelf = before if before is not None and before.journal == event.journal else Shelf(event.journal)
        self.shelves[by] = shelf
        shelf.claimed = max(shelf.claimed, event.counter)
        shelf.told.update(number for number, *_ in told["entries"])
        self._owe(by, keys, set(), event)

    def _differences(self, by: str, shelf: Shelf | None, told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        journal, counter = told["journal"], told["counter"]
        if shelf is not None and shelf.journal != journal:
            yield "counter_went_back", f"{by} {journal}"
            shelf = None
        elif shelf is not None and counter < max(shelf.claimed, shelf.accounted()):
            yield "counter_went_back", f"{by} {journal} {counter}"
        for first, last in self.missing(shelf, told):
            yield "receipt_withheld", f"{by} {journal} {first}" + (f"..{last}" if last > first else "")
        for _, name, digest, became in told["entries"]:
            run, receipt = self.runs.get(name), self.receipts.get(name)
            if run is None:
                yield "run_unknown_here", f"{by} {name}"
            elif receipt is not None and receipt != digest:
                yield "receipt_differs", f"{by} {name}"
            elif became != "pending" and (run.status == "open" or (run.status == "unknown" and receipt is None)):
                yield "run_not_reported", f"{by} {name}"

    def missing(self, shelf: Shelf | None, told: Mapping[str, Any]) -> list[tuple[int, int]]:
        """The numbers that nothing accounts for, as rows."""
        shelf = shelf or Shelf(told["journal"])
        numbers = {number for number, *_ in told["entries"]} | shelf.came
        last = told["entries"][-1][0] if len(told["entries"]) == MOST_TOLD else told["counter"]
        rows: list[tuple[int, int]] = []
        for number in range(max(told["since"], shelf.accounted()) + 1, last + 1):
            if number not in numbers:
                rows[-1:] = [(rows[-1][0], number)] if rows and rows[-1][1] == number - 1 else [*rows[-1:], (number, number)]
        return rows

    def _accounted(self, event: e.InventoryTaken) -> None:
        """Everything up to the number that it says is so: found, told, or there."""
        shelf = self.shelves[event.executor]
        if left := self.unaccounted(shelf, event.upto):
            raise Broken(FOUND, f"{left} of {event.executor} in {event.journal}, which are said to be accounted for")
        shelf.upto = max(shelf.upto, event.upto)

    def unaccounted(self, shelf: Shelf, upto: int, more: Sequence[int] = ()) -> list[int]:
        known = shelf.came | shelf.told | shelf.found | set(more)
        return [number for number in range(shelf.upto + 1, upto + 1) if number not in known]

    def answered(self, by: str, statement: bytes, value: Mapping[str, Any]) -> bool:
        """Whether what is answered to an inventory is so, by what is durable then."""
        told, shelf = unpackb(statement), self.shelves.get(by)
        listed = {name: number for number, name, *_ in told["entries"]}
        if not set(value["wanted"]) <= listed.keys():
            return False
        if shelf is None or shelf.journal != told["journal"]:
            return True  # it counts in another journal by now
        return not self.unaccounted(shelf, value["upto"], list(listed.values()))

    # -- findings

    def found(self, event: e.FindingOpened, seq: int) -> None:
        key, owed = (event.kind, event.about), self.owed
        if event.previous != self._last:
            raise Broken("findings are a chain", event.finding)
        if key in self.open or event.finding in self.ever:
            raise Broken(ONCE, f"{event.kind} of {event.about} is open as {self.open.get(key)}")
        self._last = seq
        source = event.source.partition(":")[0]
        if source == "executor":
            self._accused(event, key, owed)
        elif source == "evidence":
            by = self.members[event.by]
            if event.kind not in BROUGHT or by.kind not in ("admin", "verifier") or by.status != "active":
                raise Broken(OUTSIDE, f"{event.kind} of {event.about} by {event.by}")
        self.open[key] = self.ever[event.finding] = event

    def _accused(self, event: e.FindingOpened, key: tuple[str, str], owed: Owed | None) -> None:
        if event.by in self.honest:
            raise Broken(HONEST, f"{event.kind} of {event.about}: {event.expected}, {event.observed}")
        if owed is None or owed.by != event.by or event.source != f"executor:{event.by}" or key not in owed.keys:
            raise Broken(RIGHT, f"{event.kind} of {event.about}: {event.expected}, {event.observed}")
        owed.keys.remove(key)
        owed.taken += 1
        if event.kind == "receipt_withheld":
            first, _, last = event.about.rpartition(" ")[2].partition("..")
            self.shelves[event.by].found.update(range(int(first), int(last or first) + 1))

    def resolved(self, event: e.FindingResolved) -> None:
        known = self.ever.get(event.finding)
        if known is None or event.finding in self.over:
            raise Broken(ONCE, f"{event.finding} by {event.by}")
        self.over.add(event.finding)
        key = known.kind, known.about
        del self.open[key]
        if event.by == "law":
            if known.kind not in BY_LAW or self.owed is None or key not in self.owed.over:
                raise Broken(ONCE, f"{known.kind} of {known.about} is over by itself")
        elif self.members[event.by].kind != "admin" or self.members[event.by].status != "active":
            raise Broken("only members act", f"{event.finding} by {event.by}")

    def compared(self, event: e.EvidenceCompared) -> None:
        by = self.members[event.by]
        if by.kind not in ("admin", "verifier") or by.status != "active" or by.person != event.person:
            raise Broken(OUTSIDE, f"evidence by {event.by}")
