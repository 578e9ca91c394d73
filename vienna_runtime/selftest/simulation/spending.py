"""What budgets have to say of a grant, counted again from the log alone.

exposure = what every use that is outstanding may cost + what is unknown + what was spent in the window
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from vienna_runtime.selftest.simulation.entries import Broken

HOUR = 3_600_000_000
WINDOWS = {"hour": HOUR, "day": 24 * HOUR}


@attrs.define(eq=False)
class Spend:
    """One run's cost, as it is known."""

    when: int
    cost: int
    how: str = "spent"  # spent | unknown | nothing


@attrs.define(eq=False)
class Purse:
    """One tenant's.  Only what counts in a scope with a limit is kept."""

    limits: tuple[Mapping[str, Any], ...] = ()
    left: dict[str, int] = attrs.Factory(dict)  # uses of a warrant that may still be redeemed
    worst: dict[str, int] = attrs.Factory(dict)
    scopes: dict[str, dict[str, None]] = attrs.Factory(dict)  # warrants by scope, in order
    of: dict[str, tuple[str, ...]] = attrs.Factory(dict)  # scopes of a warrant
    spends: dict[str, list[Spend]] = attrs.Factory(dict)  # by scope
    runs: dict[str, Spend] = attrs.Factory(dict)

    def issued(self, terms: Any, at: int) -> None:
        """Counts the grant, and holds it to every limit on it."""
        found = list(self._limits_on(terms.agent, terms.action))
        self.left[terms.warrant], self.worst[terms.warrant] = terms.uses, terms.cost_cap or 0
        self.of[terms.warrant] = tuple(dict.fromkeys(scope for _, scope in found))
        for scope in self.of[terms.warrant]:
            self.scopes.setdefault(scope, {})[terms.warrant] = None
        for limit, scope in found:
            used = self.exposure(limit, scope, at)
            if used > limit["most"]:
                raise Broken(
                    "a budget is kept", f"{scope}: {used} of {limit['most']} {limit['what']} a {limit['per']} with {terms.warrant}"
                )

    def ended(self, warrant: str) -> None:
        """Nobody can redeem it any more."""
        self.left[warrant] = 0
        for scope in self.of[warrant]:
            self.scopes[scope].pop(warrant, None)

    def redeemed(self, warrant: str, run: str, at: int) -> None:
        self.left[warrant] -= 1
        self.runs[run] = spend = Spend(at, self.worst[warrant])
        for scope in self.of[warrant]:
            self.spends.setdefault(scope, []).append(spend)

    def reported(self, run: str, cost: int) -> None:
        if cost >= 0:
            self.runs[run].cost = cost

    def unknown(self, run: str, worst: int) -> None:
        spend = self.runs[run]
        spend.how, spend.cost = "unknown", max(spend.cost, worst)

    def reported_late(self, run: str, cost: int) -> None:
        self.runs[run].cost = max(self.runs[run].cost, cost)

    def settled(self, run: str, *, happened: bool) -> None:
        self.runs[run].how = "spent" if happened else "nothing"

    def exposure(self, limit: Mapping[str, Any], scope: str, at: int) -> int:
        cost, window = limit["what"] == "cost", WINDOWS[limit["per"]]
        total = sum(self.left[name] * (self.worst[name] if cost else 1) for name in self.scopes.get(scope, ()))
        for spend in self.spends.get(scope, ()):
            if spend.how == "unknown" or (spend.how == "spent" and spend.when // window == at // window):
                total += spend.cost if cost else 1
        return total

    def _limits_on(self, agent: str, action: str) -> Iterator[tuple[Mapping[str, Any], str]]:
        for limit in self.limits:
            scope = limit["scope"]
            if scope in ("tenant", f"action:{action}"):
                yield limit, scope
            elif scope == "each_agent":
                yield limit, f"agent:{agent}"
