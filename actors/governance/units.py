"""Durations and amounts as people write them, read exactly: "1h30m" in microseconds, "12.50" in micro-units."""

from __future__ import annotations

import re

from .finding import Malformed
from .ids import DAY, HOUR, MINUTE, SECOND, Cost, Micros

_UNIT = {"ms": 1_000, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_PART = re.compile(r"([0-9]{1,9})(ms|[smhd])", re.ASCII)
_DURATION = re.compile(rf"(?:{_PART.pattern})+", re.ASCII)
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,11})(?:\.([0-9]{1,6}))?", re.ASCII)  # 12 digits: every sum of a million of them fits 64 bits

MICRO_PLACES = 6  # digits after the point in a micro-unit
LONGEST = 3_660 * DAY  # ten years: anything longer is a slip of the unit


def duration(text: str) -> Micros | Malformed:
    """Greater than zero, no longer than ten years."""
    if not _DURATION.fullmatch(text):
        return Malformed(f"{text!r} is not a duration", 'write a number and a unit, as in "90s", "5m", "1h30m" or "7d"')
    total = sum(int(number) * _UNIT[unit] for number, unit in _PART.findall(text))
    if not 0 < total <= LONGEST:
        return Malformed(f"the duration {text!r} is out of range", "more than nothing, at most ten years")
    return Micros(total)


def amount(text: str) -> Cost | Malformed:
    """Zero or more; at most six digits after the point, so nothing is ever rounded."""
    found = _AMOUNT.fullmatch(text)
    if found is None:
        return Malformed(f"{text!r} is not an amount", 'write digits with at most six after the point, as in "0.25" or "500"')
    whole, fraction = found.groups(default="")
    return Cost(int(whole + fraction.ljust(MICRO_PLACES, "0")))
