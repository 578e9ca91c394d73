"""Where alerts are carried, and which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import attrs

from actors.governance.alert_kinds import SEVERITIES
from vienna_runtime.notifier.message import Message
from vienna_runtime.notifier.schedule import Attempt


class Means(Protocol):
    async def attempt(self, name: str, body: bytes, now: float) -> Attempt:
        """Hands one message over, or says why not; never raises for what the other side does."""
        ...


@attrs.frozen(kw_only=True)
class Target:
    name: str
    means: Means
    least: str  # severity
    kinds: frozenset[str]  # none: all
    delays: Sequence[float]  # s between attempts
    alive: float | None = None  # s between two words that the notifier runs and hears its node; None: none

    def wants(self, message: Message) -> bool:
        """A severity that this version does not know is wanted."""
        grave = message.severity not in SEVERITIES or SEVERITIES.index(message.severity) >= SEVERITIES.index(self.least)
        return grave and (not self.kinds or message.kind in self.kinds)
