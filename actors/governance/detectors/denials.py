"""Denial bursts: an agent keeps asking for what it may not have.

trips    at a denial, when within ``window`` at least ``count`` of the agent's intents were denied, by policy or by people,
         and at least ``percent`` of a hundred of those that were decided
minimum  ``count``: an agent that finds out what it may do is denied a few times
counts   each verdict of policy that permits as good, each denied case as bad; refusals before a verdict are no verdicts
bound    the last 64 verdicts of each agent
"""

from __future__ import annotations

import attrs

from ..ids import MINUTE, Instant, Micros
from ..signals import REMEMBERED, Signals
from ..toml_table import Table
from . import watched
from .alarm import BEGINNING, Alarm, too_many

NAME = "denials"


@attrs.frozen(kw_only=True)
class Limits:
    count: int = 20  # in ten minutes: nobody who reads the refusals needs so many
    window: Micros = Micros(10 * MINUTE)
    percent: int = 80
    scopes: tuple[str, ...] = ("agent",)


def read(table: Table, default: Limits) -> Limits:
    table.only(("count", "window", "percent", "scopes"))
    return Limits(
        count=table.integer("count", default.count, 1, REMEMBERED),
        window=table.duration("window", default.window),
        percent=table.integer("percent", default.percent, 1, 100),
        scopes=watched.read(table, default.scopes, ("agent",)),
    )


def note(signals: Signals, at: Instant, *, good: bool) -> None:
    signals.verdicts = (*signals.verdicts[-(REMEMBERED - 1) :], (at, good))


def judge(signals: Signals, now: Instant, limits: Limits, since: Instant = BEGINNING) -> Alarm | None:
    found = too_many(signals.verdicts, now, limits.window, since, least=limits.count, percent=limits.percent)
    if found is None:
        return None
    bad, total = found
    return Alarm(NAME, f"denial burst: {bad} of {total} intents were denied", {"denied": bad, "of": total, "limit": limits.count})
