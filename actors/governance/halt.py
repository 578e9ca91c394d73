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
    number: int = 0  # of the node's: its entry on the node's log, for two may begin in the same moment of legal time
