"""What a detector says when it would trip: in words, and in numbers that something can be made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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


def recently(marks: Iterable[Instant], now: Instant, window: int, since: Instant) -> int:
    return sum(at > since and now - at < window for at in marks)
