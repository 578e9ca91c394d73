"""Votes on a held case: each bound to the card by the approver's own signature."""

from __future__ import annotations

from . import approval, breaker, canonical, envelopes, governed, granting, kinds, narrowing, pauses, quorum, review, seats
from . import canary as canaries
from . import commands as c
from . import events as e
from .conversation import heard
from .decision import Decided, Decision, Facts, Moment
from .ids import SECOND, Instant
from .refusals import Code, Refusal, unknown
from .signed_time import SHORTEST_NONCE, skewed
from .signing import Purpose, verifies
from .state import Case, Given, Member, State


def vote(state: State, command: c.Vote, by: Member, facts: Facts, moment: Moment) -> Decision:
    """Checks the statement in numbered steps, then counts it.

    1. its form, 2. the approver's signature over the bytes as received, 3. that it is about this held case and exactly its card,
    and for an approval that the card's bundle is the active one and that it heard what was said about the case, 4. its time,
    5. that this person may fill a seat, and for an approval that it has not approved already and has had the time to read.  A
    denial is final, also by who has approved; the approval that completes the quorum issues the warrant in the same batch.
    """
    try:
        statement = approval.unverified_unpack(command.statement)
    except canonical.NotCanonical as error:
        return Refusal(Code.MALFORMED, f"the statement is malformed: {error}")
    if not verifies(Purpose.APPROVAL, by.public_key, command.statement, command.signature):
        return Refusal(Code.SIGNATURE_INVALID, "the signature is not yours over this statement", about=statement.case)
    case = state.cases.get(statement.case)
    if case is None:
        return unknown("case", statement.case)
    if case.status != "held":
        return Refusal(Code.NOT_HELD, f"the case does not wait for approval: it is {case.status}", about=case.case)
    if (wrong := _mismatch(statement, case, command.decision)) is not None:
        return Refusal(Code.STATEMENT_MISMATCH, wrong, about=case.case)
    if command.decision == "approve" and case.bundle != state.bundle and not governed.is_change(case):
        why = "another bundle has been activated and the case is being decided again: look at what it shows then"
        return Refusal(Code.STATEMENT_MISMATCH, why, about=case.case)
    if (late := skewed(statement.time, moment.now, about=case.case)) is not None:
        return late
    if moment.now >= case.expires_at:
        return Refusal(Code.NOT_HELD, "the case's deadline has passed", about=case.case)
    if by.person in case.barred:
        return _barred(case, by)
    if command.decision == "approve" and any(given.person == by.person for given in case.given):
        return Refusal(Code.ALREADY_VOTED, f"{by.person} has already approved, and a person counts once", about=case.case)
    if (no := seatless(state, by, case, moment.now)) is not None:
        return no
    if command.decision == "approve" and (unread := _unread(case, by, moment)) is not None:
        return unread
    if command.decision == "deny":
        denied = e.ApprovalDenied(case.case, by.member, by.person, statement.reason, command.statement, command.signature)
        if (canary := facts.canary_of(case)) is not None:
            return Decided((denied, canaries.caught(case, canary, by.person)), {"case": case.case})
        why = f"{by.person} denied it: {statement.reason}"
        letter = e.DeadLetterOpened(moment.fresh.dead_letter(), case.case, "denied", why, state.last_letter, closes=case.live == 0)
        return Decided((denied, letter), {"case": case.case})
    return _approve(state, command, statement, case, by, facts, moment)


def may_fill_a_seat(state: State, by: Member, case: Case, now: Instant) -> bool:
    """Whether this member's kind and roles, or those of a seat that it holds for another, fit any seat of the case's quorum."""
    if by.kind not in ((kinds.APPROVER, kinds.ADMIN) if governed.is_change(case) else (kinds.APPROVER,)):
        return False
    roles = seats.roles(state, by, seats.held(state, by, case, now))
    return quorum.eligible(quorum.parse_known(case.quorum), by.person, roles)


def seatless(state: State, by: Member, case: Case, now: Instant) -> Refusal | None:
    """Why a vote of this member could not count, whatever it said, or None."""
    if by.person in case.barred:
        return _barred(case, by)
    if not may_fill_a_seat(state, by, case, now):
        return Refusal(Code.NO_SEAT, f"no seat of the quorum ({case.quorum}) is open to your roles", about=case.case)
    return None


def _barred(case: Case, by: Member) -> Refusal:
    """Why a person who can fill no seat of a case can fill none."""
    why = "you are the requester, its owner or in its delegation chain"
    if by.person not in case.excluded:
        why = "you wrote the policy in force or put it in force, and it excludes its authors"
    return Refusal(Code.SELF_APPROVAL, f"{why}, and can fill no seat", about=case.case)


def _unread(case: Case, by: Member, moment: Moment) -> Refusal | None:
    """Why it is too soon for this person to approve, or None."""
    if (needed := review.reading(case.review)) == 0:
        return None
    opened = case.opened.get(by.person)
    if opened is None:
        return Refusal(
            Code.TOO_SOON, f"policy gives this card {needed // SECOND} s to be read: open it first (approval.open)", about=case.case
        )
    if (left := opened + needed - moment.now) > 0:
        why = f"policy gives this card {needed // SECOND} s to be read, and you opened it {(moment.now - opened) // SECOND} s ago"
        return Refusal(Code.TOO_SOON, why, left // 1000 + 1, about=case.case)
    return None


def opened(state: State, command: c.OpenCard, by: Member, moment: Moment) -> Decision:
    """Notes that the card is shown to somebody whose vote could count: once for each person and card."""
    case = state.cases.get(command.case)
    if case is None or case.status != "held":
        return unknown("held case", command.case)
    if (no := seatless(state, by, case, moment.now)) is not None:
        return no
    since = case.opened.get(by.person)
    answer: dict[str, canonical.Value] = {"case": case.case, "opened": since or moment.now, "reading": review.reading(case.review)}
    if since is not None:
        return Decided(answer={**answer, "repeated": True})
    return Decided((e.ApprovalOpened(case.case, by.member, by.person, case.card),), answer)


def _mismatch(statement: approval.Statement, case: Case, decision: str) -> str | None:
    """What the statement binds that is not so, or None."""
    if statement.decision != decision:
        return f"the statement says {statement.decision!r} and the call {decision!r}"
    if statement.card != case.card:
        return "the statement is about another card: look at the case again and sign what it shows now"
    if statement.intent != case.intent_digest or statement.bundle != case.bundle or statement.tier != case.tier:
        return "the statement names another intent, bundle or tier than its card"
    if len(statement.nonce) < SHORTEST_NONCE:
        return "the statement's nonce is shorter than 16 bytes"
    if decision == "approve" and statement.heard != heard(case.said):
        return "something was asked or answered since you looked: look at the case again and sign what has been said by now"
    return narrowing.problem(statement.narrowing, case)


def _approve(
    state: State, command: c.Vote, statement: approval.Statement, case: Case, by: Member, facts: Facts, moment: Moment
) -> Decision:
    others = () if governed.is_change(case) else seats.held(state, by, case, moment.now)
    approved = e.ApprovalGiven(case.case, by.member, by.person, command.statement, command.signature, others)
    given = _counting(state, (*case.given, narrowing.given(by.member, by.person, statement, others)))
    verdict = e.CaseDecided(
        case.case, True, case.policies, case.bundle, "", case.tier, case.quorum, case.ttl, case.uses,
        case.executor, case.persons, case.verify, case.cost_cap, case.state_digest, constraints=case.constraints, review=case.review,
    )  # fmt: skip
    try:
        narrowing.bounds(case.constraints, given)
    except canonical.NotCanonical as error:
        return Refusal(Code.TOO_MANY, f"together with what others approved, nobody could read the bounds: {error}", about=case.case)
    canary = facts.canary_of(case)
    if canary is None:
        enough = envelopes.completed(state, case, verdict, case.wish, given, facts.active, moment)  # of a change none has the bundle
    else:
        enough = (given, ()) if envelopes.met(state, verdict, given) else None
    if enough is None:
        return Decided((approved,), {"case": case.case})
    given, used = enough
    if not facts.clock_ok:
        return Refusal(Code.CLOCK_IN_DOUBT, "the node's clocks disagree; nothing is granted until they agree again", 5000)
    if governed.is_change(case):
        return governed.apply(state, case, approved, moment)
    wish = case.wish
    if (paused := pauses.refusal(state, case.agent, about=case.case)) is not None:
        return paused
    admitted = breaker.admits(state, case.agent, wish.action, case.case, moment.now)
    if isinstance(admitted, Refusal):
        return admitted
    agent, executor = state.members.get(case.agent), state.members.get(case.executor)
    gone = case.orphaned or agent is None or agent.status != "active"
    if gone or executor is None or executor.status != "active":
        return Refusal(Code.POLICY_FORBIDS, "the agent or the executor of this case is no longer a member", about=case.case)
    granted = granting.granted(state, granting.warrant(state, case, verdict, wish, executor, given, moment), moment.now)
    if isinstance(granted, Refusal):
        return granted
    if canary is not None:  # everything was asked that is asked of others, so that a refusal tells nothing either
        persons = (*(one.person for one in case.given), by.person)
        return Decided((approved, canaries.missed(case, canary, persons)), {"case": case.case})
    return Decided((approved, *admitted, *used, *granted), {"case": case.case})


def _counting(state: State, given: tuple[Given, ...]) -> tuple[Given, ...]:
    """The approvals of those who are still members: nobody else stands on a warrant."""
    return tuple(g for g in given if (member := state.members.get(g.approver)) is not None and member.status == "active")
