"""Hours, days and months as the tenant's zone has them: when one began, and when it ends.

An hour that the clocks repeat in autumn is two, the one that they leave out in spring is none; a day then has 25 or 23.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Final, Literal, TypeAlias, get_args

from .ids import HOUR, SECOND, Instant
from .zones import EPOCH, rules

Per: TypeAlias = Literal["hour", "day", "month"]
PERS: Final[tuple[Per, ...]] = get_args(Per)


def begun(zone: str, at: Instant, per: str) -> Instant:
    """The first instant of the hour, day or month of ``zone`` that ``at`` lies in."""
    return _span(zone, at // SECOND // 60 * 60, per)[0]


def ends(zone: str, at: Instant, per: str) -> Instant:
    """The first instant of the next one."""
    return _span(zone, at // SECOND // 60 * 60, per)[1]


@lru_cache(maxsize=64)
def _span(zone: str, minute: int, per: str) -> tuple[Instant, Instant]:
    """Of the one that a whole minute, in seconds since 1970, lies in: every zone's offset was whole minutes since then, but Liberia's."""
    there = (EPOCH + dt.timedelta(seconds=minute)).astimezone(rules(zone))
    if per == "hour":  # by the clock on the wall, and never longer than an hour
        past = dt.timedelta(minutes=there.minute, seconds=there.second)
        start = _instant(there) - past // dt.timedelta(microseconds=1)
        return Instant(start), Instant(start + HOUR)
    first = there.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if per == "day":
        after = first + dt.timedelta(days=1)
    else:
        first = first.replace(day=1)
        after = (first + dt.timedelta(days=31)).replace(day=1)
    return Instant(_instant(first)), Instant(_instant(after))


def _instant(there: dt.datetime) -> int:
    return (there - EPOCH) // dt.timedelta(microseconds=1)
