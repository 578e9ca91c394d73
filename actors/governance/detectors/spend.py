"""Spend velocity: money goes faster than anybody meant it to, long before a budget is used up.

trips    when what a scope's runs cost within ``window`` is more than ``most``
counts   what receipts say, as budgets charge it; of unknown outcomes the worst; at the time of the report
minimum  none; off until ``most`` is set, for what is much is the tenant's to say
bound    the last 64 minutes in which anything was spent, of each scope; so ``window`` is at most an hour, and a minute counts
         whole: what is older by less than one may still count
"""

from __future__ import annotations

import attrs

from ..budget_words import amount
from ..canonical import MAX_INTEGER
from ..ids import HOUR, MINUTE, Instant, Micros
from ..signals import REMEMBERED, Signals
from ..toml_table import Table
from . import watched
from .alarm import BEGINNING, Alarm

NAME = "spend"


@attrs.frozen(kw_only=True)
class Limits:
    most: int | None = None  # micro-units
    window: Micros = Micros(HOUR)
    scopes: tuple[str, ...] = ("agent",)


def read(table: Table, default: Limits) -> Limits:
    table.only(("most", "window", "scopes"))
    window = table.duration("window", default.window)
    if window > HOUR:
        table.fault("window", "spend velocity looks at most an hour back", "what may be spent in a day is a budget's to say")
        window = default.window
    return Limits(most=table.amount("most"), window=window, scopes=watched.read(table, default.scopes))


def note(signals: Signals, at: Instant, cost: int) -> None:
    if cost <= 0:
        return
    minute = at // MINUTE
    before = signals.spent
    if before and before[-1][0] == minute:
        signals.spent = (*before[:-1], (minute, min(before[-1][1] + cost, MAX_INTEGER)))
    else:
        signals.spent = (*before[-(REMEMBERED - 1) :], (minute, cost))


def judge(signals: Signals, now: Instant, limits: Limits, since: Instant = BEGINNING) -> Alarm | None:
    if limits.most is None:
        return None
    spent = total(signals, now, limits.window, since)
    if spent <= limits.most:
        return None
    minutes = -(-limits.window // MINUTE)
    why = f"spend velocity: {amount('cost', spent)} within {minutes} min, and {amount('cost', limits.most)} is the most"
    return Alarm(NAME, why, {"spent": spent, "limit": limits.most})


def total(signals: Signals, now: Instant, window: int, since: Instant) -> int:
    oldest = max((now - window) // MINUTE, since // MINUTE + 1 if since else 0)
    return min(sum(cost for minute, cost in signals.spent if minute >= oldest), MAX_INTEGER)
