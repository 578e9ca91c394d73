"""What was done and what it cost, from the entries of a tenant's log."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import attrs

from actors.governance import events as e
from actors.governance import warrant as warrants

TAGS = ("warrant.issued", "run.opened", "run.reported", "run.unknown", "effect.settled")  # all that is needed of a log


@attrs.define
class Spending:
    """One line: of an agent, an action or a day.  Costs in micro-units."""

    name: str
    runs: int = 0
    cost: int = 0
    unknown: int = 0  # runs whose outcome nobody knows
    unknown_cost: int = 0  # at worst


@attrs.define
class _Run:
    warrant: warrants.Warrant
    opened: int
    cost: int | None = None  # None: not reported
    unknown: bool = False


class Ledger:
    """Takes the events in their order, with their times."""

    def __init__(self) -> None:
        self._warrants: dict[str, warrants.Warrant] = {}
        self._runs: dict[str, _Run] = {}

    def take(self, event: e.Event, at: int) -> None:
        match event:
            case e.WarrantIssued():
                self._warrants[event.warrant] = warrants.unverified_unpack(event.fields)
            case e.RunOpened() if event.warrant in self._warrants:
                self._runs[event.run] = _Run(self._warrants[event.warrant], at)
            case e.RunReported() if event.outcome != "unknown" and event.run in self._runs:
                self._runs[event.run].cost = event.cost
            case e.RunUnknown() if event.run in self._runs:
                self._runs[event.run].unknown = True
            case e.EffectSettled() if event.run in self._runs:
                run = self._runs[event.run]
                run.unknown, run.cost = False, (run.warrant.cost_cap or 0) if event.happened else 0
            case _:
                pass

    def lines(self, by: str, since: int = 0) -> list[Spending]:
        """``by`` is agent, action or day; runs that were redeemed from ``since`` on.  The dearest first, days in their order."""
        name = _NAMES[by]
        found: dict[str, Spending] = {}
        for run in self._runs.values():
            if run.opened >= since:
                line = found.setdefault(name(run), Spending(name(run)))
                line.runs += 1
                line.cost += run.cost or 0
                if run.unknown:
                    line.unknown += 1
                    line.unknown_cost += run.warrant.cost_cap or 0
        return sorted(found.values(), key=(lambda line: line.name) if by == "day" else (lambda line: (-line.cost, line.name)))


_NAMES: dict[str, Callable[[_Run], str]] = {
    "agent": lambda run: run.warrant.agent,
    "action": lambda run: run.warrant.action,
    "day": lambda run: f"{datetime.fromtimestamp(run.opened // 1_000_000, UTC):%Y-%m-%d}",
}


def total(lines: Iterable[Spending]) -> Spending:
    whole = Spending("total")
    for line in lines:
        whole.runs, whole.cost = whole.runs + line.runs, whole.cost + line.cost
        whole.unknown, whole.unknown_cost = whole.unknown + line.unknown, whole.unknown_cost + line.unknown_cost
    return whole
