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
[actions."git.push".observe]
kind = "git_ref"                       # or "file_digest", "exit_code"; the rest are arguments for the verifier
ref = "refs/heads/{params.branch}"     # {resource}, {resource.name} (after the first "/"), {params.<name>}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias, cast, get_args

import attrs

from .canonical import MAX_INTEGER, Value
from .finding import Malformed, did_you_mean
from .ids import Cost
from .obligations import executor_name
from .params import KINDS, NAME, Kind, Param, scale, typed
from .settings import PASSBACK
from .toml_table import Table
from .units import MICRO_PLACES

Observed: TypeAlias = Literal["file_digest", "exit_code", "git_ref"]
OBSERVED: tuple[Observed, ...] = get_args(Observed)

REVERSIBLE = ("yes", "no")
UNDONE_BY = "by:"
_ACTION = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+", re.ASCII)  # a dotted verb
_HOLE = re.compile(r"\{([^{}]*)\}")


@attrs.frozen
class Fixed:
    cost: Cost


@attrs.frozen
class FromParam:
    param: str
    factor: int  # micro-units in one unit of the scaled parameter


@attrs.frozen
class Observation:
    """What a verifier looks at itself; ``arguments`` are templates until filled."""

    kind: Observed
    arguments: Mapping[str, str]

    def filled(self, resource: str, params: Mapping[str, Value]) -> dict[str, str] | None:
        """The arguments for one case; None where a text they name is absent, so that nothing is looked at by mistake."""
        filled = {}
        for name, template in self.arguments.items():
            values = {hole: _text(hole, resource, params) for hole in _HOLE.findall(template)}
            if None in values.values():
                return None
            filled[name] = _HOLE.sub(lambda found: values[found[1]] or "", template)  # noqa: B023  # used before the next round
        return filled


@attrs.frozen(kw_only=True)
class Action:
    name: str
    params: tuple[Param, ...]
    effect: Literal["read", "write"] = "write"
    cost: Fixed | FromParam | None = None
    executor: str = ""
    observe: Observation | None = None
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
    table.only(("description", "effect", "reversible", "on_failure", "executor", "witnessed", "cost", "params", "observe"))
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
        observe=_observe(table, params),
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


def _observe(table: Table, params: tuple[Param, ...]) -> Observation | None:
    if "observe" not in table.data:
        return None
    inner = table.table("observe")
    kind = inner.text("kind")
    if kind not in OBSERVED:
        inner.fault("kind", f"{kind!r} is not a kind of observation", did_you_mean(kind, OBSERVED))
        return None
    known = {"resource", "resource.name", *(f"params.{param.name}" for param in params if param.kind == "string")}
    arguments = {}
    for name in inner.data:
        if name == "kind":
            continue
        if name == "dec":
            inner.fault(name, "no argument can be called dec: on the ledger a map with that key is a decimal", "give it another name")
            continue
        arguments[name] = inner.text(name)
        for hole in _HOLE.findall(arguments[name]):
            if hole not in known:
                inner.fault(name, f"nothing is called {{{hole}}} here", did_you_mean(hole, known))
    return Observation(kind, arguments)


def _text(hole: str, resource: str, params: Mapping[str, Value]) -> str | None:
    if hole == "resource":
        return resource
    if hole == "resource.name":
        return resource.partition("/")[2] or None
    value = params.get(hole.removeprefix("params."))
    return value if type(value) is str else None
