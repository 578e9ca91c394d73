"""Keeping and forgetting."""

from __future__ import annotations

from typing import ClassVar

import attrs

from ..ids import Instant


@attrs.frozen
class RetentionSet:
    """Stands beside the activation of a bundle that has another retention."""

    TAG: ClassVar[str] = "retention.set/1"
    days: int
    first: bool  # the tenant's first bundle: it counts from the beginning


@attrs.frozen
class HoldPlaced:
    TAG: ClassVar[str] = "hold.placed/1"
    hold: str
    scope: str  # tenant | case:ID | months:FIRST or months:FIRST..LAST
    reason: str
    by: str


@attrs.frozen
class HoldReleased:
    TAG: ClassVar[str] = "hold.released/1"
    hold: str
    scope: str
    reason: str


@attrs.frozen
class DateConfirmed:
    """Somebody other than the node's clock says that it is this date: what is over in these months goes."""

    TAG: ClassVar[str] = "retention.date_confirmed/1"
    date: Instant
    months: tuple[str, ...]
    bodies: int  # about how many, as it was when this was proposed
    by: str  # witness | persons


@attrs.frozen
class ErasureOrdered:
    TAG: ClassVar[str] = "erasure.ordered/1"
    erasure: str
    what: tuple[str, ...]  # cases by their ids, entries by their numbers
    cases: tuple[str, ...]  # all cases that it concerns, also by an entry of theirs
    months: tuple[str, str]  # the first and the last that they concern: the keys of all of them are made anew
    reason: str
    by: str


@attrs.frozen
class BodiesRemoved:
    """Written by the ledger in the transaction that removes them; which ones stands in the header, in the clear."""

    TAG: ClassVar[str] = "log.bodies_removed/1"
    task: str  # the month, or the erasure
    bodies: int
    last: bool  # the task is done


@attrs.frozen
class ForgettingEnded:
    """A month or an erasure of which nothing (more) could go."""

    TAG: ClassVar[str] = "forgetting.ended/1"
    task: str
    why: str


@attrs.frozen
class SnapshotMade:
    TAG: ClassVar[str] = "snapshot.made/1"
    size: int
    digest: bytes
