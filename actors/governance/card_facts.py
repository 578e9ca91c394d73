"""What a card says beside intent and verdict: taken once, when people are asked, and frozen in `approval.requested`."""

from __future__ import annotations

from . import breaker
from .canonical import Value
from .ids import CaseId
from .state import State


def facts(state: State, case: CaseId, agent: str) -> dict[str, Value]:
    """The agent's record as this tenant knows it now: what is frozen into the card."""
    guard = breaker.seen(state, f"agent:{agent}")
    good = sum(good for _, good in guard.outcomes)
    open_cases = sum(other.agent == agent and other.case != case for other in state.cases.values())
    return {
        "recent_runs": len(guard.outcomes),
        "recent_good": good,
        "mismatches": len(guard.mismatches),
        "other_open_cases": open_cases,
        "breaker": guard.status,
    }
