"""Novelty: something that an agent has never done before, at an hour at which it never works.

trips    when ``count`` things of those in ``of`` came up within ``window`` for the first time, each at a time of day within an
         hour of which fewer than ``percent`` of a hundred of the agent's intents were asked so far
hours    of the tenant's zone; counted for each agent, and halved when there are ``MOST_COUNTED``, so that habits may change
of       "action"; "kind", what stands before the first slash of a resource; "resource", for agents that keep coming back to
         the same ones: for others every order is a new resource
warm-up  ``known`` intents; off until ``of`` is set, for many agents have no hours
bound    the last 64 actions, kinds and resources of each agent, 24 numbers, and the last 16 pieces of news; what was pushed out
         is new again
"""

from __future__ import annotations

from functools import lru_cache

import attrs

from .. import canonical, zones
from ..ids import HOUR, MINUTE, Instant, Micros
from ..intent import Intent
from ..signals import REMEMBERED, Habits, News, Signals
from ..toml_table import Table
from . import watched
from .alarm import BEGINNING, Alarm

NAME = "novelty"
WORDS = ("action", "kind", "resource")
MOST_COUNTED = 20_000
MOST_NEWS = 16
SHORT = 8
_QUARTER = 15 * MINUTE  # every zone's offset is whole quarters of an hour, but for ones long gone


@attrs.frozen(kw_only=True)
class Limits:
    of: tuple[str, ...] = ()
    count: int = 1
    window: Micros = Micros(HOUR)
    percent: int = 1
    known: int = 200
    scopes: tuple[str, ...] = ("agent",)


def read(table: Table, default: Limits) -> Limits:
    table.only(("of", "count", "window", "percent", "known", "scopes"))
    said = table.texts("of") if "of" in table.data else default.of
    for word in said:
        if word not in WORDS:
            table.fault("of", f"{word[:64]!r} is nothing that can be new", f"one of: {', '.join(WORDS)}")
    return Limits(
        of=tuple(word for word in WORDS if word in said),
        count=table.integer("count", default.count, 1, MOST_NEWS),
        window=table.duration("window", default.window),
        percent=table.integer("percent", default.percent, 1, 50),
        known=table.integer("known", default.known, 1, MOST_COUNTED // 2),
        scopes=watched.read(table, default.scopes, (watched.AGENT_ACTION, "agent")),
    )


def note(signals: Signals, at: Instant, wish: Intent, zone: str) -> None:
    habits = signals.habits
    if habits is None:
        habits = signals.habits = Habits()
    hour = _hour(zone, at // _QUARTER)
    total = sum(habits.hours)
    near = habits.hours[hour - 1] + habits.hours[hour] + habits.hours[(hour + 1) % 24]
    share = near * 1000 // total if total else 1000
    kind = wish.resource.partition("/")[0]
    habits.actions = _met(habits, habits.actions, "action", wish.action, at, share, total)
    habits.kinds = _met(habits, habits.kinds, "kind", kind, at, share, total)
    habits.resources = _met(habits, habits.resources, "resource", wish.resource, at, share, total)
    hours = list(habits.hours)
    hours[hour] += 1
    habits.hours = tuple(hours) if total < MOST_COUNTED else tuple(count // 2 for count in hours)


def _met(habits: Habits, known: tuple[bytes, ...], what: str, name: str, at: Instant, share: int, of: int) -> tuple[bytes, ...]:
    short = _short(name)
    if known and known[-1] == short:
        return known
    if short in known:
        return (*(other for other in known if other != short), short)
    habits.news = (*habits.news[-(MOST_NEWS - 1) :], News(at, what, share, of))
    return (*known[-(REMEMBERED - 1) :], short)


@lru_cache(maxsize=4_096)
def _short(name: str) -> bytes:
    return canonical.digest(name.encode("utf-8", "surrogatepass"))[:SHORT]


@lru_cache(maxsize=1_024)
def _hour(zone: str, quarter: int) -> int:
    hour = zones.local(zone, Instant(quarter * _QUARTER), "hour")
    assert isinstance(hour, int)
    return hour


def close(limits: Limits) -> bool:
    """Whether one more intent could trip at all."""
    return bool(limits.of)


def judge(signals: Signals, now: Instant, limits: Limits, since: Instant = BEGINNING) -> Alarm | None:
    if not limits.of:
        return None
    found = [news for news in told(signals, limits) if news.at > since and now - news.at < limits.window]
    if len(found) < limits.count or found[-1].at != now:
        return None
    what, share = ", ".join(dict.fromkeys(news.what for news in found)), found[-1].share
    why = f"novelty: {what} never seen before, at an hour with {share // 10}.{share % 10} % of what it asks"
    return Alarm(NAME, why, {"new": len(found), "share": share, "limit": limits.count})


def told(signals: Signals, limits: Limits) -> list[News]:
    """What is remembered of the kinds that matter, from hours that were unusual."""
    news = () if signals.habits is None else signals.habits.news
    return [one for one in news if one.what in limits.of and one.of >= limits.known and one.share < 10 * limits.percent]
