"""Calls that stop everything, and that say who has heard of it."""

from __future__ import annotations

from .. import commands as c
from ..kinds import ADMIN, APPROVER, OPERATOR
from ..wire_fields import Number, Text
from .call import GUARDS, KEY, REASON, call

ROWS = (
    call(
        "pause",
        GUARDS,
        c.Pause,
        "stops an agent, the tenant or the node, until it is resumed",
        urgent=True,
        scope=Text(160),
        reason=REASON,
    ),
    call("resume", GUARDS, c.Resume, "lets go on what was paused", scope=Text(160), reason=REASON, key=KEY),
    call(
        "alert.ack",
        frozenset({ADMIN, APPROVER, OPERATOR}),
        c.AcknowledgeAlert,
        "says that somebody has heard of an alert",
        urgent=True,
        alert=Number(0),
        note=REASON,
    ),
)
