"""Long work that an operator asks of the node itself."""

from __future__ import annotations

from .. import commands as c
from ..kinds import OPERATOR
from ..wire_fields import Absent, Flag, Number, Text
from .call import DIGEST, NAME, call

ROWS = (
    call(
        "ledger.archive",
        frozenset({OPERATOR}),
        c.Archive,
        "moves the oldest closed month of a log, or a part of it, out of the database into files",
        before=Number(0),
        tenant=Absent(NAME),
    ),
    call("keys.list", frozenset({OPERATOR}), c.ListKeys, "the keys of a tenant, or without `tenant` of the node", tenant=Absent(NAME)),
    call(
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
    call(
        "keys.retire",
        frozenset({OPERATOR}),
        c.RetireKeys,
        "ends an overlap: the newest key signs alone",
        kind=Text(16),
        tenant=Absent(NAME),
    ),
)
