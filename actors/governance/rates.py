"""How often may be asked: the generic cell rate algorithm (ITU-T I.371, annex A) as arithmetic, and its settings in a bundle.

[rates]
principal = "50/s burst 200"     # everything one member asks
tenant = "500/s"                 # everything all its members ask
[rates.calls]
propose = "600/m burst 20"       # what one member asks by that call

What is refused here was never decided: it is counted, and no entry is made of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import attrs

from .calls import CALLS
from .finding import Malformed, did_you_mean
from .ids import HOUR, MINUTE, SECOND, Micros
from .toml_table import Table

_UNIT = {"s": SECOND, "m": MINUTE, "h": HOUR}
_RATE = re.compile(r"([1-9][0-9]{0,6})/([smh])(?: burst ([1-9][0-9]{0,5}))?", re.ASCII)


@attrs.frozen
class Rate:
    """So many in that time on the long run, and ``burst`` of them at once after a rest."""

    count: int
    unit: str
    burst: int

    @property
    def interval(self) -> Micros:
        """µs between two, rounded up: never more often than was said."""
        return Micros(-(-_UNIT[self.unit] // self.count))

    def __str__(self) -> str:
        return f"{self.count}/{self.unit} burst {self.burst}"


@attrs.frozen(kw_only=True)
class Rates:
    principal: Rate | None = Rate(1_000, "s", 2_000)  # more than any agent was seen to need, less than half of what fills a node
    tenant: Rate | None = None  # its mailbox bounds it anyway
    calls: Mapping[str, Rate] = MappingProxyType({})


def parse(text: str) -> Rate | Malformed:
    """As people write it; without a burst, as many at once as in a second."""
    found = _RATE.fullmatch(text)
    if found is None:
        return Malformed(f"{text!r} is not a rate", 'write a number and a unit, as in "20/s", "600/m" or "100/h burst 10"')
    count, unit, burst = found.groups()
    return Rate(int(count), unit, int(burst) if burst else max(1, int(count) * SECOND // _UNIT[unit]))


def read(root: Table) -> Rates:
    """The ``[rates]`` of a ``bundle.toml``; what is wrong becomes findings."""
    table, default = root.table("rates"), Rates()
    table.only(("principal", "tenant", "calls"))
    calls = table.table("calls")
    for name in calls.data:
        if name not in CALLS:
            calls.fault(name, f"there is no call {name!r}", did_you_mean(name, CALLS))
        elif CALLS[name].urgent:
            calls.fault(name, f"{name} cannot have a rate of its own", "what stops or reports something has a lane that load cannot fill")
    return Rates(
        principal=_rate(table, "principal", default.principal),
        tenant=_rate(table, "tenant", default.tenant),
        calls={name: rate for name in calls.data if (rate := _rate(calls, name, None)) is not None},
    )


def _rate(table: Table, key: str, default: Rate | None) -> Rate | None:
    if key not in table.data:
        return default
    rate = parse(table.text(key))
    if isinstance(rate, Malformed):
        if isinstance(table.data[key], str):  # otherwise text() has said so already
            table.fault(key, rate.message, rate.hint)
        return default
    return rate


def wait(rate: Rate, arrival: int, now: int) -> int:
    """µs until one more conforms, 0 if it does now.  ``arrival`` is the theoretical arrival time that was kept."""
    return max(0, arrival - (rate.burst - 1) * rate.interval - now)


def after(rate: Rate, arrival: int, now: int) -> int:
    """The theoretical arrival time once this one was let in."""
    return max(now, arrival) + rate.interval
