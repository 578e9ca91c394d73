"""Changes of the tenant itself: at once while it is founding, a T2 case under a built-in policy afterwards.

The built-in policy is this file: any two persons among approvers and admins, none of them the requester.  No bundle can
weaken it, because no bundle is asked.
"""

from __future__ import annotations

from typing import cast

from . import canonical, card, pauses
from . import events as e
from . import intent as intents
from .canonical import Value
from .codec import decode, encode
from .decision import Decided, Decision, Moment
from .ids import HOUR, Cost, Digest, Instant, Micros, Person
from .kinds import ADMIN
from .persons import ELIGIBLE, leaves_a_quorum
from .persons import problem as person_problem
from .refusals import Code, Refusal
from .retention import not_now
from .signing import fingerprint
from .state import Case, Member, State

INVITE, CONFIRM, REVOKE, ACTIVATE = "vienna.member.invite", "vienna.member.confirm", "vienna.member.revoke", "vienna.bundle.activate"
CHANGE = "vienna.member.change"
RELEASE, FORGET, ERASE = "vienna.hold.release", "vienna.retention.run", "vienna.retention.erase"
RESUME = "vienna.scope.resume"
SEATS = 2  # different persons, besides the requester
QUORUM = f"any {SEATS}"
DEADLINE = Micros(72 * HOUR)  # changes of the tenant are rare and people are away at weekends
POLICY = "vienna.governed"
BUNDLE = canonical.digest(b"vienna/governed/1")  # stands for the built-in policy where a verdict names its bundle


def is_change(case: Case) -> bool:
    """By the digest that stands for this file: a bundle may call a policy what it likes, and never has this digest."""
    return case.bundle == BUNDLE


def change(state: State, action: str, resource: str, events: tuple[e.Event, ...], by: Member, key: str, moment: Moment) -> Decision:
    """The change itself while founding; else a held case whose card shows exactly the events that would be recorded."""
    if state.phase == "founding":
        return Decided(events, {"applied": True})
    same_change = next((case for case in state.cases.values() if is_change(case) and case.agent == by.member and case.key == key), None)
    wish = intents.Intent(
        action=action,
        resource=resource,
        params={"changes": [{"tag": event.TAG, "body": encode(event)} for event in events]},
        purpose=f"{by.member} asks for a change of the tenant itself",
        cost=Cost(0),
        state_digest=None,
        parent=None,
        deadline=None,
    )
    packed = intents.pack(wish)
    if same_change is not None:
        if same_change.intent == packed:
            return Decided(answer={"case": same_change.case, "repeated": True})
        return Refusal(Code.KEY_REUSED, "this idempotency key was used for another change", about=key[:64])
    case = Case(
        case=moment.fresh.case(),
        agent=by.member,
        intent=packed,
        intent_digest=Digest(canonical.digest(packed)),
        key=key,
        parent=None,
        founding=False,
        excluded=_excluded(state, events, by),
    )
    proposed = e.IntentProposed(case.case, by.member, packed, key, None, False, case.excluded)
    verdict = e.CaseDecided(case.case, True, (POLICY,), BUNDLE, "a change of a sealed tenant needs a quorum", "T2", QUORUM, persons=SEATS)
    expires = Instant(moment.now + DEADLINE)
    shown = card.render(case, verdict, {}, expires)
    return Decided((proposed, verdict, e.ApprovalRequested(case.case, shown, expires)), {"case": case.case, "applied": False})


def _excluded(state: State, events: tuple[e.Event, ...], by: Member) -> tuple[Person, ...]:
    """Who fills no seat: whoever asks, and where an agent is to go on whoever answers for it."""
    paused = (event.scope for event in events if isinstance(event, e.ScopeResumed) and event.scope != "tenant")
    return tuple(sorted({by.person}.union(*(pauses.answerable(state, scope) for scope in paused))))


def once(decision: Decision, prior: e.IntentProposed | None) -> Decision:
    """A key belongs to one change for good: also when people denied it, nobody came, or it is in force and was undone since."""
    proposed = (
        next((event for event in decision.events if isinstance(event, e.IntentProposed)), None) if isinstance(decision, Decided) else None
    )
    if prior is None or proposed is None:
        return decision
    if prior.intent == proposed.intent:
        return Decided(answer={"case": prior.case, "repeated": True})
    return Refusal(Code.KEY_REUSED, "this idempotency key was used for another change", about=prior.key[:64])


def apply(state: State, case: Case, approved: e.ApprovalGiven, moment: Moment) -> Decision:
    """The quorum is there: the approval, the change and the end of the case are one batch.

    What was asked may no longer be so, days later; then nothing is applied, and the case waits for its deadline.
    """
    changes = cast("list[dict[str, Value]]", case.wish.params["changes"])  # as ``change`` made them
    events = tuple(decode(cast(str, item["tag"]), cast(bytes, item["body"])) for item in changes)
    for event in events:
        if (no := _outdated(state, event)) is not None:
            return no
    return Decided((approved, *events, e.ChangeApplied(case.case, case.wish.action, closes=True)), {"case": case.case, "applied": True})


def _outdated(state: State, event: e.Event) -> Refusal | None:
    """Why a change that people have approved can no longer be made, or None."""
    match event:
        case e.MemberInvited():
            known = state.members.get(event.member)
            if known is not None and known.status in ("enrolled", "active"):
                return Refusal(Code.NAME_TAKEN, f"{event.member} became a member in the meantime", about=event.member)
            taken = state.invitations.get(event.invitation)
            if taken is not None and taken.member != event.member:
                return Refusal(Code.NAME_TAKEN, "an invitation of this id has come under way for somebody else", about=event.member)
            if (wrong := person_problem(state, event.person)) is not None:
                return Refusal(Code.NAME_TAKEN, f"the person's name {wrong}", about=event.member)
        case e.MemberConfirmed():
            known = state.members.get(event.member)
            if known is None or known.status != "enrolled" or fingerprint(known.public_key, known.key_hash) != event.fingerprint:
                why = f"{event.member} no longer waits with the key whose fingerprint was approved"
                return Refusal(Code.FINGERPRINT_DIFFERS, why, about=event.member)
        case e.MemberChanged():
            known = state.members.get(event.member)
            if known is None or known.status not in ("enrolled", "active"):
                return Refusal(Code.UNKNOWN, f"{event.member} is no member any more", about=event.member)
        case e.MemberRevoked():
            known = state.members.get(event.member)
            if known is not None and known.kind == ADMIN and known.status == "active" and sum(1 for _ in state.active(ADMIN)) <= 1:
                return Refusal(Code.LAST_ONE, "this has become the tenant's last admin; name another first", about=event.member)
            counts = known is not None and known.kind in ELIGIBLE and known.status == "active"
            if counts and not leaves_a_quorum(state, event.member, SEATS):
                return Refusal(Code.LAST_ONE, "without this member no change could find its approvers any more", about=event.member)
        case e.ScopeResumed():
            known_pause = state.pauses.get(pauses.key(event.scope, event.side))
            if known_pause is None:
                return Refusal(Code.UNKNOWN, f"{event.scope} is not paused any more", about=event.scope)
            if pauses.sentence(known_pause) != event.ends:  # they have read who stopped it and why, and that was another time
                why = f"this would end another pause than the one it was asked for: {pauses.sentence(known_pause)}"
                return Refusal(Code.UNKNOWN, why, about=event.scope)
        case e.ErasureOrdered():
            return not_now(state, event.cases, event.months)
        case _:
            pass
    return None
