"""Calls that stop everything, and that say who has heard of it."""

from __future__ import annotations

from .. import commands as c
from ..kinds import ADMIN, APPROVER, NOTIFIER, OPERATOR
from ..wire_fields import Absent, Flag, Number, Text
from .call import GUARDS, KEY, READERS, REASON, call

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
    call(
        "alert.list",
        READERS | {OPERATOR},
        c.Read,
        "the alerts that are remembered, newest first, with what was counted since",
        fixed={"what": "alert.list"},
    ),
    call(
        "alert.tail",
        READERS | {OPERATOR, NOTIFIER},
        c.TailAlerts,
        "alerts as they become durable: those at `start` and later, without it those from now on",
        start=Absent(Number(0)),
        credit=Number(1, 4096),
        follow=Flag(default=True),
    ),
)
