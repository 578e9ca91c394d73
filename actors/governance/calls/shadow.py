"""Calls about a candidate that runs beside the bundle in force."""

from __future__ import annotations

from .. import commands as c
from ..kinds import ADMIN
from .call import DIGEST, READERS, call

ROWS = (
    call(
        "shadow.start", frozenset({ADMIN}), c.StartShadow, "runs a pushed bundle beside the one in force; it decides nothing", bundle=DIGEST
    ),
    call("shadow.stop", frozenset({ADMIN}), c.StopShadow, "ends that"),
    call("shadow.show", READERS, c.Read, "the candidate beside the bundle in force, and where it differed", fixed={"what": "shadow.show"}),
)
