"""Unknown outcomes: runs began and nobody knows whether they happened.

trips    when ``count`` runs of the scope became unknown within ``window``
minimum  ``count``; no share, for each may be done and each blocks its effect, however many others went well
bound    the last 64 of each scope
"""

from __future__ import annotations

import attrs

from ..ids import HOUR, Instant, Micros
from ..signals import REMEMBERED, Signals
from ..toml_table import Table
from . import watched
from .alarm import BEGINNING, Alarm, recently

NAME = "unknowns"


@attrs.frozen(kw_only=True)
class Limits:
    count: int = 5  # one is a lost connection, a few are one executor that fell
    window: Micros = Micros(HOUR)
    scopes: tuple[str, ...] = ("agent", "action")


def read(table: Table, default: Limits) -> Limits:
    table.only(("count", "window", "scopes"))
    return Limits(
        count=table.integer("count", default.count, 1, REMEMBERED),
        window=table.duration("window", default.window),
        scopes=watched.read(table, default.scopes),
    )


def note(signals: Signals, at: Instant) -> None:
    signals.unknowns = (*signals.unknowns[-(REMEMBERED - 1) :], at)


def judge(signals: Signals, now: Instant, limits: Limits, since: Instant = BEGINNING) -> Alarm | None:
    count = recently(signals.unknowns, now, limits.window, since)
    if count < limits.count:
        return None
    return Alarm(NAME, f"unknown outcomes: {count} runs, and nobody knows whether they happened", {"unknown": count, "limit": limits.count})
