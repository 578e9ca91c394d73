"""Failure ratio: too many of a scope's runs end badly.

trips    at a bad end, when of the runs that ended within ``window`` at least ``failures`` ended badly, and at least
         ``percent`` of a hundred
minimum  ``failures``: fewer are noise, whatever their share
counts   failed, mismatched and unknown as bad; verified, consistent and inconclusive successes as good
bound    the last 64 ends of each scope; a busier window is judged by those, and more than 64 ``failures`` never come together
"""

from __future__ import annotations

import attrs

from ..ids import MINUTE, Instant, Micros
from ..signals import REMEMBERED, Signals
from .alarm import BEGINNING, Alarm, too_many

NAME = "failures"


@attrs.frozen(kw_only=True)
class Limits:
    failures: int = 5  # within the window; fewer is noise, more is damage
    window: Micros = Micros(10 * MINUTE)
    percent: int = 50
    scopes: tuple[str, ...] = ("agent", "action", "tenant")


def note(signals: Signals, at: Instant, *, good: bool) -> None:
    signals.outcomes = (*signals.outcomes[-(REMEMBERED - 1) :], (at, good))


def judge(signals: Signals, now: Instant, limits: Limits, since: Instant = BEGINNING) -> Alarm | None:
    found = too_many(signals.outcomes, now, limits.window, since, least=limits.failures, percent=limits.percent)
    if found is None:
        return None
    bad, total = found
    return Alarm(NAME, f"failure ratio: {bad} of {total} runs ended badly", {"bad": bad, "of": total, "limit": limits.failures})
