"""Calls about the tenant itself, its members and its policy."""

from __future__ import annotations

from .. import commands as c
from ..kinds import ADMIN, INVITEE, OPERATOR
from ..wire_fields import Absent, Flag, Map, Names, Number, Text
from .call import DIGEST, KEY, NAME, REASON, SIGNATURE, call

ROWS = (
    call(
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
    call(
        "enrol",
        frozenset({INVITEE}),
        c.Enrol,
        "records the key that the invited member made where it works",
        public_key=DIGEST,
        key_id=Text(32),
        key_hash=DIGEST,
        proof=SIGNATURE,
    ),
    call(
        "member.confirm",
        frozenset({ADMIN}),
        c.Confirm,
        "puts an enrolled key in force after comparing its fingerprint",
        member=NAME,
        fingerprint=Text(64),
        key=KEY,
    ),
    call(
        "member.change",
        frozenset({ADMIN}),
        c.ChangeMember,
        "gives a member other roles in place of those it has",
        member=NAME,
        roles=Names(),
        key=KEY,
    ),
    call("member.revoke", frozenset({ADMIN}), c.RevokeMember, "ends a member's rights", urgent=True, member=NAME, reason=REASON, key=KEY),
    call(
        "bundle.push",
        frozenset({ADMIN}),
        c.PushBundle,
        "puts a policy bundle on the ledger, without effect; `commit` and `dirty` say where its files come from",
        files=Map(),
        commit=Absent(Text(64)),
        dirty=Flag(default=False),
    ),
    call(
        "bundle.activate",
        frozenset({ADMIN}),
        c.ActivateBundle,
        "puts a pushed bundle in force",
        bundle=DIGEST,
        key=KEY,
        reason=Absent(REASON),
    ),
    call("tenant.seal", frozenset({ADMIN}), c.Seal, "ends the founding: from now on changes need a quorum"),
    call(
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
)
