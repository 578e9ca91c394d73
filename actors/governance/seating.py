"""Handing a seat on, and taking it back."""

from __future__ import annotations

from . import canonical, seat
from . import commands as c
from . import events as e
from .decision import Decided, Decision, Moment
from .finding import did_you_mean
from .kinds import ADMIN, APPROVER
from .refusals import Code, Refusal, unknown
from .signed_time import ALLOWED_SKEW, SHORTEST_NONCE, skewed
from .signing import Purpose, verifies
from .state import Member, State


def delegate(state: State, command: c.DelegateSeat, by: Member, moment: Moment) -> Decision:
    """Checks the statement: its form, the signature over the bytes as received, what it binds, its times, and to whom."""
    handed = checked(state, command, by, moment)
    if isinstance(handed, Refusal):
        return handed
    said = seat.unverified_unpack(command.statement)
    known = state.seats.get(by.member)
    answer: dict[str, canonical.Value] = {"approver": by.member, "to": said.to, "until": said.until}
    if known is not None and (known.to, known.until, known.reason) == (said.to, said.until, said.reason):
        return Decided(answer={**answer, "repeated": True})
    return Decided((handed,), answer)


def checked(state: State, command: c.DelegateSeat, by: Member, moment: Moment) -> e.SeatDelegated | Refusal:
    """The entry that such a statement makes, or why it makes none."""
    try:
        said = seat.unverified_unpack(command.statement)
    except canonical.NotCanonical as error:
        return Refusal(Code.MALFORMED, f"the statement is malformed: {error}")
    if not verifies(Purpose.SEAT, by.public_key, command.statement, command.signature):
        return Refusal(Code.SIGNATURE_INVALID, "the signature is not yours over this statement")
    if said.tenant != state.tenant or len(said.nonce) < SHORTEST_NONCE or not said.reason or len(said.reason) > 1024:
        why = "the statement is of another tenant, or its nonce is shorter than 16 bytes, or its reason is missing or too long"
        return Refusal(Code.STATEMENT_MISMATCH, why)
    if (late := skewed(said.time, moment.now)) is not None:
        return late
    if not moment.now < said.until <= moment.now + seat.LONGEST + ALLOWED_SKEW:
        return Refusal(Code.STATEMENT_MISMATCH, "a seat is handed on until a time in the future, and for 31 days at most")
    if by.kind != APPROVER:
        return Refusal(Code.NOT_ALLOWED, "only an approver has a seat to hand on")
    to = state.members.get(said.to)
    if to is None or to.kind != APPROVER or to.status != "active":
        hint = did_you_mean(said.to, [known.member for known in state.approvers()])
        return Refusal(Code.UNKNOWN, f"there is no approver {said.to[:64]!r}; {hint}")
    if to.person == by.person:
        return Refusal(Code.NOT_ALLOWED, f"{said.to} stands for yourself: a person fills one seat under whatever account")
    return e.SeatDelegated(by.member, by.person, to.member, command.statement, command.signature)


def give_back(state: State, command: c.ReturnSeat, by: Member) -> Decision:
    """Ends it at once: by whose seat it is, under whatever account, or by an admin."""
    name = by.member if command.whose is None else command.whose
    known = state.seats.get(name)
    if known is None or (by.kind != ADMIN and by.person != known.person):
        return unknown("seat that is handed on", name)
    return Decided((e.SeatReturned(known.approver, by.member, command.reason),), {"approver": known.approver})
