"""What somebody should hear of, and who has."""

from __future__ import annotations

from typing import ClassVar

import attrs

from ..ids import Person


@attrs.frozen
class AlertRaised:
    """Stands in the batch of what it is about.  Its number is its place in the log."""

    TAG: ClassVar[str] = "alert.raised/1"
    kind: str  # see alerts.py
    severity: str  # info | warning | critical
    key: str  # what is counted as the same
    about: str  # the scope, member or thing
    concerns: str  # the case, or empty
    text: str
    count: int  # how often it happened since it was last raised, this time included
    previous: int | None  # the alert before this one: the list is a chain


@attrs.frozen
class AlertAcknowledged:
    TAG: ClassVar[str] = "alert.acknowledged/1"
    alert: int
    by: str
    person: Person  # behind that member; empty for operators
    note: str
