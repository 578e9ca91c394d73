"""Calls about a quorum that is lost for good."""

from __future__ import annotations

from .. import commands as c
from ..kinds import ADMIN, APPROVER, OPERATOR
from ..wire_fields import Map, Names, Number, Text
from .call import DIGEST, NAME, READERS, REASON, call

ROWS = (
    call(
        "recovery.invite",
        frozenset({ADMIN}),
        c.InviteForRecovery,
        "invites who shall take a lost approver's or admin's place; the key has no rights before a recovery",
        member=NAME,
        kind=Text(16),
        person=Text(128),
        roles=Names(),
        invitation=Text(32),
        token_hash=DIGEST,
        expires_at=Number(0),
        lost=Names(),
        reason=REASON,
    ),
    call(
        "recovery.announce",
        frozenset({ADMIN}),
        c.AnnounceRecovery,
        "announces whose rights end and which keys (a map of members to fingerprints) come in force, after 72 hours",
        lost=Names(),
        keys=Map(),
        reason=REASON,
    ),
    call(
        "recovery.agree",
        frozenset({OPERATOR}),
        c.AgreeToRecovery,
        "the operator's consent to exactly what was announced",
        tenant=NAME,
        digest=DIGEST,
    ),
    call(
        "recovery.object",
        frozenset({ADMIN, APPROVER}),
        c.ObjectToRecovery,
        "ends an announced recovery",
        urgent=True,
        reason=REASON,
    ),
    call(
        "recovery.apply",
        frozenset({ADMIN}),
        c.ApplyRecovery,
        "puts an announced recovery in force, 72 hours later and with the operator's consent",
        digest=DIGEST,
    ),
    call("recovery.show", READERS, c.Read, "what is announced, and how far it has come", fixed={"what": "recovery.show"}),
    call("recovery.look", frozenset({OPERATOR}), c.ShowRecovery, "the same of a tenant, for the operator who shall agree", tenant=NAME),
)
