"""What was done and what it cost, from the entries of a tenant's log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import attrs

from actors.governance import budgets, zones
from actors.governance import events as e
from actors.governance import warrant as warrants

# all that is needed of a log
TAGS = ("bundle.activated", "warrant.issued", "run.opened", "run.reported", "run.reported_late", "run.unknown", "effect.settled")


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
    cost: int = 0  # as reported, so far
    unknown: bool = False

    @property
    def held(self) -> int:
        """What it is counted at while nobody knows its outcome."""
        return max(budgets.worst(self.warrant), self.cost)


class Ledger:
    """Takes the events in their order, with their times.  Counts a run as the budgets do, in days of the newest bundle's zone."""

    def __init__(self) -> None:
        self._zone = zones.UTC
        self._warrants: dict[str, warrants.Warrant] = {}
        self._runs: dict[str, _Run] = {}

    def take(self, event: e.Event, at: int) -> None:
        match event:
            case e.WarrantIssued():
                self._warrants[event.warrant] = warrants.unverified_unpack(event.fields)
            case e.RunOpened() if event.warrant in self._warrants:
                self._runs[event.run] = _Run(self._warrants[event.warrant], at)
            case e.BundleActivated():
                self._zone = event.zone
            case e.RunReported() if event.run in self._runs:
                run = self._runs[event.run]
                run.cost = budgets.charged(run.warrant, event.cost)
            case e.RunReportedLate() if event.run in self._runs:
                run = self._runs[event.run]
                run.cost = max(run.cost, event.cost)
            case e.RunUnknown() if event.run in self._runs:
                self._runs[event.run].unknown = True
            case e.EffectSettled() if event.run in self._runs:
                run = self._runs[event.run]
                run.unknown, run.cost = False, run.held if event.happened else 0
            case _:
                pass

    def lines(self, by: str, since: int = 0) -> list[Spending]:
        """``by`` is agent, action or day; runs that were redeemed from ``since`` on.  The dearest first, days in their order."""
        found: dict[str, Spending] = {}
        for run in self._runs.values():
            if run.opened >= since:
                name = self._name(run, by)
                line = found.setdefault(name, Spending(name))
                line.runs += 1
                if run.unknown:
                    line.unknown += 1
                    line.unknown_cost += run.held
                else:
                    line.cost += run.cost
        return sorted(found.values(), key=(lambda line: line.name) if by == "day" else (lambda line: (-line.cost, line.name)))

    def _name(self, run: _Run, by: str) -> str:
        match by:
            case "agent":
                return run.warrant.agent
            case "action":
                return run.warrant.action
            case _:
                return f"{(zones.EPOCH + timedelta(microseconds=run.opened)).astimezone(zones.rules(self._zone)):%Y-%m-%d}"


def total(lines: Iterable[Spending]) -> Spending:
    whole = Spending("total")
    for line in lines:
        whole.runs, whole.cost = whole.runs + line.runs, whole.cost + line.cost
        whole.unknown, whole.unknown_cost = whole.unknown + line.unknown, whole.unknown_cost + line.unknown_cost
    return whole
