"""What is owed because time has passed, a breaker has tripped or a bundle was activated: on start, and on every tick.

Costs time in proportion to what is due: the deadlines are a heap, and what is over by the time it comes up is skipped.
"""

from __future__ import annotations

import heapq

from . import activation, attesting, enveloping, governed, letters, pauses, redeeming, reporting, review
from . import canary as canaries
from . import events as e
from .bundle import Bundle
from .canary import Recognise
from .decision import Moment
from .facts import Past
from .ids import MINUTE, Instant, Micros
from .state import Case, LiveWarrant, State, worthless

POSTPONED = Micros(1 * MINUTE)  # until a held case is looked at again that could not be decided: what keeps it takes a person


def next_due(state: State) -> Instant | None:
    """When ``due`` should be asked next, if nothing happens before."""
    return state.deadlines[0][0] if state.deadlines else None


def due(state: State, moment: Moment, active: Bundle | None, past: Past, canary_of: Recognise) -> tuple[e.Event, ...]:
    """The events of the first thing that is due at ``moment``, or none.  The caller records them and asks again with fresh randomness.

    ``active`` is the active bundle, or None while nothing may be granted: what rests on it is then put off.  The deadline stays on
    the heap until its effect is folded, so that a batch that fails is owed again.
    """
    while state.deadlines and state.deadlines[0][0] <= moment.now:
        _, kind, name = state.deadlines[0]
        if kind == "bundle" and (active is None or _stopped(state, name)):
            heapq.heapreplace(state.deadlines, (Instant(moment.now + POSTPONED), kind, name))
            continue
        if kind == letters.REMINDER and (later := _age(state, name, moment, active)) is not None:
            heapq.heapreplace(state.deadlines, (later, kind, name))
            continue
        if events := _owed(state, kind, name, moment, active, past, canary_of):
            return events
        heapq.heappop(state.deadlines)
    return ()


def _stopped(state: State, name: str) -> bool:
    """Whether a case's agent gets nothing at present, so that deciding its case again is put off."""
    case = state.cases.get(name)
    return case is not None and pauses.stops(state, case.agent) is not None


def _age(state: State, name: str, moment: Moment, active: Bundle | None) -> Instant | None:
    """When the letters of that hour will have grown old, where they have not yet; also where nobody can say what old is."""
    if active is None:
        return Instant(moment.now + POSTPONED)
    at = letters.old_at(state, name, active.settings.letters_old)
    return at if at is not None and at > moment.now else None


def _owed(
    state: State, kind: str, name: str, moment: Moment, active: Bundle | None, past: Past, canary_of: Recognise
) -> tuple[e.Event, ...]:
    match kind:
        case "bundle" if active is not None:
            return activation.decided_again(state, name, active, moment, past, canary_of)
        case "held":
            return held_over(state, name, moment, canary_of)
        case "warrant":
            live = state.warrants.get(name)
            return () if live is None else warrant_over(state, live, moment)
        case "report" | "verify":
            run = state.runs.get(name)
            if run is None or run.due > moment.now:
                return ()
            if run.status == "open" and kind == "report":
                return reporting.overdue(state, run, moment)
            if run.status == "reported" and kind == "verify":
                return attesting.overdue(state, run, moment)
            return ()
        case letters.REMINDER if letters.old_at(state, name, Micros(0)) is not None:
            return letters.aged(state, name)
        case letters.REMINDER:
            return ()
        case "envelope":
            return enveloping.ended(state, name, moment)
        case "invitation":
            invitation = state.invitations.get(name)
            if invitation is None or invitation.expires_at > moment.now:
                return ()
            return (e.MemberRevoked(invitation.member, "the invitation expired unused"),)
        case _:
            raise AssertionError(f"no such deadline: {kind}")


def held_over(state: State, name: str, moment: Moment, canary_of: Recognise) -> tuple[e.Event, ...]:
    """The end of waiting for these people, once its time has come: others are asked where policy names them."""
    case = state.cases.get(name)
    if case is None or case.status != "held":
        return ()
    if case.orphaned and not governed.is_change(case):
        return expired(state, case, "its agent is no longer a member", moment, canary_of)
    if case.expires_at > moment.now:
        return ()
    stages = review.then(case.review)[case.stage :]
    deadline = case.wish.deadline
    if stages and (deadline is None or deadline > moment.now):
        quorum, persons, within = stages[0]
        expires = Instant(moment.now + within) if deadline is None else min(Instant(moment.now + within), deadline)
        return (e.CaseEscalated(case.case, case.stage + 1, quorum, persons, expires),)
    return expired(state, case, f"nobody completed the quorum ({case.quorum}) in time", moment, canary_of)


def expired(state: State, case: Case, why: str, moment: Moment, canary_of: Recognise) -> tuple[e.Event, ...]:
    if (canary := canary_of(case)) is not None:
        return (e.CaseExpired(case.case, why), canaries.ended(case, canary))
    letter = e.DeadLetterOpened(moment.fresh.dead_letter(), case.case, "expired", why, state.last_letter, closes=case.live == 0)
    return (e.CaseExpired(case.case, why), letter)


def warrant_over(state: State, live: LiveWarrant, moment: Moment) -> tuple[e.Event, ...]:
    """The end of a warrant that has become worthless, or whose time is over."""
    if (why := worthless(state, live)) is not None:
        return redeeming.revocation(state, live, why, moment)
    if live.expires_at > moment.now:
        return ()
    case = state.cases.get(live.case)
    last = case is not None and case.ends_with_this
    redeemed = live.terms.uses != live.uses_left
    if not last or redeemed or (case is not None and case.letter):
        return (e.WarrantExpired(live.case, live.warrant, closes=last),)
    expired = e.WarrantExpired(live.case, live.warrant, closes=False)
    why = "the warrant expired before anybody redeemed it"
    return (expired, e.DeadLetterOpened(moment.fresh.dead_letter(), live.case, "expired", why, state.last_letter, closes=True))
