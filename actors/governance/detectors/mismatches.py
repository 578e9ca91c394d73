"""Verification mismatches: a receipt said one thing and reality another.

trips    when ``mismatches`` of an agent's runs within a day were found to be something else; and stays until people reset it
minimum  none by default: a receipt that reality contradicts is never noise
scope    the agent alone: what one agent's executor did says nothing of others
bound    the last 64 of each agent; a bundle that asks for more than ``MOST`` gets ``MOST``, so that no setting turns this detector off
"""

from __future__ import annotations

from ..ids import DAY, Instant, Micros
from ..signals import REMEMBERED, Signals
from .alarm import BEGINNING, Alarm, recently

NAME = "mismatches"
WINDOW = Micros(DAY)
MOST = 10


def note(signals: Signals, at: Instant) -> None:
    signals.mismatches = (*signals.mismatches[-(REMEMBERED - 1) :], at)


def judge(signals: Signals, now: Instant, limit: int, since: Instant = BEGINNING) -> Alarm | None:
    lies = recently(signals.mismatches, now, WINDOW, since)
    return Alarm(NAME, f"mismatches: {lies} within a day", {"mismatches": lies, "limit": limit}) if lies >= limit else None
