"""Repetition: an agent asks for exactly the same again and again, as one does that is caught in a loop.

trips    when the same action on the same resource with the same parameters was asked for ``count`` times within ``window``,
         whatever purpose was given and under whatever key
minimum  ``count``
not      actions that the catalogue calls reads, unless ``reads = true``: that is how an agent waits for something
scope    that agent by that action, or all of the agent
bound    the last 64 intents of each agent: of a loop through several intents that many together
"""

from __future__ import annotations

import attrs

from ..ids import MINUTE, Instant, Micros
from ..signals import REMEMBERED, Signals
from ..toml_table import Table
from . import watched
from .alarm import BEGINNING, Alarm

NAME = "repetition"
SHORT = 8  # bytes of a digest: 64 of them are told apart, and whoever makes two alike trips itself


@attrs.frozen(kw_only=True)
class Limits:
    count: int = 20  # in ten minutes: twice a minute, and each of them changes something
    window: Micros = Micros(10 * MINUTE)
    reads: bool = False
    scopes: tuple[str, ...] = (watched.AGENT_ACTION,)


def read(table: Table, default: Limits) -> Limits:
    table.only(("count", "window", "reads", "scopes"))
    return Limits(
        count=table.integer("count", default.count, 2, REMEMBERED),
        window=table.duration("window", default.window),
        reads=table.flag("reads", default.reads),
        scopes=watched.read(table, default.scopes, (watched.AGENT_ACTION, "agent")),
    )


def note(signals: Signals, at: Instant, args: bytes) -> None:
    signals.asked = (*signals.asked[-(REMEMBERED - 1) :], (at, args[:SHORT]))


def close(signals: Signals, limits: Limits, args: bytes) -> bool:
    """Whether one more intent with these arguments could trip at all."""
    return [known for _, known in signals.asked].count(args[:SHORT]) + 1 >= limits.count


def judge(signals: Signals, now: Instant, limits: Limits, since: Instant = BEGINNING) -> Alarm | None:
    """About the newest intent."""
    if len(signals.asked) < limits.count:
        return None
    newest = signals.asked[-1][1]
    count = sum(args == newest and at > since and now - at < limits.window for at, args in signals.asked)
    if count < limits.count:
        return None
    return Alarm(NAME, f"repetition: exactly the same was asked for {count} times", {"asked": count, "limit": limits.count})
