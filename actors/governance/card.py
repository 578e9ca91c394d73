"""What an approver sees and signs: a pure function of intent, verdict and frozen facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from . import breaker, canonical
from .canonical import Value
from .events import CaseDecided
from .ids import CaseId, Instant
from .state import Case, State

TITLE = "vienna/card/1"


def render(case: Case, decided: CaseDecided, facts: Mapping[str, Value], expires_at: Instant) -> bytes:
    """The card's canonical bytes.  Whoever holds the intent, the verdict and the facts can make them again."""
    return canonical.pack_fields(
        (
            ("card", TITLE),
            ("case", case.case),
            ("agent", case.agent),
            ("intent", case.intent),
            ("tier", decided.tier),
            ("quorum", decided.quorum),
            ("policies", decided.policies),
            ("why", decided.why),
            ("bundle", decided.bundle),
            ("executor", decided.executor),
            ("verify", cast(Value, decided.verify)),
            ("ttl", decided.ttl),
            ("uses", decided.uses),
            ("cost_cap", decided.cost_cap),
            ("constraints", cast("Value", decided.constraints)),
            ("state_digest", decided.state_digest),
            ("founding", case.founding),
            ("facts", facts),
            ("expires_at", expires_at),
        )
    )


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
