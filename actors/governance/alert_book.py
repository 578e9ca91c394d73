"""What somebody should have heard of, as the state keeps it."""

from __future__ import annotations

import attrs

from .ids import Instant


@attrs.define
class Alert:
    """The newest of one key, and what has happened since."""

    number: int  # its entry
    kind: str
    severity: str
    key: str
    about: str
    concerns: str
    text: str
    at: Instant  # raised
    last: Instant  # happened
    count: int  # when it was raised
    since: int = 0  # counted and not raised
    acknowledged: str = ""  # by whom
    note: str = ""


@attrs.define
class Alerts:
    """What somebody should have heard of, by key; at most ``alerts.MOST``."""

    known: dict[str, Alert] = attrs.Factory(dict)
    last: int | None = None  # entry of the newest
    raised: int = 0  # since the log began

    @property
    def unheard(self) -> int:
        """How many nobody has acknowledged."""
        return sum(not alert.acknowledged for alert in self.known.values())
