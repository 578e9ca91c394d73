"""Calls about keeping and forgetting."""

from __future__ import annotations

from .. import commands as c
from ..kinds import ADMIN
from ..wire_fields import Names, Text
from .call import KEY, REASON, RUN, call

ROWS = (
    call("hold.place", frozenset({ADMIN}), c.PlaceHold, "keeps bodies from being forgotten", urgent=True, scope=Text(64), reason=REASON),
    call("hold.release", frozenset({ADMIN}), c.ReleaseHold, "ends a hold", hold=RUN, reason=REASON, key=KEY),
    call("retention.run", frozenset({ADMIN}), c.RunRetention, "lets the bodies go whose retention is over, by a confirmed date", key=KEY),
    call(
        "retention.erase",
        frozenset({ADMIN}),
        c.Erase,
        "lets the bodies of closed cases (by id) or of entries (by number) go before their time",
        what=Names(),
        reason=REASON,
        key=KEY,
    ),
)
