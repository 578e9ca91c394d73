"""What each detector counts of one scope at this moment, and against what: for people who look before, or after, it trips."""

from __future__ import annotations

from collections.abc import Iterator

from .breaker_limits import BreakerLimits
from .canonical import Value
from .counters import span
from .detectors import denials, failures, mismatches, novelty, rate, repetition, spend, unknowns, watched
from .detectors.alarm import recent, recently
from .ids import Instant
from .signals import Signals
from .state import State


def kind_of(scope: str) -> str:
    if scope.startswith("agent:"):
        return watched.AGENT_ACTION if " action:" in scope else "agent"
    return scope.partition(":")[0]


def readings(state: State, scope: str, limits: BreakerLimits, now: Instant, since: Instant) -> Iterator[dict[str, Value]]:
    """Of the detectors that watch this kind of scope; those that are off are not there."""
    kind = kind_of(scope)
    seen = state.signals.get(scope) or Signals(scope)
    own = state.signals.get(scope.partition(" action:")[0]) or Signals(scope)
    if kind in limits.scopes:
        ends = recent(seen.outcomes, now, limits.window, since)
        yield _said(
            failures.NAME,
            ends.count(False),
            limits.failures,
            f"bad of {len(ends)} ends within {span(limits.window)}, and {limits.percent} %",
        )
    if kind == "agent":
        yield _said(mismatches.NAME, recently(own.mismatches, now, mismatches.WINDOW, since), limits.mismatches, "within 1d")
    if kind in limits.unknowns.scopes:
        count = recently(seen.unknowns, now, limits.unknowns.window, since)
        yield _said(unknowns.NAME, count, limits.unknowns.count, f"within {span(limits.unknowns.window)}")
    if kind in limits.denials.scopes:
        verdicts = recent(own.verdicts, now, limits.denials.window, since)
        what = f"of {len(verdicts)} verdicts within {span(limits.denials.window)}, and {limits.denials.percent} %"
        yield _said(denials.NAME, verdicts.count(False), limits.denials.count, what)
    if kind in limits.repetition.scopes:
        within = [args for at, args in own.asked if at > since and now - at < limits.repetition.window]
        most = max(map(within.count, set(within)), default=0)
        yield _said(
            repetition.NAME, most, limits.repetition.count, f"times the same, of {len(within)} within {span(limits.repetition.window)}"
        )
    if kind in limits.rate.scopes and own.pace is not None:
        asked = own.pace.asked if own.pace.interval == now // rate.INTERVAL else 0
        known = f"usual {own.pace.mean // 1000} of {own.pace.intervals} intervals"
        yield _said(rate.NAME, asked, limits.rate.least, f"intents in these five minutes at least; {known}")
    if kind in limits.spend.scopes and limits.spend.most is not None:
        spent = spend.total(seen, now, limits.spend.window, since)
        yield _said(spend.NAME, spent, limits.spend.most, f"micro-units within {span(limits.spend.window)}")
    if kind in limits.novelty.scopes and limits.novelty.of:
        count = sum(news.at > since and now - news.at < limits.novelty.window for news in novelty.told(own, limits.novelty))
        yield _said(novelty.NAME, count, limits.novelty.count, f"new at an unusual hour within {span(limits.novelty.window)}")


def _said(detector: str, count: int, limit: int, what: str) -> dict[str, Value]:
    return {"detector": detector, "count": count, "limit": limit, "what": what}
