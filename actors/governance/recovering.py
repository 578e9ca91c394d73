"""A quorum that is lost for good is recovered by an admin and the operator together, after 72 hours announced on the log.

    admin     announces: who is lost, and which enrolled keys come in force           recovery.announced
    operator  agrees to the digest of exactly that                                    recovery.agreed
    anybody   of the tenant's approvers and admins ends it, also who is called lost   recovery.ended
    admin     after 72 hours puts it in force                                         recovery.applied, member.…

The law lets nobody leave whom a quorum needs, so a quorum is lost where keys or people are: nobody but those people can tell.
So whoever announces says who is lost, and that is refused where a quorum can be met without them.  Whoever is there after all
has 72 hours to say so, and says so by anything that is done with the key.
"""

from __future__ import annotations

from . import commands as c
from . import events as e
from . import governed, membership
from .decision import Decided, Decision, Facts, Moment, Operator
from .ids import DAY, HOUR, Instant, MemberId, Micros
from .persons import ELIGIBLE, can_agree
from .recovery import digest_of, in_time
from .refusals import Code, Refusal, unknown
from .signing import fingerprint, same
from .state import Member, Recovery, State

ANNOUNCED = Micros(72 * HOUR)  # as long as a change waits for its approvers: whoever is away for a weekend comes back to it
OPEN = Micros(14 * DAY)  # after that nobody may know any more what was agreed to: it is announced again
MOST = 5  # members lost, and keys in force, by one recovery: all of it is one batch


def invite(state: State, command: c.InviteForRecovery, by: Member, moment: Moment) -> Decision:
    """At once, and without rights: the key that is enrolled by it takes a recovery, or a quorum, to be in force."""
    if command.kind not in ELIGIBLE:
        return Refusal(Code.MALFORMED, f"a recovery puts approvers and admins in force; invite the {command.kind[:16]!a} afterwards")
    if (no := _not_lost(state, command.lost, by)) is not None:
        return no
    if sum(m.status in ("invited", "enrolled") and m.kind in ELIGIBLE for m in state.members.values()) >= MOST:
        return Refusal(Code.TOO_MANY, f"{MOST} approvers and admins are invited already and not in force")
    invited = membership.invited(state, command, None, moment)
    if isinstance(invited, Refusal):
        return invited
    lost = tuple(map(MemberId, command.lost))
    return Decided((e.RecoveryInvited(invited.member, lost, by.member, command.reason), invited), {"member": command.member})


def announce(state: State, command: c.AnnounceRecovery, by: Member, moment: Moment) -> Decision:
    """Nothing changes by it but what everybody can see."""
    keys = tuple(sorted((name, print_) for name, print_ in command.keys.items() if isinstance(print_, str)))
    if len(keys) != len(command.keys):
        return Refusal(Code.MALFORMED, "keys: members with the fingerprints of their keys")
    lost = tuple(sorted(map(MemberId, set(command.lost))))
    known = in_time(state, moment.now)
    if known is not None:
        if (known.by, known.lost, known.keys, known.reason) == (by.member, lost, keys, command.reason):
            return Decided(answer={"digest": known.digest, "due": known.due, "repeated": True})
        return Refusal(Code.TOO_MANY, "a recovery is announced already: object to it first, or put it in force")
    if (no := _problem(state, lost, keys, by)) is not None:
        return no
    due, until = Instant(moment.now + ANNOUNCED), Instant(moment.now + ANNOUNCED + OPEN)
    digest = digest_of(state.tenant, lost, keys, by, command.reason, due, until)
    announced = e.RecoveryAnnounced(digest, lost, keys, by.member, by.person, command.reason, due, until)
    return Decided((announced,), {"digest": digest, "due": due})


def agree(state: State, command: c.AgreeToRecovery, by: Operator, moment: Moment) -> Decision:
    known = _announced(state, command.digest, moment.now)
    if isinstance(known, Refusal):
        return known
    answer = {"digest": known.digest, "due": known.due}
    if known.agreed:
        return Decided(answer={**answer, "repeated": True})
    return Decided((e.RecoveryAgreed(known.digest, by.name),), answer)


def object_to(state: State, command: c.ObjectToRecovery, by: Member, moment: Moment) -> Decision:
    """Ends it for good, also where everything else is there: nobody has to prove why."""
    known = in_time(state, moment.now)
    if known is None:
        return unknown("announced recovery")
    return Decided((e.RecoveryEnded(known.digest, by.member, by.person, command.reason),), {"digest": known.digest})


def seen(state: State, by: Member, moment: Moment) -> tuple[e.Event, ...]:
    """What is recorded beside anything that somebody decides who is called lost."""
    known = in_time(state, moment.now)
    if known is None or by.member not in known.lost:
        return ()
    return (e.RecoveryEnded(known.digest, by.member, by.person, f"{by.member} was called lost and has been seen"),)


def apply(state: State, command: c.ApplyRecovery, by: Member, facts: Facts, moment: Moment) -> Decision:
    """What was announced, when its time has come: the new keys come in force, and the lost ones end, in one batch.

    What was so at the announcement has to be so still.
    """
    known = _announced(state, command.digest, moment.now)
    if isinstance(known, Refusal):
        return known
    if not facts.clock_ok:
        return Refusal(Code.CLOCK_IN_DOUBT, "the node's clocks disagree; nothing is put in force until they agree again", 5000)
    if moment.now < known.due:
        hours = -(-(known.due - moment.now) // HOUR)
        return Refusal(Code.TOO_EARLY, f"it stands on the log for 72 hours before it can be put in force; {hours} h are left")
    if facts.witnessed_size is not None and facts.witnessed < known.due:  # a node that was started with its clock ahead
        why = "no quorum of witnesses has signed a time yet at which the 72 hours are over; ask again in a minute"
        return Refusal(Code.TOO_EARLY, why)
    if not known.agreed:
        return Refusal(Code.NOT_ALLOWED, "the node's operator has not agreed to it: vienna tenant recover agree, by the operator")
    if (no := _problem(state, known.lost, known.keys, by)) is not None:
        return no
    mark = f"recovery:{known.digest.hex()[:16]}"
    applied = e.RecoveryApplied(known.digest, by.member, known.by, known.agreed)
    confirmed = (e.MemberConfirmed(MemberId(name), print_, mark) for name, print_ in known.keys)
    revoked = (e.MemberRevoked(name, f"lost; {mark}") for name in known.lost)
    return Decided((applied, *confirmed, *revoked), {"digest": known.digest, "members": [name for name, _ in known.keys]})


def _announced(state: State, digest: bytes, now: Instant) -> Recovery | Refusal:
    """The recovery of exactly this digest."""
    known = in_time(state, now)
    if known is None:
        return unknown("announced recovery", digest.hex()[:16])
    if known.digest != digest:
        return Refusal(Code.STATEMENT_MISMATCH, "another recovery than this is announced: look at it again", about=known.digest.hex()[:16])
    return known


def _problem(state: State, lost: tuple[MemberId, ...], keys: tuple[tuple[str, str], ...], by: Member) -> Refusal | None:
    """Why these members cannot be replaced by these keys, or None."""
    if (no := _not_lost(state, lost, by)) is not None:
        return no
    if not 1 <= len(keys) <= MOST:
        return Refusal(Code.MALFORMED, f"name the keys that come in force: 1 to {MOST} enrolled members, each with its fingerprint")
    coming = []
    for name, print_ in keys:
        member = state.members.get(name)
        if member is None or member.status != "enrolled" or member.kind not in ELIGIBLE:
            return unknown("enrolled approver or admin", name)
        if not same(fingerprint(member.public_key, member.key_hash).encode(), print_.encode()):
            why = f"the fingerprint is not the one of the key that {name} enrolled: do not put it in force"
            return Refusal(Code.FINGERPRINT_DIFFERS, why, about=name)
        coming.append(member)
    if not can_agree([*_left(state, lost), *coming], governed.SEATS):
        why = f"with these keys there would still be no {governed.SEATS} persons besides an admin: name more"
        return Refusal(Code.TOO_FEW_PERSONS, why)
    return None


def _not_lost(state: State, lost: tuple[str, ...], by: Member) -> Refusal | None:
    """Why there is nothing to recover although these are lost, or None."""
    if state.phase != "sealed":
        return Refusal(Code.NOT_ALLOWED, "while a tenant is founding its admin changes members alone")
    if len(lost) > MOST:
        return Refusal(Code.MALFORMED, f"at most {MOST} members are replaced at once")
    for name in lost:
        member = state.members.get(name)
        if member is None or member.status != "active" or member.kind not in ELIGIBLE:
            return unknown("active approver or admin", name)
        if name == by.member:
            return Refusal(Code.MALFORMED, "you are not lost: you are asking", about=name)
    left = _left(state, lost)
    if can_agree(left, governed.SEATS):
        names = ", ".join(sorted({member.person for member in left} - {by.person}))
        return Refusal(
            Code.NOT_ALLOWED, f"the quorum is not lost: {names} can still approve a change of members; ask for it, or name who is lost"
        )
    return None


def _left(state: State, lost: tuple[str, ...]) -> list[Member]:
    return [member for member in state.active() if member.kind in ELIGIBLE and member.member not in lost]
