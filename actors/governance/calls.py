"""Every call of the protocol: its tag, who may send it, its fields with their limits, and the command it makes.

``CALLS`` is the only list: from it come the parser, the checks of who may ask, the reference in ``docs/protocol.md`` and
the tests that try every call of one tenant against another's things.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from . import commands as c
from .canonical import Value
from .kinds import ADMIN, AGENT, APPROVER, AUDITOR, EXECUTOR, INVITEE, MEMBER_KINDS, OPERATOR, VERIFIER
from .refusals import Code, Refusal
from .wire_fields import Absent, Bytes, Field, Flag, Map, Names, Number, Text, problem


@attrs.frozen
class Call:
    """One row of the protocol: a tag, who may send it, its fields, and what it asks."""

    tag: str
    who: frozenset[str]
    fields: Mapping[str, Field]
    build: type
    what: str
    urgent: bool = False  # has a lane of its own that ordinary load cannot fill
    fixed: Mapping[str, str] = attrs.field(factory=dict)  # fields the tag itself decides


CASE, RUN, NAME, REASON, KEY = Text(64), Text(64), Text(40), Text(1024), Text(128)
DIGEST, SIGNATURE, SIGNED = Bytes(32, 32), Bytes(64, 64), Bytes(1, 32768)
EVERYBODY = MEMBER_KINDS | {OPERATOR}
READERS = frozenset({ADMIN, APPROVER, AUDITOR})
GUARDS = frozenset({ADMIN, OPERATOR})


def _call(
    tag: str,
    who: frozenset[str],
    build: type,
    what: str,
    /,
    *,
    urgent: bool = False,
    fixed: Mapping[str, str] | None = None,
    **fields: Field,
) -> Call:
    return Call(tag, who, fields, build, what, urgent, fixed or {})


_ROWS = (
    _call(
        "propose",
        frozenset({AGENT}),
        c.Propose,
        "proposes an intent; with `run`, also redeems the warrant of a T0 case addressed to the agent itself",
        action=Text(128),
        resource=Text(512),
        params=Map(),
        purpose=Text(4096),
        key=KEY,
        cost=Number(0, default=0),
        state_digest=Absent(DIGEST),
        parent=Absent(CASE),
        deadline=Absent(Number(0)),
        run=Absent(RUN),
    ),
    _call("case.cancel", frozenset({AGENT, ADMIN}), c.Cancel, "withdraws a case that is waiting for approval", case=CASE, reason=REASON),
    _call(
        "redeem",
        frozenset({AGENT, EXECUTOR}),
        c.Redeem,
        "burns one use of a warrant and opens a run, before anything acts",
        warrant=SIGNED,
        signature=SIGNATURE,
        mac=DIGEST,
        run=RUN,
        args_digest=DIGEST,
        state_digest=Absent(DIGEST),
    ),
    _call(
        "report",
        frozenset({AGENT, EXECUTOR}),
        c.Report,
        "hands in the signed receipt of a run",
        urgent=True,
        receipt=SIGNED,
        signature=SIGNATURE,
    ),
    _call(
        "approve",
        frozenset({APPROVER, ADMIN}),
        c.Vote,
        "approves a held case by a signed statement over its card",
        fixed={"decision": "approve"},
        statement=SIGNED,
        signature=SIGNATURE,
    ),
    _call(
        "deny",
        frozenset({APPROVER, ADMIN}),
        c.Vote,
        "denies a held case, for good",
        urgent=True,
        fixed={"decision": "deny"},
        statement=SIGNED,
        signature=SIGNATURE,
    ),
    _call(
        "attest",
        frozenset({VERIFIER}),
        c.Attest,
        "says what was observed at the target",
        urgent=True,
        attestation=SIGNED,
        signature=SIGNATURE,
    ),
    _call(
        "member.invite",
        frozenset({ADMIN}),
        c.Invite,
        "invites a member; the token stays with the inviter, its hash is recorded",
        member=NAME,
        kind=Text(16),
        person=Text(128),
        roles=Names(),
        invitation=Text(32),
        token_hash=DIGEST,
        expires_at=Number(0),
        key=KEY,
        owner=Absent(NAME),
    ),
    _call(
        "enrol",
        frozenset({INVITEE}),
        c.Enrol,
        "records the key that the invited member made where it works",
        public_key=DIGEST,
        key_id=Text(32),
        key_hash=DIGEST,
        proof=SIGNATURE,
    ),
    _call(
        "member.confirm",
        frozenset({ADMIN}),
        c.Confirm,
        "puts an enrolled key in force after comparing its fingerprint",
        member=NAME,
        fingerprint=Text(64),
        key=KEY,
    ),
    _call("member.revoke", frozenset({ADMIN}), c.RevokeMember, "ends a member's rights", urgent=True, member=NAME, reason=REASON, key=KEY),
    _call("bundle.push", frozenset({ADMIN}), c.PushBundle, "puts a policy bundle on the ledger, without effect", files=Map()),
    _call("bundle.activate", frozenset({ADMIN}), c.ActivateBundle, "puts a pushed bundle in force", bundle=DIGEST, key=KEY),
    _call("tenant.seal", frozenset({ADMIN}), c.Seal, "ends the founding: from now on changes need a quorum"),
    _call("warrant.revoke", frozenset({ADMIN}), c.RevokeWarrant, "makes a warrant worthless", urgent=True, warrant=RUN, reason=REASON),
    _call("breaker.trip", GUARDS, c.TripBreaker, "shuts a scope out", urgent=True, scope=Text(160), reason=REASON),
    _call("breaker.reset", GUARDS, c.ResetBreaker, "lets a scope in again", scope=Text(160), reason=REASON),
    _call("dead_letter.retry", frozenset({ADMIN}), c.RetryLetter, "proposes the case again, as its child", letter=RUN, key=KEY),
    _call("dead_letter.resolve", frozenset({ADMIN}), c.ResolveLetter, "closes a dead letter with a reason", letter=RUN, reason=REASON),
    _call(
        "effect.settle",
        frozenset({ADMIN}),
        c.SettleEffect,
        "says whether an effect of unknown outcome happened",
        run=RUN,
        happened=Flag(),
        reason=REASON,
    ),
    _call("hold.place", frozenset({ADMIN}), c.PlaceHold, "keeps bodies from being forgotten", urgent=True, scope=Text(64), reason=REASON),
    _call("hold.release", frozenset({ADMIN}), c.ReleaseHold, "ends a hold", hold=RUN, reason=REASON, key=KEY),
    _call("retention.run", frozenset({ADMIN}), c.RunRetention, "lets the bodies go whose retention is over, by a confirmed date", key=KEY),
    _call(
        "retention.erase",
        frozenset({ADMIN}),
        c.Erase,
        "lets the bodies of closed cases (by id) or of entries (by number) go before their time",
        what=Names(),
        reason=REASON,
        key=KEY,
    ),
    _call(
        "tenant.suspend", frozenset({OPERATOR}), c.Suspend, "stops a tenant: it answers reads only", urgent=True, tenant=NAME, reason=REASON
    ),
    _call("tenant.resume", frozenset({OPERATOR}), c.Resume, "lets a suspended tenant go on", tenant=NAME, reason=REASON),
    _call(
        "tenant.create",
        frozenset({OPERATOR}),
        c.Found,
        "founds a tenant and invites its first admin",
        tenant=NAME,
        admin=NAME,
        person=Text(128),
        invitation=Text(32),
        token_hash=DIGEST,
        expires_at=Number(0),
    ),
    _call(
        "ledger.archive",
        frozenset({OPERATOR}),
        c.Archive,
        "moves the oldest closed month of a log, or a part of it, out of the database into files",
        before=Number(0),
        tenant=Absent(NAME),
    ),
    _call("keys.list", frozenset({OPERATOR}), c.ListKeys, "the keys of a tenant, or without `tenant` of the node", tenant=Absent(NAME)),
    _call(
        "keys.rotate",
        frozenset({OPERATOR}),
        c.RotateKey,
        "has a new `checkpoint` or `issuer` key take over from the one named; recorded before the new one signs",
        kind=Text(16),
        replaces=DIGEST,
        overlap=Number(0),
        compromised=Flag(),
        tenant=Absent(NAME),
    ),
    _call(
        "keys.retire",
        frozenset({OPERATOR}),
        c.RetireKeys,
        "ends an overlap: the newest key signs alone",
        kind=Text(16),
        tenant=Absent(NAME),
    ),
    _call("case.show", READERS | {AGENT, EXECUTOR, VERIFIER}, c.ShowCase, "a case's entries, from intent to verdict", case=CASE),
    _call("approval.card", frozenset({APPROVER, ADMIN}), c.ShowCard, "the card of a held case: what an approval signs", case=CASE),
    _call("dead_letter.show", READERS, c.ShowLetter, "one dead letter with its case", letter=RUN),
    _call(
        "dead_letter.list", READERS, c.ListLetters, "dead letters, newest first", before=Absent(Number(0)), limit=Number(1, 200, default=50)
    ),
    *(
        _call(tag, who, c.Read, what, fixed={"what": tag})
        for tag, who, what in (
            ("approval.list", frozenset({APPROVER, ADMIN}), "the cases that wait for a person"),
            ("member.list", READERS, "the members, their kinds, roles and fingerprints"),
            ("bundle.show", EVERYBODY, "the active bundle"),
            ("retention.show", READERS, "the months with their bodies, when each is due and what is kept why; the holds"),
            ("breaker.list", READERS | {OPERATOR}, "the breakers and what tripped them"),
            ("tenant.list", frozenset({OPERATOR}), "the tenants of this node"),
            ("status", EVERYBODY, "how the tenant (for operators: the node) is doing"),
            ("whoami", EVERYBODY, "who the connection belongs to, and the keys to check its tenant by"),
            ("keys.chain", EVERYBODY | {INVITEE}, "the node's entries about the keys of its tenant's log and its own, each with its proof"),
        )
    ),
    _call(
        "ledger.wait",
        EVERYBODY,
        c.Wait,
        "answers when a case, or so many entries (else all so far), are `durable`, or `witnessed` by a quorum",
        state=Text(16),
        timeout=Number(0, 60_000, default=30_000),
        case=Absent(CASE),
        size=Absent(Number(0)),
    ),
    _call(
        "tail",
        EVERYBODY,
        c.Tail,
        "the log as it becomes durable: of each position what whoever asks may see, at least its leaf hash",
        start=Number(0),
        credit=Number(1, 4096),
        follow=Flag(default=True),
        believed=Number(0, default=0),
        case=Absent(CASE),
        tags=Names(),
    ),
    _call("case.watch", READERS | {AGENT}, c.Watch, "a case's events, as they become durable", case=CASE, credit=Number(1, 4096)),
    _call(
        "case.evidence",
        READERS,  # no agent: it holds the register of members, and the first entries of others' cases above
        c.Evidence,
        "what proves a case: its entries and all they rest on, under one signed head of each log",
        case=CASE,
        credit=Number(1, 4096),
    ),
    _call(
        "inbox",
        frozenset({ADMIN, APPROVER, EXECUTOR, VERIFIER}),
        c.Inbox,
        "what waits for whoever asks, and what comes",
        credit=Number(1, 4096),
    ),
)

CALLS: Mapping[str, Call] = {row.tag: row for row in _ROWS}
_URGENT = frozenset((row.build, row.fixed.get("decision")) for row in _ROWS if row.urgent)


def is_urgent(command: c.Command) -> bool:
    """Whether the call that makes this command has the urgent lane, at the scribe as at the mailbox."""
    return (type(command), getattr(command, "decision", None)) in _URGENT


def parse(tag: str, fields: Mapping[str, Value], kind: str) -> c.Ask | Refusal:
    """The command that a call makes, or why there is none.  ``fields`` are the message's without ``t`` and ``id``."""
    call = CALLS.get(tag)
    if call is None:
        return Refusal(Code.MALFORMED, f"there is no call {tag[:64]!a}")
    if kind not in call.who:
        return Refusal(Code.NOT_ALLOWED, f"{tag} is not for {kind}s; it is for {', '.join(f'{who}s' for who in sorted(call.who))}")
    specs = call.fields
    for name in fields:
        if name not in specs:
            return Refusal(Code.MALFORMED, f"{tag} has no field {name[:64]!a}; its fields are {', '.join(specs)}")
    values: dict[str, object] = dict(call.fixed)
    for name, spec in specs.items():
        value: object = fields[name] if name in fields else spec.absent()
        if (wrong := problem(spec, value)) is not None:
            return Refusal(Code.MALFORMED, f"{tag}: the field {name} {wrong}")
        values[name] = tuple(value) if isinstance(value, list) else value
    built: c.Ask = call.build(**values)
    return built
