"""What a tenant remembers of each scope that it guards: the breaker, and the signals that detectors look at.

Signals are folded the same whatever the thresholds of the bundle in force, so that a bundle which moves them, or turns a
detector on, begins with what was seen before, and a candidate can be tried on any log.  All of it is of fixed size.
"""

from __future__ import annotations

import attrs

from .ids import CaseId, Instant, MemberId, Person

UNKNOWN = -1  # for an entry: an earlier version did not keep which it was
REMEMBERED = 64  # marks of one kind that a scope remembers: no threshold can ask for more


@attrs.frozen
class Reopener:
    """Who has said that a breaker which a mismatch opened may be reset, where that takes two."""

    by: MemberId
    person: Person
    reason: str


@attrs.define
class Breaker:
    """One scope's breaker, from its first trip on."""

    scope: str
    epoch: int = 0
    status: str = "closed"  # closed | open | probing
    until: Instant | None = None
    why: str = ""
    probe: CaseId | None = None
    detector: str = ""  # which tripped it; empty: by hand
    by: str = ""
    at: Instant = Instant(0)  # of its newest trip
    stopped: Instant = Instant(0)  # its newest trip or pause: what was issued up to then goes through no hands of this scope
    tripped: int = 0  # the entry of its newest trip; 0, the log's first, where it has none; or UNKNOWN
    since: Instant = Instant(0)  # of its newest reset: what was seen up to then is forgiven
    mismatched: bool = False  # a mismatch was among what opened it: then one person alone does not reset it
    votes: tuple[Reopener, ...] = ()


@attrs.define
class Pace:
    """How much an agent asks for in an interval, by intervals in which it asks at all; mean and deviation in thousandths."""

    interval: int = 0  # the newest
    asked: int = 0  # in it
    intervals: int = 0  # before it
    mean: int = 0
    deviation: int = 0


@attrs.frozen
class News:
    """Something that an agent did for the first time, as far as is remembered."""

    at: Instant
    what: str  # action | kind | resource
    share: int  # per mille of what it had asked before that was asked within an hour of this time of day
    of: int  # how many that were


@attrs.define
class Habits:
    """When an agent asks, and for what."""

    hours: tuple[int, ...] = (0,) * 24  # intents by the hour of the tenant's zone
    actions: tuple[bytes, ...] = ()  # short digests, the newest last
    kinds: tuple[bytes, ...] = ()
    resources: tuple[bytes, ...] = ()
    news: tuple[News, ...] = ()


@attrs.define
class Signals:
    """What was seen of one scope.  What is of agents alone stays empty for other scopes."""

    scope: str
    last: int = 0  # entry of the newest
    outcomes: tuple[tuple[Instant, bool], ...] = ()  # of runs: when, good; newest last
    unknowns: tuple[Instant, ...] = ()
    spent: tuple[tuple[int, int], ...] = ()  # minute since 1970, micro-units
    mismatches: tuple[Instant, ...] = ()  # of agents
    verdicts: tuple[tuple[Instant, bool], ...] = ()  # of agents: when, not denied
    asked: tuple[tuple[Instant, bytes], ...] = ()  # of agents: when, what exactly
    pace: Pace | None = None  # of agents
    habits: Habits | None = None  # of agents


def copied(signals: Signals) -> Signals:
    """To note in it what may never be recorded."""
    pace, habits = signals.pace, signals.habits
    return attrs.evolve(signals, pace=None if pace is None else attrs.evolve(pace), habits=None if habits is None else attrs.evolve(habits))
