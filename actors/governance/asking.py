"""What policy is asked about a case: everything it may depend on, nothing more.  The same at the proposal and at every redemption."""

from __future__ import annotations

from typing import Literal

from . import facts
from . import intent as intents
from .bundle import Bundle
from .facts import Past
from .ids import Instant
from .question import Question
from .state import Case, Member, State


def question(
    phase: Literal["propose", "execute"],
    state: State,
    bundle: Bundle,
    case: Case,
    wish: intents.Intent,
    agent: Member,
    approvals: int,
    now: Instant,
    past: Past,
) -> Question:
    """``approvals`` is how many persons have approved by then; the facts are taken at ``now``."""
    own = state.cases.get(case.case)
    about = facts.About(agent=agent.member, wish=wish, founding=case.founding, case=own)
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
        facts=facts.seen(state, bundle, about, now, past),
    )
