"""What the whole node permits at present, read by every tenant before it grants."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from actors.governance.halt import Pause
from actors.governance.pauses import sentence
from actors.governance.refusals import Code, Refusal

SCOPE = "node"


@attrs.define
class NodeStanding:
    """Owned and changed by the supervisor; ``epoch`` travels with every grant, so that a trip in between is noticed."""

    closed: str = ""  # why the breaker is open, or empty
    epoch: int = 0
    pausing: Pause | None = None  # in force already, on its way to the disk
    paused: Pause | None = None  # durable
    last_pause: Pause | None = None  # durable, and perhaps over
    changes: int = 0  # of what is durable: a tenant that has noted fewer notes them before it decides anything
    changed: Callable[[], None] = lambda: None  # wakes the tenants

    @property
    def shut(self) -> Refusal | None:
        """Why nothing is granted or redeemed on the whole node, or None."""
        if (pause := self.paused or self.pausing) is not None:
            return Refusal(Code.PAUSED, sentence(pause))
        return Refusal(Code.BREAKER_OPEN, f"the node's breaker is open: {self.closed}") if self.closed else None
