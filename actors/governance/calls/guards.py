"""Calls about breakers and dead letters."""

from __future__ import annotations

from .. import commands as c
from ..kinds import ADMIN, APPROVER
from ..wire_fields import Text
from .call import GUARDS, KEY, READERS, REASON, RUN, call

ROWS = (
    call("breaker.trip", GUARDS, c.TripBreaker, "shuts a scope out", urgent=True, scope=Text(160), reason=REASON),
    call(
        "breaker.reset",
        GUARDS | {APPROVER},
        c.ResetBreaker,
        "lets a scope in again; what a mismatch opened takes two persons once the tenant is sealed",
        scope=Text(160),
        reason=REASON,
    ),
    call("breaker.show", READERS, c.ShowBreaker, "one scope: what tripped it, and what each detector counts of it now", scope=Text(160)),
    call("dead_letter.retry", frozenset({ADMIN}), c.RetryLetter, "proposes the case again, as its child", letter=RUN, key=KEY),
    call("dead_letter.resolve", frozenset({ADMIN}), c.ResolveLetter, "closes a dead letter with a reason", letter=RUN, reason=REASON),
)
