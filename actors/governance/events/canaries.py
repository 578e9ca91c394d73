"""How canaries end: only then does the log say that a case was one.  Each stands in the place of a warrant or a dead letter."""

from __future__ import annotations

from typing import ClassVar

import attrs

from ..ids import CaseId, MemberId, Person


@attrs.frozen
class CanaryMissed:
    """The quorum was filled: of anything else there would be a warrant here."""

    TAG: ClassVar[str] = "canary.missed/1"
    case: CaseId
    by: MemberId  # the admin whose it was; the headers before name its agent
    persons: tuple[Person, ...]  # who approved it
    reason: str  # as its admin gave it; empty where the node was started again since
    closes: bool


@attrs.frozen
class CanaryCaught:
    """Somebody denied it."""

    TAG: ClassVar[str] = "canary.caught/1"
    case: CaseId
    by: MemberId
    person: Person
    persons: tuple[Person, ...]  # who had approved it
    reason: str
    closes: bool


@attrs.frozen
class CanaryEnded:
    """It ended undecided: the entry before says how."""

    TAG: ClassVar[str] = "canary.ended/1"
    case: CaseId
    by: MemberId
    persons: tuple[Person, ...]  # who had approved it, under the bundle that was in force
    reason: str
    closes: bool
