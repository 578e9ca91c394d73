"""Calls about warrants that are out."""

from __future__ import annotations

from .. import commands as c
from ..kinds import ADMIN, AGENT, EXECUTOR
from ..wire_fields import Absent, Map, Number, Text
from .call import KEY, READERS, REASON, RUN, call

ROWS = (
    call(
        "warrant.use",
        frozenset({AGENT}),
        c.UseWarrant,
        "asks for a further use of a warrant, with other parameters where its constraints allow them",
        warrant=RUN,
        key=KEY,
        params=Absent(Map()),
    ),
    call("warrant.revoke", frozenset({ADMIN}), c.RevokeWarrant, "makes a warrant worthless", urgent=True, warrant=RUN, reason=REASON),
    call(
        "warrants.revoke",
        frozenset({ADMIN}),
        c.RevokeWarrants,
        "makes all live warrants of a scope (`agent:NAME`, or `bundle:` and its digest in hex) worthless in one entry",
        urgent=True,
        scope=Text(160),
        reason=REASON,
    ),
    call(
        "warrant.list",
        READERS | {AGENT, EXECUTOR},
        c.ListWarrants,
        "the live warrants, oldest first: for people all, for agents and executors their own",
        limit=Number(1, 200, default=100),
        scope=Absent(Text(160)),
        after=Absent(RUN),
    ),
    call(
        "warrant.show",
        READERS | {AGENT, EXECUTOR},
        c.ShowWarrant,
        "a live warrant's signed bytes; with its MAC for its holder alone",
        warrant=RUN,
    ),
)
