"""What a detector says when it would trip: in words, and in numbers that something can be made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from ..ids import Instant

BEGINNING = Instant(0)  # nothing was forgiven


@attrs.frozen
class Alarm:
    detector: str
    why: str
    counts: Mapping[str, int]  # what was counted, and against what


def recent(marks: Iterable[tuple[Instant, bool]], now: Instant, window: int, since: Instant) -> list[bool]:
    """Of the marks within the window, and after what was forgiven, whether they are good."""
    return [good for at, good in marks if at > since and now - at < window]


def too_many(
    marks: Sequence[tuple[Instant, bool]], now: Instant, window: int, since: Instant, *, least: int, percent: int
) -> tuple[int, int] | None:
    """How many of how many recent marks are bad, where those are at least ``least`` and ``percent`` of a hundred."""
    if len(marks) < least:
        return None
    found = recent(marks, now, window, since)
    bad = found.count(False)
    return None if bad < least or bad * 100 < percent * len(found) else (bad, len(found))


def recently(marks: Iterable[Instant], now: Instant, window: int, since: Instant) -> int:
    return sum(at > since and now - at < window for at in marks)
