"""A number between two bounds, both included: a whole number, or a decimal of so many places.

A decimal has exactly its places: ``12.5`` and ``12.50`` are the same amount and would be two effects, so that an outcome nobody
knows under one spelling would not block the other.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ..canonical import DECIMAL, MAX_INTEGER, NotCanonical, Value, is_negative_zero
from ..params import unscale

MOST_PLACES = 9  # what a canonical decimal can have


@attrs.frozen
class Range:
    """``places`` is None for whole numbers; the bounds of decimals are scaled by their places.  A bound that is None is open."""

    low: int | None
    high: int | None
    places: int | None = None

    def __attrs_post_init__(self) -> None:
        bounds = [bound for bound in (self.low, self.high) if bound is not None]
        if not bounds or any(type(bound) is not int or abs(bound) > MAX_INTEGER for bound in bounds):
            raise NotCanonical("a range has at least one bound, each a number within 64 bits")
        if self.places is not None and (type(self.places) is not int or not 1 <= self.places <= MOST_PLACES):
            raise NotCanonical(f"a decimal has 1 to {MOST_PLACES} places")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise NotCanonical("the lower bound of a range is above its upper one")

    def problem(self, value: Value) -> str | None:
        if self.places is None:
            if type(value) is not int:
                return "must be a whole number"
            number = value
        else:
            scaled = _scaled(value, self.places)
            if isinstance(scaled, str):
                return scaled
            number = scaled
        if abs(number) > MAX_INTEGER or (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
            return f"must be {self.words()}"
        return None

    def form(self) -> Value:
        return {"range": {"low": self.low, "high": self.high, "places": self.places}}

    def words(self) -> str:
        places = self.places or 0
        if self.low is None and self.high is not None:
            return f"at most {unscale(self.high, places)}"
        if self.high is None and self.low is not None:
            return f"at least {unscale(self.low, places)}"
        return f"from {unscale(self.low or 0, places)} to {unscale(self.high or 0, places)}"

    def holds(self, other: Range) -> bool:
        """Whether everything in ``other`` is in here too."""
        return (
            self.places == other.places
            and (self.low is None or (other.low is not None and other.low >= self.low))
            and (self.high is None or (other.high is not None and other.high <= self.high))
        )

    def common(self, other: Range) -> Range | None:
        """What is in both; None where nothing is, or where the one has other places."""
        lows = [bound for bound in (self.low, other.low) if bound is not None]
        highs = [bound for bound in (self.high, other.high) if bound is not None]
        low, high = max(lows, default=None), min(highs, default=None)
        if self.places != other.places or (low is not None and high is not None and low > high):
            return None
        return Range(low, high, self.places)


def _scaled(value: Value, places: int) -> int | str:
    """The integer of a decimal that has exactly these places, or what is wrong with it."""
    if not isinstance(value, Mapping) or len(value) != 1 or type(text := value.get("dec")) is not str:
        return 'must be a decimal, {"dec": "12.50"}'
    if not DECIMAL.match(text) or is_negative_zero(text):
        return 'must be a decimal with a point, as in "12.50"'
    whole, fraction = text.split(".")
    if len(fraction) != places:
        return f"must have exactly {places} digit{'' if places == 1 else 's'} after the point"
    return int(whole + fraction)
