"""Rate against the agent's own baseline: it suddenly asks for far more than it does.

counts   intents in intervals of five minutes; one in which the agent asked for nothing does not count, else every morning
         were a burst
mean     EWMA over the intervals before this one: mean += (n - mean) / 8, as round trips are smoothed in RFC 6298
spread   EWMA of the absolute deviation: deviation += (|n - mean| - deviation) / 4; never taken for less than a quarter of
         the mean, and one
trips    in an interval with at least ``least`` intents, when they are more than mean + ``deviations`` times the spread, and
         at least ``times`` the mean
warm-up  ``warm_up`` intervals; before that nothing is known
bound    five numbers for each agent; an interval teaches the mean at most mean + 4 times the spread, so that a burst does not
         become the custom by happening
"""

from __future__ import annotations

import attrs

from ..ids import MINUTE, Instant
from ..signals import Pace, Signals
from ..toml_table import Table
from . import watched
from .alarm import BEGINNING, Alarm

NAME = "rate"
INTERVAL = 5 * MINUTE  # long enough to count in, short enough to stop something
_ONE = 1_000  # mean and deviation are kept in thousandths
_TAUGHT = 4  # spreads above the mean that one interval can teach


@attrs.frozen(kw_only=True)
class Limits:
    deviations: int = 6
    times: int = 3
    least: int = 60  # in five minutes: less than one every five seconds is no flood, whatever was usual
    warm_up: int = 24  # intervals: two hours of work
    scopes: tuple[str, ...] = ("agent",)


def read(table: Table, default: Limits) -> Limits:
    table.only(("deviations", "times", "least", "warm_up", "scopes"))
    return Limits(
        deviations=table.integer("deviations", default.deviations, 1, 100),
        times=table.integer("times", default.times, 1, 1_000),
        least=table.integer("least", default.least, 1, 1_000_000),
        warm_up=table.integer("warm_up", default.warm_up, 2, 10_000),
        scopes=watched.read(table, default.scopes, ("agent",)),
    )


def note(signals: Signals, at: Instant) -> None:
    interval = at // INTERVAL
    pace = signals.pace
    if pace is None:
        pace = signals.pace = Pace(interval)
    if interval != pace.interval:
        _learn(pace)
        pace.interval, pace.asked = interval, 0
    pace.asked += 1


def _learn(pace: Pace) -> None:
    """The interval that is over becomes part of the baseline."""
    seen = pace.asked * _ONE
    if pace.intervals == 0:
        pace.mean, pace.deviation = seen, seen // 2
    else:
        seen = min(seen, pace.mean + _TAUGHT * _spread(pace))
        pace.deviation += (abs(seen - pace.mean) - pace.deviation) // 4
        pace.mean += (seen - pace.mean) // 8
    pace.intervals += 1


def _spread(pace: Pace) -> int:
    return max(pace.deviation, pace.mean // 4, _ONE)


def close(signals: Signals, at: Instant, limits: Limits) -> bool:
    """Whether one more intent could trip at all."""
    pace = signals.pace
    if pace is None or at // INTERVAL != pace.interval:
        return limits.least <= 1  # it is the first of its interval
    return _flood(pace, pace.asked + 1, limits)


def judge(signals: Signals, now: Instant, limits: Limits, since: Instant = BEGINNING) -> Alarm | None:
    pace = signals.pace
    if pace is None or since // INTERVAL >= pace.interval or not _flood(pace, pace.asked, limits):
        return None
    usual, spread = _rounded(pace.mean), _rounded(_spread(pace))
    why = f"rate: {pace.asked} intents in five minutes, and {usual} ± {spread} are usual"
    return Alarm(NAME, why, {"asked": pace.asked, "usual": usual, "spread": spread, "limit": limits.least})


def _flood(pace: Pace, intents: int, limits: Limits) -> bool:
    """Whether so many in the newest interval are too many for this baseline."""
    if intents < limits.least or pace.intervals < limits.warm_up:
        return False
    asked = intents * _ONE
    return asked > pace.mean + limits.deviations * _spread(pace) and asked >= limits.times * pace.mean


def _rounded(thousandths: int) -> int:
    return (thousandths + _ONE // 2) // _ONE
