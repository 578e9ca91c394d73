"""Calls about seats that approvers hand on, and about how well everybody looks."""

from __future__ import annotations

from .. import commands as c
from ..kinds import ADMIN, APPROVER, AUDITOR
from ..wire_fields import Absent, Map, Number, Text
from .call import KEY, NAME, READERS, REASON, SIGNATURE, SIGNED, Call, call

ROWS: tuple[Call, ...] = (
    call(
        "seat.delegate",
        frozenset({APPROVER}),
        c.DelegateSeat,
        "hands one's own seat to another approver for a time, by a signed statement",
        statement=SIGNED,
        signature=SIGNATURE,
    ),
    call(
        "seat.return",
        frozenset({APPROVER, ADMIN}),
        c.ReturnSeat,
        "takes one's own seat back, or as an admin ends what `whose` has handed on",
        urgent=True,
        whose=Absent(NAME),
        reason=REASON,
    ),
    call(
        "review.stats",
        frozenset({ADMIN, AUDITOR}),
        c.Read,
        "for each person what they decided, how fast, and what came of it",
        fixed={"what": "review.stats"},
    ),
    call(
        "review.canary",
        frozenset({ADMIN}),
        c.ProposeCanary,
        "proposes in an agent's name what people have to deny, and executes it never; held, or nothing is recorded",
        whose=NAME,
        action=Text(128),
        resource=Text(512),
        params=Map(),
        purpose=Text(4096),
        reason=REASON,
        key=KEY,
        cost=Number(0, default=0),
        deadline=Absent(Number(0)),
    ),
    call("seat.list", READERS, c.Read, "the seats that are handed on", fixed={"what": "seat.list"}),
)
