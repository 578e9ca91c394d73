"""What policy is asked about a case: everything it may depend on, nothing more.  The same at the proposal and at every redemption."""

from __future__ import annotations

from typing import Literal

from . import intent as intents
from .question import Question
from .state import Case, Member


def question(phase: Literal["propose", "execute"], case: Case, wish: intents.Intent, agent: Member, approvals: int) -> Question:
    """``approvals`` is how many persons have approved by then."""
    return Question(
        phase=phase,
        agent=agent.member,
        roles=agent.roles,
        owner=agent.owner or "",
        action=wish.action,
        resource=wish.resource,
        params=wish.params,
        cost=wish.cost,
        approvals=approvals,
        facts={"founding": case.founding},
    )
