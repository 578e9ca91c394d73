"""Folds what stands beside the votes: who is asked and who looked, questions and answers, envelopes, seats handed on, who left."""

from __future__ import annotations

from typing import TypeAlias, assert_never

import attrs

from . import events as e
from . import readers
from .conversation import Exchange
from .envelope import unverified_unpack as unpack_envelope
from .ids import Cost, Instant
from .seat import unverified_unpack as unpack_seat
from .state import Case, Envelope, Seat, State

Asked: TypeAlias = e.ApprovalOpened | e.CaseEscalated
Talked: TypeAlias = e.ApprovalAsked | e.ApprovalAnswered
InAdvance: TypeAlias = e.EnvelopeSigned | e.EnvelopeUsed | e.EnvelopeRevoked | e.EnvelopeEnded
Seats: TypeAlias = e.SeatDelegated | e.SeatReturned


def asked(state: State, event: Asked, case: Case | None, at: Instant) -> None:
    if case is None:
        return
    match event:
        case e.ApprovalOpened():
            case.opened.setdefault(event.person, at)
        case e.CaseEscalated():
            case.stage, case.quorum, case.persons, case.expires_at = event.stage, event.quorum, event.persons, event.expires_at
            state.remind(event.expires_at, "held", case.case)
            if case.bundle != state.bundle:  # its time was over before it could be decided again
                state.remind(Instant(0), "bundle", case.case)
        case _:
            assert_never(event)


def talked(_state: State, event: Talked, case: Case | None, at: Instant) -> None:
    if case is None:
        return
    if isinstance(event, e.ApprovalAsked):
        case.said = (*case.said, Exchange(event.number, event.approver, event.person, event.question, at))
        return
    case.said = tuple(
        attrs.evolve(part, answer=event.answer, answered_at=at) if part.number == event.number else part for part in case.said
    )


def in_advance(state: State, event: InAdvance, _case: Case | None, _at: Instant) -> None:
    if isinstance(event, (e.EnvelopeSigned, e.EnvelopeRevoked)):
        state.standing = state.size - 1  # this entry
    known = state.envelopes.get(event.envelope)
    match event:
        case e.EnvelopeSigned():
            said = unpack_envelope(event.statement)
            state.envelopes[event.envelope] = Envelope(
                envelope=event.envelope,
                approver=event.approver,
                person=event.person,
                template=event.template,
                count=said.count,
                total=said.total,
                until=said.until,
                bundle=said.bundle,
                tier=said.tier,
                reason=said.reason,
            )
            state.remind(said.until, "envelope", event.envelope)
        case e.EnvelopeUsed() if known is not None:
            readers.used(state, event)
            known.used, known.spent = event.number, Cost(event.spent + event.cost)
            if known.used >= known.count:
                end(state, known, "it is used up")
        case e.EnvelopeRevoked() | e.EnvelopeEnded():
            state.envelopes.pop(event.envelope, None)
        case _:
            pass


def end(state: State, known: Envelope, why: str) -> None:
    """For good, whatever happens next; the entry that says so is due at once."""
    known.ended = known.ended or why
    state.remind(Instant(0), "envelope", known.envelope)


def seated(state: State, event: Seats, _case: Case | None, _at: Instant) -> None:
    state.standing = state.size - 1  # this entry
    match event:
        case e.SeatDelegated():
            said = unpack_seat(event.statement)
            state.seats[event.approver] = Seat(event.approver, event.person, event.to, said.until, said.reason)
        case e.SeatReturned():
            state.seats.pop(event.approver, None)
        case _:
            assert_never(event)


def left(state: State, member: str) -> None:
    """Ends with a membership what was said by it, and for good: under the same name somebody else may join."""
    for name in [name for name, seat in state.seats.items() if member in (name, seat.to)]:
        del state.seats[name]
    for known in state.envelopes.values():
        if member in (known.approver, known.terms.agent):
            end(state, known, f"{member} is no longer a member")
    for case in state.cases.values():
        if case.agent == member and case.status == "held":
            case.orphaned = True
            state.remind(Instant(0), "held", case.case)
        if any(member in (one.approver, *one.seats) for one in case.given):
            case.given = tuple(
                attrs.evolve(one, seats=tuple(name for name in one.seats if name != member)) for one in case.given if one.approver != member
            )
