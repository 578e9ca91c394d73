"""What a card says beside intent and verdict: taken once, when people are asked, and frozen in `approval.requested`."""

from __future__ import annotations

from typing import Final

from . import breaker, budgets
from .canonical import Value
from .catalogue import Action
from .ids import CaseId, Instant
from .signals import Signals
from .state import State

LEFT: Final = ("scope", "what", "per", "left", "most")  # of each budget line on a card; cost in micro-units
KINDS: Final = {
    "recent_runs": int, "recent_good": int, "mismatches": int, "other_open_cases": int, "breaker": str, "reversible": str,
    "on_failure": str, "left": list,
}  # fmt: skip


def facts(state: State, case: CaseId, agent: str, action: Action, now: Instant) -> dict[str, Value]:
    """The agent's record as this tenant knows it, what budgets leave now, and what the catalogue says about failing and undoing."""
    own = state.signals.get(f"agent:{agent}") or Signals("")
    good = sum(good for _, good in own.outcomes)
    open_cases = sum(other.agent == agent and other.case != case for other in state.cases.values())
    return {
        "recent_runs": len(own.outcomes),
        "recent_good": good,
        "mismatches": len(own.mismatches),
        "other_open_cases": open_cases,
        "breaker": breaker.seen(state, f"agent:{agent}").status,
        "reversible": action.reversible,
        "on_failure": action.on_failure,
        "left": [[line[name] for name in LEFT] for line in budgets.left(state, agent, action.name, now)],
    }
