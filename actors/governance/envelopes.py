"""Counting approvals in advance: whose envelopes fill a case's quorum.

An envelope counts when a case is held and whenever somebody votes on it, as a vote would at that moment: its signer is an active
approver with a seat, and none of those who are excluded.  Nothing is reserved before the quorum is filled; then each envelope
that was needed is used once, in the batch of the warrant.  Its use is an approval narrowed to one use, and where the envelope
has a total, to what this use reserves of it: so no more is ever done under it than ``count`` executions and ``total``.

    it ends     at ``until`` · used up · revoked · its signer no longer a member · another bundle activated
"""

from __future__ import annotations

from collections.abc import Iterator

from . import envelope, quorum, review, seats
from . import events as e
from .bundle import Bundle
from .decision import Moment
from .ids import Cost, Instant
from .intent import Intent
from .kinds import APPROVER
from .state import Case, Given, State

MOST_AT_ONCE = 4  # used for one warrant: a quorum that needs more should be asked


def completed(
    state: State, case: Case, verdict: e.CaseDecided, wish: Intent, given: tuple[Given, ...], bundle: Bundle | None, moment: Moment
) -> tuple[tuple[Given, ...], tuple[e.EnvelopeUsed, ...]] | None:
    """The approvals that fill the verdict's quorum: ``given``, and of the envelopes no more than it takes; None where it stays open."""
    if met(state, verdict, given):
        return given, ()
    if review.second(verdict.review):
        return None  # it was drawn so that two persons read it
    chosen: list[tuple[Given, e.EnvelopeUsed]] = []
    for counted in _counting(state, case, verdict, wish, given, bundle, moment.now):
        chosen.append(counted)
        if met(state, verdict, (*given, *(one for one, _ in chosen))):
            break
    else:
        return None
    for counted in tuple(chosen):  # whoever turns out not to be needed keeps the use
        rest = [one for one in chosen if one is not counted]
        if met(state, verdict, (*given, *(one for one, _ in rest))):
            chosen = rest
    if len(chosen) > MOST_AT_ONCE:
        return None
    return (*given, *(one for one, _ in chosen)), tuple(used for _, used in chosen)


def _counting(
    state: State, case: Case, verdict: e.CaseDecided, wish: Intent, given: tuple[Given, ...], bundle: Bundle | None, now: Instant
) -> Iterator[tuple[Given, e.EnvelopeUsed]]:
    """The envelopes that approve this, the soonest to end first; one for each person who has not voted."""
    seen = {one.person for one in given}
    demanded, shut = quorum.parse_known(verdict.quorum), review.barred(verdict.review).union(case.excluded)
    for known in sorted(state.envelopes.values(), key=lambda known: (known.until, known.envelope)):
        signer = state.members.get(known.approver)
        if signer is None or signer.status != "active" or signer.kind != APPROVER or signer.person in seen:
            continue
        if known.ended or now >= known.until or known.used >= known.count or known.bundle != verdict.bundle:
            continue
        if signer.person in shut or not quorum.eligible(demanded, signer.person, signer.roles):
            continue
        if not envelope.covers(known.tier, verdict.tier) or envelope.mismatch(known.terms, case.agent, wish) is not None:
            continue
        cost = Cost(0) if known.total is None else _worst(verdict, wish, given, bundle)
        if cost is None or (known.total is not None and known.spent + cost > known.total):
            continue
        seen.add(signer.person)
        narrowed = Given(known.approver, known.person, None, 1, None if known.total is None else cost, envelope=known.envelope)
        used = e.EnvelopeUsed(case.case, known.envelope, known.approver, known.person, known.used + 1, known.spent, cost)
        yield narrowed, used


def _worst(verdict: e.CaseDecided, wish: Intent, given: tuple[Given, ...], bundle: Bundle | None) -> Cost | None:
    """What one use can cost at most: the lowest cap, and the action's own model, which the agent's estimate can only raise."""
    action = None if bundle is None else bundle.catalogue.get(wish.action)
    model = None if action is None else action.worst_cost(wish.params)
    bounds = [cap for cap in (verdict.cost_cap, *(one.cost_cap for one in given)) if cap is not None]
    bounds += [] if model is None else [Cost(max(model, wish.cost))]
    return min(bounds) if bounds else None


def met(state: State, verdict: e.CaseDecided, given: tuple[Given, ...]) -> bool:
    """Whether those who approved fill the quorum, no person in two seats, at T2 at least two persons."""
    return quorum.satisfied(quorum.parse_known(verdict.quorum), seats.people(state, given), persons=verdict.persons)
