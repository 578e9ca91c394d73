"""What somebody has stopped by hand, and let go on."""

from __future__ import annotations

from typing import ClassVar

import attrs

from ..ids import Instant, Person


@attrs.frozen
class ScopePaused:
    """From this entry on nothing is granted or redeemed in the scope, and no warrant that was issued before is worth anything."""

    TAG: ClassVar[str] = "scope.paused/1"
    scope: str  # agent:NAME, tenant, or node: the node's own pause, as this tenant learnt of it
    side: str  # whose it is, and therefore who lifts it: tenant | operator
    epoch: int  # of the scope, which it raises; of the node the number of the entry on the node's log
    by: str
    person: Person  # behind that member; empty for operators
    reason: str
    since: Instant


@attrs.frozen
class ScopeResumed:
    TAG: ClassVar[str] = "scope.resumed/1"
    scope: str
    side: str
    ends: str  # the pause: who had set it, when and why; whoever has to approve its end reads that
    by: str
    person: Person
    reason: str
