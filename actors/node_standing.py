"""What the whole node permits at present, read by every tenant before it grants."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from actors.governance.halt import Pause
from actors.governance.pauses import BREAKER, OPERATORS, code, sentence
from actors.governance.refusals import Refusal

SCOPE = "node"


@attrs.define
class NodeStanding:
    """Owned and changed by the supervisor; ``epoch`` travels with every grant, so that a trip in between is noticed."""

    epoch: int = 0
    tripping: Pause | None = None  # in force already, on its way to the disk
    tripped: Pause | None = None  # durable
    last_trip: Pause | None = None  # durable, and perhaps over
    pausing: Pause | None = None  # as of the breaker
    paused: Pause | None = None
    last_pause: Pause | None = None
    changes: int = 0  # of what is durable: a tenant that has noted fewer notes them before it decides anything
    changed: Callable[[], None] = lambda: None  # wakes the tenants

    @property
    def shut(self) -> Refusal | None:
        """Why nothing is granted or redeemed on the whole node, or None."""
        stop = self.paused or self.pausing or self.tripped or self.tripping
        return None if stop is None else Refusal(code(stop), sentence(stop))

    @property
    def stops(self) -> tuple[tuple[str, Pause | None, Pause | None], ...]:
        """Of each side what is in force, and the newest there was."""
        return ((OPERATORS, self.paused, self.last_pause), (BREAKER, self.tripped, self.last_trip))
