"""What a parameter may be: by type, parsed as its target would parse it, and compared soundly.

    exact      this value                          prefix     a text by its beginning
    one_of     one of these values                 matching   a whole text by a regular expression (RE2, linear in its length)
    range      a number between bounds             under      a path below a root
    url        scheme, host, port, path            domain     e-mail addresses of a domain
    all        several of these at once

Every kind takes one spelling of one thing and refuses the others, also where a target would take them: so what was approved,
what is executed and what is blocked while its outcome is unknown are the same.  A value of another type is a violation.

``narrower`` may say no where yes would be true, and never the other way: a link of a chain it cannot prove is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

import attrs

from .. import canonical
from ..canonical import NotCanonical, Value
from .emails import Domain
from .numbers import Range
from .paths import Under
from .pattern import Matching, Prefix
from .urls import Url
from .values import Exact, OneOf, shown

Atom: TypeAlias = Exact | OneOf | Range | Prefix | Matching | Under | Url | Domain

MOST_ATOMS = 16  # constraints on one parameter at once: narrowed so often, it is not understood by anybody


@attrs.frozen(eq=False)
class All:
    """Each of these holds; at least two, kept in the order of their bytes."""

    atoms: tuple[Atom, ...]

    def __attrs_post_init__(self) -> None:
        ordered = sorted(self.atoms, key=_packed)
        if not 2 <= len(set(map(_packed, ordered))) == len(ordered) <= MOST_ATOMS:
            raise NotCanonical(f"all takes 2 to {MOST_ATOMS} different constraints")
        object.__setattr__(self, "atoms", tuple(ordered))

    def __hash__(self) -> int:
        return hash(tuple(map(_packed, self.atoms)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, All) and self.form() == other.form()

    def problem(self, value: Value) -> str | None:
        return next((wrong for atom in self.atoms if (wrong := atom.problem(value)) is not None), None)

    def form(self) -> Value:
        return {"all": [atom.form() for atom in self.atoms]}

    def words(self) -> str:
        return " and ".join(atom.words() for atom in self.atoms)


Constraint: TypeAlias = Atom | All


def check(constraint: Constraint, value: Value) -> str | None:
    """None where the value is allowed, else the rest of a sentence that begins with the parameter's name."""
    return constraint.problem(value)


def violation(constraints: Mapping[str, Constraint], params: Mapping[str, Value]) -> str | None:
    """None where every constrained parameter is there and allowed, else the sentence.  Says nothing of parameters beside them."""
    for name, constraint in constraints.items():
        if name not in params:
            return f"the parameter {name} is missing"
        if (wrong := constraint.problem(params[name])) is not None:
            return f"the parameter {name} {wrong}"
    return None


def narrower(one: Constraint, other: Constraint) -> bool:
    """Whether whatever ``one`` allows is certainly allowed by ``other``.  Equal ones are."""
    if isinstance(other, All):
        return all(narrower(one, atom) for atom in other.atoms)
    if isinstance(one, All):
        return any(narrower(atom, other) for atom in one.atoms)
    if one == other:
        return True
    match one, other:
        case Exact(), _:
            return other.problem(one.value) is None
        case OneOf(), _:
            return all(other.problem(choice) is None for choice in one.choices)
        case Prefix(), Prefix():
            return one.prefix.startswith(other.prefix)
        case Under(), Prefix():
            return one.start.startswith(other.prefix)
        case (Range(), Range()) | (Under(), Under()) | (Url(), Url()) | (Domain(), Domain()):
            return bool(cast(Any, other).holds(one))
        case _:
            return False


def intersect(one: Constraint, other: Constraint) -> Constraint | None:
    """What both allow; None where that is certainly nothing.  Raises ``NotCanonical`` beyond ``MOST_ATOMS``."""
    if narrower(one, other):
        return one
    if narrower(other, one):
        return other
    for few, many in ((one, other), (other, one)):
        if isinstance(few, (Exact, OneOf)):
            left = tuple(choice for choice in _choices(few) if many.problem(choice) is None)
            return OneOf(left) if left else None
    if isinstance(one, Range) and isinstance(other, Range):
        return one.common(other)
    found: list[Atom] = []
    for atom in (*_atoms(one), *_atoms(other)):
        if not any(narrower(known, atom) for known in found):
            found = [*(known for known in found if not narrower(atom, known)), atom]
    return found[0] if len(found) == 1 else All(tuple(found))


def _choices(constraint: Exact | OneOf) -> tuple[Value, ...]:
    return (constraint.value,) if isinstance(constraint, Exact) else constraint.choices


def _atoms(constraint: Constraint) -> tuple[Atom, ...]:
    return constraint.atoms if isinstance(constraint, All) else (constraint,)


def _packed(atom: Atom) -> bytes:
    return canonical.pack(atom.form())


def form(constraints: Mapping[str, Constraint]) -> dict[str, Value]:
    """As they stand in signed bytes: each a map with one key, its kind."""
    return {name: constraint.form() for name, constraint in constraints.items()}


def read(forms: object) -> dict[str, Constraint]:
    """The constraints from their forms; raises ``NotCanonical`` for anything that is not exactly one."""
    if not isinstance(forms, Mapping):
        raise NotCanonical("constraints are a map from parameters")
    return {name: read_one(value) for name, value in forms.items()}


def read_one(value: object) -> Constraint:
    """One constraint from its form; what is not known, has other fields or another order is refused."""
    if not isinstance(value, Mapping) or len(value) != 1:
        raise NotCanonical("a constraint is a map with one key, its kind")
    ((kind, argument),) = value.items()
    if kind == "all":
        made: Constraint = All(tuple(_atom(item) for item in _listed(argument)))
    else:
        made = _atom(value)
    if canonical.pack(made.form()) != canonical.pack(value):
        raise NotCanonical(f"the constraint {kind[:16]!a} is not in its one form")
    return made


def _atom(value: object) -> Atom:
    if not isinstance(value, Mapping) or len(value) != 1:
        raise NotCanonical("a constraint is a map with one key, its kind")
    ((kind, argument),) = value.items()
    reader = _READERS.get(kind)
    if reader is None:
        raise NotCanonical(f"no constraint is of the kind {str(kind)[:16]!a}")
    try:
        return reader(argument)
    except TypeError:
        raise NotCanonical(f"the constraint {kind} has other fields") from None


def _listed(argument: object) -> tuple[Value, ...]:
    if not isinstance(argument, (list, tuple)):
        raise NotCanonical("several constraints or values are a list")
    return tuple(argument)


def _fields(argument: object) -> dict[str, Any]:
    if not isinstance(argument, Mapping):
        raise NotCanonical("this constraint's argument is a map")
    return dict(argument)


_READERS: Mapping[str, Callable[[Any], Atom]] = {
    "exact": Exact,
    "one_of": lambda argument: OneOf(_listed(argument)),
    "range": lambda argument: Range(**_fields(argument)),
    "prefix": Prefix,
    "matching": Matching,
    "under": Under,
    "url": lambda argument: Url(**_fields(argument)),
    "domain": lambda argument: Domain(**_fields(argument)),
}

__all__ = [
    "All",
    "Atom",
    "Constraint",
    "Domain",
    "Exact",
    "Matching",
    "OneOf",
    "Prefix",
    "Range",
    "Under",
    "Url",
    "check",
    "form",
    "intersect",
    "narrower",
    "read",
    "read_one",
    "shown",
    "violation",
]
