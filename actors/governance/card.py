"""What an approver sees and signs: a pure function of intent, verdict and frozen facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from . import canonical
from .canonical import Value
from .ids import Instant

if TYPE_CHECKING:  # a client that reads cards does without the rest of the law
    from .events import CaseDecided
    from .state import Case

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
            ("review", cast("Value", decided.review)),
            ("state_digest", decided.state_digest),
            ("founding", case.founding),
            ("facts", facts),
            ("expires_at", expires_at),
        )
    )
