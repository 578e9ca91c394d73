"""How breakers and what was seen of their scopes are shown: a line each, and one scope as a whole."""

from __future__ import annotations

from . import breaker, readings
from .breaker_limits import BreakerLimits
from .canonical import Value
from .ids import Instant
from .signals import Signals
from .state import State

MOST_LISTED = 200  # lines of one list: they fit a message, and nobody reads more


def listed(state: State) -> list[Value]:
    """What is shut first, then what has something bad to remember, the newest first; at most ``MOST_LISTED``."""
    noticed = {scope for scope, seen in state.signals.items() if _bad(seen) or seen.mismatches or seen.unknowns}
    order = sorted(
        noticed.union(state.breakers), key=lambda scope: (breaker.seen(state, scope).status == "closed", -_last(state, scope), scope)
    )
    return [line(state, scope) for scope in order[:MOST_LISTED]]


def line(state: State, scope: str) -> dict[str, Value]:
    guard, seen = breaker.seen(state, scope), state.signals.get(scope) or Signals(scope)
    return {
        "scope": scope,
        "status": guard.status,
        "why": guard.why,
        "until": guard.until,
        "epoch": guard.epoch,
        "recent": len(seen.outcomes),
        "bad": _bad(seen),
        "mismatches": len(seen.mismatches),
        "unknown": len(seen.unknowns),
        "detector": guard.detector,
        "by": guard.by,
        "tripped": guard.at or None,
        "probe": guard.probe,
        "takes_two": breaker.takes_two(state, guard),
        "votes": [{"by": vote.by, "person": vote.person, "reason": vote.reason} for vote in guard.votes],
    }


def shown(state: State, scope: str, limits: BreakerLimits, now: Instant) -> dict[str, Value]:
    """One scope, with what each detector that watches it counts at this moment, and against what."""
    since = breaker.seen(state, scope).since
    return {
        **line(state, scope),
        "forgiven": since or None,
        "detectors": [dict(said) for said in readings.readings(state, scope, limits, now, since)],
    }


def _bad(seen: Signals) -> int:
    return sum(not good for _, good in seen.outcomes)


def _last(state: State, scope: str) -> int:
    seen = state.signals.get(scope)
    return 0 if seen is None else seen.last
