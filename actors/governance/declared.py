"""The facts that a bundle's policies may read beyond the wish itself, from ``[facts]`` of its ``bundle.toml``.

founding = "boolean"                                                   # the tenant was not sealed yet when the case was proposed
refunds_today = { count = "redeemed", action = "payments.refund", by = ["params.customer"], window = "1d" }
refunded = { sum = "params.amount", of = "redeemed", action = "payments.refund", by = ["agent"], window = "7d" }
spent = { sum = "cost", of = "succeeded", window = "1d", from = "activation" }
quiet = { since = "failed", by = ["agent"], window = "1h" }            # whole seconds; never = N where there was none, else the window
guard = { breaker = "agent" }                                          # closed | open | probing
hour = { local = "hour" }                                              # or weekday, minute_of_day, in [tenant] zone
reviewed = { lineage = "review.pass", ended = ["verified"], same = ["resource"] }
repeated = { before = "redeemed" }                                     # exactly this was redeemed before

Each is a value of one type for Cedar; how it is come by is its origin.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final, Literal, TypeAlias, cast

import attrs

from . import zones
from .catalogue import Action
from .counters import MOST_COUNTERS, Reading
from .counting import MEASURES, actions_of, counted, dimensions_of, one_of, unfit
from .finding import Finding, did_you_mean
from .params import NAME, Kind, Param
from .state import Counter
from .toml_table import Table
from .zones import PARTS, Part

FOUNDING: Final = "founding"
BREAKERS: Final = ("agent", "action", "tenant")
ENDS: Final = (
    "verified", "consistent", "mismatched", "inconclusive", "failed", "settled", "denied", "expired", "cancelled", "revoked", "applied",
)  # fmt: skip
_REST = ("of", "action", "by", "window", "from", "never", "ended", "same")
_FORMS = (*MEASURES, "breaker", "local", "lineage", "before")


@attrs.frozen
class Founding:
    """Whether the tenant was founding when the case was proposed."""


@attrs.frozen
class BreakerState:
    """How the breaker of this scope stands."""

    scope: Literal["agent", "action", "tenant"]


@attrs.frozen
class Local:
    """The time on the wall in the tenant's zone."""

    part: Part
    zone: str


@attrs.frozen(kw_only=True)
class Lineage:
    """Whether a case above is about one of these actions, has ended so, and is about the same in these respects."""

    actions: frozenset[str]
    ended: frozenset[str]
    same: tuple[str, ...]


@attrs.frozen
class Before:
    """Whether exactly this action, resource and parameters were redeemed before, by whatever agent and case."""


Origin: TypeAlias = Founding | BreakerState | Local | Lineage | Before | Reading


@attrs.frozen(kw_only=True)
class Declared:
    """One fact.  ``line`` and ``column`` are where it stands in bundle.toml."""

    param: Param
    origin: Origin
    line: int
    column: int


def zone(root: Table) -> str:
    """The tenant's zone; UTC where none is named that exists."""
    named = root.table("tenant").data.get("zone", zones.UTC)
    return named if isinstance(named, str) and zones.is_known(named) else zones.UTC


def read(root: Table, catalogue: Mapping[str, Action]) -> dict[str, Declared]:
    """Every fact by its name; what is wrong becomes findings."""
    tenant, table = root.table("tenant"), root.table("facts")
    tenant.only(("zone",))
    named = tenant.text("zone", zones.UTC)
    if not zones.is_known(named):
        tenant.fault("zone", f"{named[:64]!r} is not a time zone", did_you_mean(named, zones.names()))
    there = zone(root)
    declared: dict[str, Declared] = {}
    for name in table.data:
        if not NAME.fullmatch(name):
            table.fault(name, f"{name!r} is not a fact's name", "small letters, digits and _, starting with a letter")
            continue
        found = _fact(name, table, catalogue, there)
        if found is not None:
            kind, origin = found
            line, column = table.place(name)
            declared[name] = Declared(param=Param(name=name, kind=kind), origin=origin, line=line, column=column)
    memories = {item.origin.counter for item in declared.values() if isinstance(item.origin, Reading)}
    if len(memories) > MOST_COUNTERS:
        table.fault(None, f"{len(memories)} counters are too many", f"at most {MOST_COUNTERS}: each is memory of every tenant")
    return declared


def counters(declared: Mapping[str, Declared]) -> list[Counter]:
    """What has to be counted for these facts, each once."""
    return list(dict.fromkeys(item.origin.counter for item in declared.values() if isinstance(item.origin, Reading)))


def _fact(name: str, table: Table, catalogue: Mapping[str, Action], zone: str) -> tuple[Kind, Origin] | None:
    value = table.data[name]
    if isinstance(value, str):
        return _plain(name, value, table)
    if not isinstance(value, dict):
        table.fault(name, f"{name} says neither a type nor where it comes from", 'as in { count = "redeemed", window = "1d" }')
        return None
    inner = table.table(name)
    forms = [form for form in _FORMS if form in value]
    if len(forms) != 1:
        near = [did_you_mean(key, _FORMS) for key in value if key not in _REST]
        hint = next((hint for hint in near if hint.startswith("did")), f"one of: {', '.join(_FORMS)}")
        if forms:
            table.fault(name, f"the fact {name} comes from {' and '.join(forms)} at once", "keep one of them")
        else:
            table.fault(name, f"the fact {name} does not say where it comes from", hint)
        return None
    return _READERS[forms[0]](inner, catalogue, zone)


def _plain(name: str, kind: str, table: Table) -> tuple[Kind, Origin] | None:
    if name == FOUNDING and kind == "boolean":
        return "boolean", Founding()
    if name == FOUNDING:
        table.fault(name, f"{kind!r} is not the type of {FOUNDING}", 'founding = "boolean"')
    else:
        near = did_you_mean(name, (FOUNDING,))
        hint = near if near.startswith("did") else 'say where it comes from, as in { count = "redeemed", window = "1d" }'
        table.fault(name, f"nothing gives a fact {name!r} of the type {kind!r}", hint)
    return None


def _counted(table: Table, catalogue: Mapping[str, Action], _zone: str) -> tuple[Kind, Origin] | None:
    reading = counted(table, catalogue)
    return None if reading is None else ("integer", reading)


def _breaker(table: Table, _catalogue: Mapping[str, Action], _zone: str) -> tuple[Kind, Origin] | None:
    table.only(("breaker",))
    scope = one_of(table, "breaker", BREAKERS, "a breaker's scope")
    return None if scope is None else ("string", BreakerState(cast(Literal["agent", "action", "tenant"], scope)))


def _local(table: Table, _catalogue: Mapping[str, Action], zone: str) -> tuple[Kind, Origin] | None:
    table.only(("local",))
    part = one_of(table, "local", PARTS, "a part of the time")
    if part is None:
        return None
    return ("string" if part == "weekday" else "integer"), Local(cast(Part, part), zone)


def _lineage(table: Table, catalogue: Mapping[str, Action], _zone: str) -> tuple[Kind, Origin] | None:
    table.only(("lineage", "ended", "same"))
    actions = actions_of(table, "lineage", catalogue) or frozenset()
    ended = table.texts("ended")
    for word in ended:
        if word not in ENDS:
            table.fault("ended", f"no case ends {word!r}", did_you_mean(word, ENDS))
    if not ended:
        table.fault(None, f"{table.path[-1]} does not say how the case above must have ended", 'as in ended = ["verified"]')
    same = dimensions_of(table, "same", actions, catalogue)
    return "boolean", Lineage(actions=actions, ended=frozenset(ended), same=tuple(sorted(same)))


def _before(table: Table, _catalogue: Mapping[str, Action], _zone: str) -> tuple[Kind, Origin] | None:
    table.only(("before",))
    return None if one_of(table, "before", ("redeemed",), "what can be looked up") is None else ("boolean", Before())


_READERS: dict[str, Callable[[Table, Mapping[str, Action], str], tuple[Kind, Origin] | None]] = {
    **dict.fromkeys(MEASURES, _counted),
    "breaker": _breaker,
    "local": _local,
    "lineage": _lineage,
    "before": _before,
}


def misread(declared: Mapping[str, Declared], action: Action, names: Collection[str], file: str, found: list[Finding]) -> None:
    """Facts that policies of ``action`` read and that cannot be told for it: it lacks a dimension that they are counted by."""
    for item in (declared[name] for name in names if name in declared):
        origin = item.origin
        dimensions = origin.counter.by if isinstance(origin, Reading) else origin.same if isinstance(origin, Lineage) else ()
        for dimension in dimensions:
            if dimension.startswith("params.") and (wrong := unfit(dimension, action)) is not None:
                message, hint = wrong
                found.append(
                    Finding(
                        file,
                        item.line,
                        item.column,
                        f"policies of {action.name} read {item.param.name}, told by {dimension}; {message}",
                        hint,
                    )
                )
