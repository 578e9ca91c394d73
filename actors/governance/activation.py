"""What an activation means for cases that wait for people: none is granted under a bundle that is no longer active.

They are decided again at once, as if they were proposed now, and never get more time than they had, escalations included.  A
card names its bundle, so the approvals of the old card fall; were a card's bytes equal, they would stay.
"""

from __future__ import annotations

import attrs

from . import canary as canaries
from . import events as e
from . import governed, proposing, review
from .bundle import Bundle
from .canary import Canary, Recognise
from .decision import Moment
from .facts import Past
from .refusals import Refusal
from .state import Case, State


def decided_again(state: State, name: str, active: Bundle, moment: Moment, past: Past, canary_of: Recognise) -> tuple[e.Event, ...]:
    """The case's new verdict with a warrant or a new card, or its end; nothing where it does not wait under another bundle."""
    case = state.cases.get(name)
    if case is None or case.status != "held" or case.bundle == active.digest or governed.is_change(case):
        return ()
    if case.orphaned or case.expires_at <= moment.now:
        return ()  # its own deadline ends it
    wish, agent, canary = case.wish, state.members.get(case.agent), canary_of(case)
    if agent is None or agent.status != "active":
        return _expired(state, case, "its agent is no longer a member", moment, canary, votes=True)
    verdict = proposing.decided(state, case, active, wish, agent, moment.now, past)
    if not verdict.permitted and canary is not None:
        return (verdict, canaries.ended(case, canary, votes=False))
    if not verdict.permitted:
        letter = e.DeadLetterOpened(moment.fresh.dead_letter(), case.case, "denied", verdict.why, state.last_letter, closes=case.live == 0)
        return (verdict, letter)
    if case.stale:  # uses that were burnt before the target changed stay burnt
        verdict = attrs.evolve(verdict, uses=min(verdict.uses, case.uses))
    verdict = attrs.evolve(verdict, review=review.shortened(verdict.review, review.waiting(case.review, case.stage)))
    again = proposing.proceed(state, (), case, verdict, wish, agent, active, moment, latest=case.expires_at)
    if isinstance(again, Refusal):
        return (verdict, *_expired(state, case, again.why, moment, canary))
    if canary is not None and not isinstance(again.events[-1], e.ApprovalRequested):
        return (verdict, *_expired(state, case, "nobody would have to look at it", moment, canary))
    return again.events


def _expired(state: State, case: Case, because: str, moment: Moment, canary: Canary | None, *, votes: bool = False) -> tuple[e.Event, ...]:
    why = f"another bundle was activated, and under it the case cannot go on: {because}"
    if canary is not None:
        return (e.CaseExpired(case.case, why), canaries.ended(case, canary, votes=votes))
    letter = e.DeadLetterOpened(moment.fresh.dead_letter(), case.case, "expired", why, state.last_letter, closes=case.live == 0)
    return (e.CaseExpired(case.case, why), letter)
