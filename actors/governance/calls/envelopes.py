"""Calls about approvals in advance."""

from __future__ import annotations

from .. import commands as c
from ..kinds import ADMIN, APPROVER
from ..wire_fields import Bytes
from .call import READERS, REASON, RUN, SIGNATURE, SIGNED, Call, call

LARGEST_TEMPLATE = 16_384  # bytes: state keeps it while the envelope lives

ROWS: tuple[Call, ...] = (
    call(
        "envelope.sign",
        frozenset({APPROVER}),
        c.SignEnvelope,
        "approves so many cases of one kind in advance, by a signed statement over its template",
        template=Bytes(1, LARGEST_TEMPLATE),
        statement=SIGNED,
        signature=SIGNATURE,
    ),
    call(
        "envelope.revoke",
        frozenset({APPROVER, ADMIN}),
        c.RevokeEnvelope,
        "ends an envelope: one's own, or as an admin anybody's",
        urgent=True,
        envelope=RUN,
        reason=REASON,
    ),
    call(
        "envelope.list",
        READERS,
        c.Read,
        "the envelopes that still approve something, with what is left of each",
        fixed={"what": "envelope.list"},
    ),
)
