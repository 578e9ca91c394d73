"""What approvers grant less than policy does: a shorter life, fewer uses, a lower cap, parameters within closer bounds.

Parameters are narrowed only where policy lets them vary; all others are exact as they stand on the card.  Each bound has to be
certainly within policy's own, and takes what was proposed: who wants something else denies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from . import constraints
from .approval import Statement
from .canonical import NotCanonical, Value
from .ids import Cost, MemberId, Micros, Person
from .state import Case, Given

TERMS = ("ttl", "uses", "cost_cap")


def problem(narrowing: Mapping[str, Value], case: Case) -> str | None:
    """None if every narrowing is one that exists and narrows this case, else the sentence."""
    for name, value in narrowing.items():
        if name == "params":
            if (wrong := _params_problem(value, case)) is not None:
                return wrong
        elif name not in TERMS:
            return f"{name} cannot be narrowed; ttl, uses, cost_cap and params can"
        elif type(value) is not int or value < (0 if name == "cost_cap" else 1):
            return f"the narrowing of {name} is not a positive whole number"
    return None


def _params_problem(forms: Value, case: Case) -> str | None:
    try:
        bounds, policy = constraints.read(forms), constraints.read(case.constraints)
    except NotCanonical as error:
        return f"the narrowing of params is malformed: {error}"
    if not bounds:
        return "the narrowing of params names none"
    for name, bound in bounds.items():
        if name not in policy:
            return f"the parameter {name[:64]} is exactly what the card says, and cannot be narrowed"
        if not constraints.narrower(bound, policy[name]):
            return f"{bound.words()} is not certainly within what policy allows for {name}: {policy[name].words()}"
    if (wrong := constraints.violation(bounds, case.wish.params)) is not None:
        return f"what was proposed does not fit the narrowing: {wrong}; deny it, if it is not to be done"
    return None


def given(approver: MemberId, person: Person, statement: Statement, seats: tuple[MemberId, ...]) -> Given:
    """An approval as it counts."""
    narrowing = statement.narrowing
    ttl, uses, cap = (narrowing.get(name) for name in TERMS)
    return Given(
        approver=approver,
        person=person,
        ttl=Micros(ttl) if isinstance(ttl, int) else None,
        uses=uses if isinstance(uses, int) else None,
        cost_cap=Cost(cap) if isinstance(cap, int) else None,
        seats=seats,
        bounds=cast("Mapping[str, object]", narrowing.get("params", {})),
    )


def bounds(policy: Mapping[str, object], approvals: tuple[Given, ...]) -> dict[str, Value]:
    """What the warrant's parameters may be, in their forms: within policy's bounds and every approver's.

    Raises ``NotCanonical`` where so many have narrowed one parameter that nobody could read the result.
    """
    if not any(one.bounds for one in approvals):
        return cast("dict[str, Value]", dict(policy))
    left = constraints.read(policy)
    for one in approvals:
        for name, bound in constraints.read(one.bounds).items():
            both = constraints.intersect(left[name], bound)
            assert both is not None, "both take what was proposed"
            left[name] = both
    return constraints.form(left)
