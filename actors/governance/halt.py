"""A pause, as the state keeps it."""

from __future__ import annotations

import attrs

from .ids import Instant, Person


@attrs.frozen
class Pause:
    """What somebody has stopped by hand, see pausing.py."""

    scope: str
    side: str
    by: str
    person: Person
    reason: str
    since: Instant
