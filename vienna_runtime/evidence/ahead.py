"""What people said ahead of a case: envelopes they signed, seats they handed on, and the end of either.

Whether the catalogue knew the action of an envelope is not asked again.
"""

from __future__ import annotations

from typing import TypeAlias, assert_never

from actors.governance import commands as c
from actors.governance import enveloping, kinds, seating
from actors.governance import events as e
from actors.governance.decision import Moment
from actors.governance.refusals import Refusal
from actors.governance.state import State
from vienna_runtime.evidence.checks import Checks
from vienna_runtime.evidence.proof import Shown

Said: TypeAlias = e.EnvelopeSigned | e.EnvelopeRevoked | e.SeatDelegated | e.SeatReturned


def look(state: State, event: Said, shown: Shown, moment: Moment, checks: Checks) -> None:
    """Whether the law lets exactly this stand in the log, before ``event`` is folded."""
    name = event.approver if isinstance(event, (e.EnvelopeSigned, e.SeatDelegated)) else event.by
    by = state.members.get(name)
    if by is None or by.status != "active" or shown.header.actor != name:
        checks.no("approvals", f"{name} was no active member, or another wrote it", shown.seq)
        return
    signed: Said | Refusal
    match event:
        case e.EnvelopeSigned():
            signed = enveloping.checked(state, c.SignEnvelope(event.template, event.statement, event.signature), by, moment)
        case e.SeatDelegated():
            signed = seating.checked(state, c.DelegateSeat(event.statement, event.signature), by, moment)
        case e.EnvelopeRevoked():
            known = state.envelopes.get(event.envelope)
            allowed = known is None or by.kind == kinds.ADMIN or by.person == known.person
            checks.expect("approvals", allowed, f"{event.by} could not revoke {event.envelope}", shown.seq)
            return
        case e.SeatReturned():
            seat = state.seats.get(event.approver)
            allowed = seat is not None and (by.kind == kinds.ADMIN or by.person == seat.person)
            checks.expect("approvals", allowed, f"{event.by} could not take back the seat of {event.approver}", shown.seq)
            return
        case _:
            assert_never(event)
    if isinstance(signed, Refusal):
        checks.no("approvals", signed.why, shown.seq)
    else:
        checks.expect("approvals", signed == event, f"the {event.TAG} is not what was signed", shown.seq)
