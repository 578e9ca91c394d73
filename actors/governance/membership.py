"""Who belongs to a tenant: invited, enrolled with a key of its own making, confirmed by its fingerprint, revoked."""

from __future__ import annotations

from . import commands as c
from . import enrolment, governed
from . import events as e
from .decision import Asker, Decided, Decision, Invitee, Moment
from .ids import DAY, Instant, MemberId, Person, TenantId
from .kinds import ADMIN, AGENT, APPROVER, MEMBER_KINDS
from .names import problem as name_problem
from .persons import ELIGIBLE, leaves_a_quorum
from .persons import problem as person_problem
from .refusals import Code, Refusal, unknown
from .signing import Purpose, fingerprint, is_sound_public_key, same, verifies
from .state import Member, State

LONGEST_INVITATION = 14 * DAY  # an invitation that lies about longer is a key that lies about


def found(state: State, command: c.Found, by: str, moment: Moment) -> Decision:
    """The first two entries of a tenant: its founding, and the invitation of its first admin.

    While nobody has taken that invitation up, founding it again invites again, in place of what was invited before.
    """
    arrived = any(m.kind == ADMIN and m.status in ("enrolled", "active") for m in state.members.values())
    if state.phase not in ("unfounded", "founding") or arrived:
        return Refusal(Code.NAME_TAKEN, "the tenant exists already", about=command.tenant)
    for what, name in (("tenant", command.tenant), ("admin", command.admin)):
        if (wrong := name_problem(name)) is not None:
            return Refusal(Code.MALFORMED, f"the {what}'s name {wrong}")
    if (wrong := person_problem(state, command.person)) is not None:
        return Refusal(Code.MALFORMED, f"the person's name {wrong}")
    if (no := _bad_expiry(command.expires_at, moment)) is not None:
        return no
    invited = e.MemberInvited(
        MemberId(command.admin), ADMIN, Person(command.person), (), None,
        command.invitation, command.token_hash, Instant(command.expires_at),
    )  # fmt: skip
    if state.phase == "unfounded":
        return Decided((e.TenantFounded(TenantId(command.tenant), by), invited), {"tenant": command.tenant})
    others = [m.member for m in state.members.values() if m.status == "invited" and m.member != command.admin]
    replaced = (e.MemberRevoked(other, f"operator {by} invited {command.admin} in its place") for other in others)
    return Decided((*replaced, invited), {"tenant": command.tenant})


def invite(state: State, command: c.Invite, by: Member, moment: Moment) -> Decision:
    """Invites; at once while the tenant is founding, by a quorum afterwards."""
    event = invited(state, command, command.owner, moment)
    if isinstance(event, Refusal):
        return event
    return governed.change(state, governed.INVITE, f"member/{command.member}", (event,), by, command.key, moment)


def invited(state: State, command: c.Invite | c.InviteForRecovery, owner: str | None, moment: Moment) -> e.MemberInvited | Refusal:
    """The invitation, where it can be given."""
    if (wrong := name_problem(command.member)) is not None:
        return Refusal(Code.MALFORMED, f"the member's name {wrong}")
    if command.kind not in MEMBER_KINDS:
        return Refusal(Code.MALFORMED, f"there is no kind {command.kind!a}; the kinds are {', '.join(sorted(MEMBER_KINDS))}")
    if (no := _bad_roles(command.roles)) is not None:
        return no
    if (wrong := person_problem(state, command.person)) is not None:
        return Refusal(Code.MALFORMED, f"the person's name {wrong}")
    taken = state.invitations.get(command.invitation)
    if taken is not None and taken.member != command.member:
        return Refusal(Code.NAME_TAKEN, "an invitation of this id is under way for somebody else; make another")
    if (no := _bad_expiry(command.expires_at, moment)) is not None:
        return no
    if command.kind == AGENT and (owner is None or owner not in state.members or state.members[owner].status == "revoked"):
        return Refusal(Code.MALFORMED, "an agent needs an owner that is a member: the person who answers for it")
    known = state.members.get(command.member)
    if known is not None and known.status in ("enrolled", "active"):
        return Refusal(Code.NAME_TAKEN, f"{command.member} is a member already", about=command.member)
    return e.MemberInvited(
        MemberId(command.member), command.kind, Person(command.person), tuple(sorted(set(command.roles))),
        None if owner is None else MemberId(owner), command.invitation, command.token_hash, Instant(command.expires_at),
    )  # fmt: skip


def enrol(state: State, command: c.Enrol, by: Invitee, moment: Moment) -> Decision:
    """Records the key an invited member made where it works, with its proof of possession.

    The first admin of a tenant is in force at once: the operator handed it the invitation, and there is nobody else to confirm it.
    """
    invitation = state.invitations.get(by.invitation)
    if invitation is None or moment.now >= invitation.expires_at:
        return Refusal(Code.INVITATION_OVER, "the invitation was used or has expired; ask for a new one")
    if not is_sound_public_key(command.public_key):
        return Refusal(Code.KEY_UNSOUND, "the public key is not a sound Ed25519 key")
    if any(m.public_key == command.public_key for m in state.members.values()):
        return Refusal(Code.KEY_UNSOUND, "this key belongs to a member already; every member makes its own")
    if any(m.key_id == command.key_id for m in state.members.values()):
        return Refusal(Code.NAME_TAKEN, "this API key id is taken; make another")
    proof = enrolment.statement(
        state.tenant, invitation.member, invitation.invitation, command.public_key, command.key_id, command.key_hash
    )
    if not verifies(Purpose.ENROLMENT, command.public_key, proof, command.proof):
        return Refusal(Code.SIGNATURE_INVALID, "the enrolment is not signed by the key it brings")
    enrolled = e.MemberEnrolled(
        invitation.member, invitation.invitation, command.public_key, command.key_id, command.key_hash, command.proof
    )
    print_ = fingerprint(command.public_key, command.key_hash)
    answer = {"member": invitation.member, "fingerprint": print_}
    if state.phase == "founding" and not any(m.kind == ADMIN for m in state.active()) and state.members[invitation.member].kind == ADMIN:
        return Decided((enrolled, e.MemberConfirmed(invitation.member, print_, "founding")), answer)
    return Decided((enrolled,), answer)


def confirm(state: State, command: c.Confirm, by: Member, moment: Moment) -> Decision:
    """Puts an enrolled key in force; for approvers and admins of a sealed tenant that takes a quorum."""
    member = state.members.get(command.member)
    if member is None or member.status not in ("enrolled", "active"):
        return unknown("enrolled member", command.member)
    seen = fingerprint(member.public_key, member.key_hash)
    if not same(seen.encode(), command.fingerprint.encode()):
        return Refusal(
            Code.FINGERPRINT_DIFFERS, "the fingerprint is not the one of the enrolled key: do not confirm it", about=command.member
        )
    if member.status == "active":
        return Decided(answer={"member": command.member, "applied": True, "repeated": True})
    confirmed = e.MemberConfirmed(member.member, seen, by.member)
    if member.kind in (APPROVER, ADMIN):
        return governed.change(state, governed.CONFIRM, f"member/{command.member}", (confirmed,), by, command.key, moment)
    return Decided((confirmed,), {"member": command.member, "applied": True})


def change(state: State, command: c.ChangeMember, by: Member, moment: Moment) -> Decision:
    """Other roles, at once while founding and by a quorum afterwards: a role is what policies permit and quorums count."""
    member = state.members.get(command.member)
    if member is None or member.status not in ("enrolled", "active"):
        return unknown("member", command.member)
    if (no := _bad_roles(command.roles)) is not None:
        return no
    roles = tuple(sorted(set(command.roles)))
    if member.roles == frozenset(roles):
        return Decided(answer={"member": command.member, "applied": True, "repeated": True})
    return governed.change(
        state, governed.CHANGE, f"member/{command.member}", (e.MemberChanged(member.member, roles),), by, command.key, moment
    )


def _bad_roles(roles: tuple[str, ...]) -> Refusal | None:
    for role in roles:
        if (wrong := name_problem(role)) is not None:
            return Refusal(Code.MALFORMED, f"the role {role!a} {wrong}")
    return None


def revoke(state: State, command: c.RevokeMember, by: Member, moment: Moment) -> Decision:
    """Ends a member's rights: at once for machines, whose loss is only safety; by quorum for people once the tenant is sealed."""
    member = state.members.get(command.member)
    if member is None:
        return unknown("member", command.member)
    if member.status == "revoked":
        return Decided(answer={"member": command.member, "applied": True, "repeated": True})
    if member.kind == ADMIN and sum(1 for m in state.active(ADMIN)) <= 1 and member.status == "active":
        return Refusal(Code.LAST_ONE, "this is the tenant's last admin; name another first", about=command.member)
    counts = member.kind in ELIGIBLE and member.status == "active"
    if state.phase == "sealed" and counts and not leaves_a_quorum(state, member.member, governed.SEATS):
        why = "without this member no change of the tenant could find its two approvers any more; name another first"
        return Refusal(Code.LAST_ONE, why, about=command.member)
    revoked = e.MemberRevoked(member.member, command.reason)
    if member.kind in (APPROVER, ADMIN):
        return governed.change(state, governed.REVOKE, f"member/{command.member}", (revoked,), by, command.key, moment)
    return Decided((revoked,), {"member": command.member, "applied": True})


def seal(state: State, by: Member) -> Decision:
    """Ends the founding for good: two persons other than any single admin must be there to approve what comes."""
    if state.phase == "sealed":
        return Refusal(Code.ALREADY_SEALED, "the tenant is sealed already")
    if state.bundle is None:
        return Refusal(Code.NO_POLICY, "activate a policy bundle first: afterwards it takes a quorum")
    persons = {m.person for m in state.active() if m.kind in (APPROVER, ADMIN)} - {by.person}
    if len(persons) < governed.SEATS:
        found_ = ", ".join(sorted(persons)) or "nobody"
        why = f"sealing needs {governed.SEATS} persons besides you who can approve, confirmed as approvers or admins; there is {found_}"
        return Refusal(Code.TOO_FEW_PERSONS, why)
    return Decided((e.TenantSealed(tuple(sorted(persons))),), {"phase": "sealed"})


def _bad_expiry(expires_at: int, moment: Moment) -> Refusal | None:
    if not moment.now < expires_at <= moment.now + LONGEST_INVITATION:
        return Refusal(Code.MALFORMED, "an invitation lasts from now to at most 14 days")
    return None


def by_asker(by: Asker) -> str:
    """Who an entry says it was."""
    match by:
        case Member():
            return by.member
        case Invitee():
            return f"invitation:{by.invitation}"
        case _:
            return f"operator:{by.name}"
