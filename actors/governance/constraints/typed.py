"""Whether a constraint can hold for a parameter as the catalogue declares it."""

from __future__ import annotations

from ..params import Param
from . import All, Constraint, Exact, OneOf, Range


def misfit(constraint: Constraint, param: Param) -> str | None:
    """The rest of a sentence that begins with the parameter's name, or None."""
    match constraint:
        case All():
            return next((wrong for atom in constraint.atoms if (wrong := misfit(atom, param)) is not None), None)
        case Exact():
            return _wrong_value(constraint.value, param)
        case OneOf():
            return next((wrong for choice in constraint.choices if (wrong := _wrong_value(choice, param)) is not None), None)
        case Range(places=places):
            if param.kind not in ("integer", "decimal"):
                return f"is of type {param.kind}, and a range is for numbers"
            if param.kind == "integer" and places is not None:
                return "is a whole number, and this range has digits after a point"
            if param.kind == "decimal" and places != param.places:
                return f"is a decimal of {param.places} places: write the bounds with {param.places} digits after the point"
        case _:
            if param.kind != "string":
                return f"is of type {param.kind}, and this constraint is for texts"
    return None


def _wrong_value(value: object, param: Param) -> str | None:
    try:
        param.plain(value)  # type: ignore[arg-type]  # what it does not take it refuses
    except ValueError as fact:
        return str(fact)
    return None
