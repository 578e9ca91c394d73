"""The actions a tenant knows: their parameters, what they cost, who executes them and how their outcome is observed.

[actions."git.push"]
description = "push a branch to the shared remote"
effect = "write"                       # or "read"
reversible = "by:git.revert"           # or "yes", "no": whether, and by which action, what it did can be undone
on_failure = "the remote keeps its branch as it was"    # for the people who approve
executor = "workshop"                  # where the policy names none
witnessed = true                       # redeemed only when a quorum of witnesses has cosigned the warrant's entry
cost = "0.10"                          # or { param = "amount" }: the worst case of one use
[actions."git.push".params]
branch = "string"                      # or { type = "decimal", places = 2, min = "0.01", required = false }
[actions."git.push".observe]           # what a verifier looks at: see observations.py
kind = "git_ref"
ref = "refs/heads/{params.branch}"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, cast

import attrs

from . import observations
from .canonical import MAX_INTEGER, Value
from .finding import Malformed, did_you_mean
from .ids import Cost
from .obligations import executor_name
from .observations import Observation
from .params import KINDS, NAME, Kind, Param, scale, typed
from .settings import PASSBACK
from .toml_table import Table
from .units import MICRO_PLACES

REVERSIBLE = ("yes", "no")
UNDONE_BY = "by:"
_ACTION = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+", re.ASCII)  # a dotted verb


@attrs.frozen
class Fixed:
    cost: Cost


@attrs.frozen
class FromParam:
    param: str
    factor: int  # micro-units in one unit of the scaled parameter


@attrs.frozen(kw_only=True)
class Action:
    name: str
    params: tuple[Param, ...]
    effect: Literal["read", "write"] = "write"
    cost: Fixed | FromParam | None = None
    executor: str = ""
    checks: tuple[Observation, ...] = ()  # what a verifier looks at afterwards
    probe: Observation | None = None  # what it looks at when nobody knows the outcome
    reversible: str = ""  # yes | no | by:ACTION; empty: nobody has said
    on_failure: str = ""
    witnessed: bool = False  # redeemed only when a quorum of witnesses has cosigned what led to it
    description: str = ""

    def worst_cost(self, params: Mapping[str, Value]) -> Cost | None:
        """What one use can cost by the action's own model; None without a model or where the parameters do not fit."""
        match self.cost:
            case None:
                return None
            case Fixed(cost):
                return cost
            case FromParam(param, factor):
                record = typed(self.params, params)
                if isinstance(record, str) or param not in record:
                    return None
                return Cost(max(0, cast(int, record[param])) * factor)


def read(root: Table) -> dict[str, Action]:
    """The catalogue of a ``bundle.toml``; what is wrong becomes findings."""
    actions = root.table("actions")
    catalogue = {}
    for name in actions.data:
        if not _ACTION.fullmatch(name):
            actions.fault(name, f"{name!r} is not the name of an action", 'a dotted verb in quotes, as in [actions."git.push"]')
            continue
        catalogue[name] = _action(name, actions.table(name))
    for name, action in catalogue.items():
        undone_by = action.reversible.removeprefix(UNDONE_BY)
        if action.reversible.startswith(UNDONE_BY) and (undone_by not in catalogue or undone_by == name):
            others = [other for other in catalogue if other != name]
            actions.table(name).fault("reversible", f"no other action is called {undone_by!r}", did_you_mean(undone_by, others))
    return catalogue


def _action(name: str, table: Table) -> Action:
    table.only(
        ("description", "effect", "reversible", "on_failure", "executor", "witnessed", "cost", "params", "observe", "checks", "probe")
    )
    effect = table.text("effect", "write")
    if effect not in ("read", "write"):
        table.fault("effect", f"{effect!r} is not an effect", did_you_mean(effect, ("read", "write")))
    reversible = table.text("reversible")
    if reversible and not reversible.startswith(UNDONE_BY) and reversible not in REVERSIBLE:
        hint = did_you_mean(reversible, REVERSIBLE) if reversible else ""
        table.fault("reversible", f"{reversible!r} does not say whether it can be undone", hint or 'as in "yes", "no" or "by:git.revert"')
    executor = table.text("executor")
    if executor == PASSBACK:
        table.fault("executor", "passing a warrant back to the agent is for a policy to say", 'use @executor("agent") on a T0 permit')
    elif executor and isinstance(bad := executor_name(executor), Malformed):
        table.fault("executor", bad.message, bad.hint)
    declared = table.table("params")
    params = tuple(_param(key, declared) for key in declared.data)
    return Action(
        name=name,
        params=params,
        effect="read" if effect == "read" else "write",
        cost=_cost(table, params),
        executor=executor,
        reversible=reversible,
        on_failure=table.text("on_failure"),
        checks=observations.read(table, params),
        probe=observations.probe(table, params),
        witnessed=table.flag("witnessed", False),
        description=table.text("description"),
    )


def _param(name: str, declared: Table) -> Param:
    if not NAME.fullmatch(name):
        declared.fault(name, f"{name!r} is not a parameter's name", "small letters, digits and _, starting with a letter")
    if isinstance(declared.data[name], str):
        return Param(name=name, kind=_kind(declared, name, declared.data[name]))
    table = declared.table(name)
    kind = _kind(table, "type", table.text("type"))
    numeric, textual = kind in ("integer", "decimal"), kind in ("string", "list", "set")
    table.only(
        (
            "type",
            "required",
            *(("min", "max") if numeric else ()),
            *(("places",) if kind == "decimal" else ()),
            *(("choices",) if textual else ()),
        )
    )
    places = table.integer("places", 2, 0, MICRO_PLACES) if kind == "decimal" else 0
    return Param(
        name=name,
        kind=kind,
        required=table.flag("required", True),
        places=places,
        lowest=_bound(table, "min", kind, places) if numeric else None,
        highest=_bound(table, "max", kind, places) if numeric else None,
        choices=frozenset(table.texts("choices")) if textual else frozenset(),
    )


def _kind(table: Table, key: str, word: str) -> Kind:
    if word in KINDS:
        return word
    table.fault(key, f"{word!r} is not a type", did_you_mean(word, KINDS))
    return "string"


def _bound(table: Table, key: str, kind: Kind, places: int) -> int | None:
    if key not in table.data:
        return None
    if kind == "integer":
        return table.integer(key, 0, -MAX_INTEGER, MAX_INTEGER)
    text = table.text(key)
    value = scale(text if "." in text else f"{text}.0", places)
    if isinstance(value, Malformed):
        table.fault(key, f"{key} {value.message}", 'write it in quotes, as in "0.01"')
        return None
    return value


def _cost(table: Table, params: tuple[Param, ...]) -> Fixed | FromParam | None:
    model = table.data.get("cost")
    if not isinstance(model, dict):
        cost = table.amount("cost")
        return None if cost is None else Fixed(cost)
    inner = table.table("cost")
    inner.only(("param",))
    name = inner.text("param")
    found = next((param for param in params if param.name == name and param.kind in ("integer", "decimal")), None)
    if found is None:
        numbers = [param.name for param in params if param.kind in ("integer", "decimal")]
        inner.fault("param", f"{name!r} is not a number among the parameters", did_you_mean(name, numbers))
        return None
    if not found.required:
        inner.fault("param", f"the cost rests on {name}, which may be absent", f"make {name} required")
    return FromParam(name, 10 ** (MICRO_PLACES - found.places))
