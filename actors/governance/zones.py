"""The time on the wall of a place, from the rules of the pinned ``tzdata`` package and no others.

The machine's own time zone files are never looked at: two nodes, and whoever checks them, tell the same time.  Data that is
installed with the program is part of it, as its code is; nothing here depends on when or where it runs.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from importlib import resources
from typing import Final, Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo

from .ids import Instant

Part: TypeAlias = Literal["hour", "minute_of_day", "weekday"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)
UTC: Final = "UTC"
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@cache
def names() -> frozenset[str]:
    """Every zone there is."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text().split())


def is_known(zone: str) -> bool:
    return zone == UTC or zone in names()


def local(zone: str, at: Instant, part: Part) -> int | str:
    """0 to 23, 0 to 1439, or the name of the day."""
    there = (EPOCH + dt.timedelta(microseconds=at)).astimezone(rules(zone))
    match part:
        case "hour":
            return there.hour
        case "minute_of_day":
            return there.hour * 60 + there.minute
        case "weekday":
            return WEEKDAYS[there.weekday()]


@cache
def rules(zone: str) -> dt.tzinfo:
    """``zone`` is one of ``names()``."""
    if zone == UTC:
        return dt.UTC
    if zone not in names():
        raise ValueError(f"no time zone {zone!r}")
    with resources.files("tzdata").joinpath("zoneinfo", *zone.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=zone)
