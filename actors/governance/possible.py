"""Whether a policy's conditions can all hold as far as values tell: what the catalogue allows, and what they say of each other.

Cedar's type checker knows no values: ``context.phase == "exceute"``, a currency that is not among the choices, an amount above 5
and below 3 are as good as any to it.  Here each attribute has a domain that conditions narrow, and a policy is impossible where one
is left empty.  What this file does not know narrows nothing, and no domain is smaller than what can be asked.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import attrs
from cedarpy import pst

from .params import Param
from .reads import Path

Phase: TypeAlias = Literal["propose", "execute"]
Value: TypeAlias = bool | int | str | pst.EntityUid

# each with the words for when that is
PHASES: Mapping[Phase, str] = {"propose": "when it is proposed, before anybody has approved it", "execute": "when its warrant is used"}

_ORDER: dict[str, Callable[[int, int], bool]] = {
    "less": operator.lt, "less_eq": operator.le, "greater": operator.gt, "greater_eq": operator.ge,
}  # fmt: skip
# (comparison, whether it holds): whether it bounds from above, and how far from the number that stands there
_BOUNDS = {
    ("less", True): (True, -1), ("less", False): (False, 0), ("less_eq", True): (True, 0), ("less_eq", False): (False, 1),
    ("greater", True): (False, 1), ("greater", False): (True, 0), ("greater_eq", True): (False, 0), ("greater_eq", False): (True, -1),
}  # fmt: skip
_TURNED = {"less": "greater", "less_eq": "greater_eq", "greater": "less", "greater_eq": "less_eq", "eq": "eq", "not_eq": "not_eq"}


@attrs.frozen
class Domain:
    """``values``: all there are, or None where they are not listed; then the bounds are those of a number."""

    values: frozenset[Value] | None = None
    lowest: int | None = None
    highest: int | None = None

    def kept(self, holds: Callable[[Value], bool]) -> Domain | None:
        """What is left of listed values; None where nothing is."""
        if self.values is None:
            return self
        left = frozenset(value for value in self.values if holds(value))
        return Domain(left) if left else None

    def equal(self, value: Value, want: bool) -> Domain | None:
        if self.values is not None or not want:
            return self.kept(lambda one: (one == value) is want)
        return Domain(frozenset({value})) if self._within(value) else None

    def among(self, values: Iterable[Value], want: bool) -> Domain | None:
        """Whether it is one of these."""
        listed = frozenset(values)
        if self.values is not None or not want:
            return self.kept(lambda one: (one in listed) is want)
        return Domain(listed).kept(self._within)

    def compared(self, how: str, number: int, want: bool) -> Domain | None:
        if self.values is not None:
            return self.kept(lambda one: not isinstance(one, int) or _ORDER[how](one, number) is want)
        above, further = _BOUNDS[how, want]
        low, high, bound = self.lowest, self.highest, number + further
        if above:
            high = bound if high is None else min(high, bound)
        else:
            low = bound if low is None else max(low, bound)
        return None if low is not None and high is not None and low > high else Domain(None, low, high)

    def _within(self, value: Value) -> bool:
        if isinstance(value, bool) or not isinstance(value, int):
            return True
        return (self.lowest is None or self.lowest <= value) and (self.highest is None or value <= self.highest)


Known: TypeAlias = Mapping[Path, Domain]
_ANY = Domain()
_EITHER = Domain(frozenset({True, False}))


def domains(phase: Phase, params: Iterable[Param]) -> dict[Path, Domain]:
    """What can be asked in that phase about an action with these parameters.  Nobody has approved what is being proposed."""
    known: dict[Path, Domain] = {
        ("context", "phase"): Domain(frozenset({phase})),
        ("context", "approvals"): Domain(frozenset({0})) if phase == "propose" else Domain(None, 0),
        ("context", "cost"): Domain(None, 0),
    }
    for param in params:
        if param.kind == "string" and param.choices:
            known["context", "params", param.name] = Domain(frozenset(param.choices))
        elif param.kind in ("integer", "decimal"):
            known["context", "params", param.name] = Domain(None, param.lowest, param.highest)
    return known


def holding(policy: pst.Template, known: Known) -> Known | int:
    """What is left where the policy matches, or the number of the clause with which nothing is."""
    for variable, scope in (("principal", policy.principal), ("resource", policy.resource)):
        if isinstance(scope, pst.ScopeEq) and isinstance(scope.entity, pst.EntityUid):
            known = {**known, (variable,): Domain(frozenset({scope.entity}))}
    for number, clause in enumerate(policy.clauses):
        left = _hold(clause.expr, isinstance(clause, pst.When), known)
        if left is None:
            return number
        known = left
    return known


def _hold(expr: pst.Expr, want: bool, known: Known) -> Known | None:
    """What is left where the expression is ``want``; None where it never is."""
    match expr:
        case pst.BoolLit():
            return known if expr.value is want else None
        case pst.UnaryOp(op="not", arg=arg):
            return _hold(arg, not want, known)
        case pst.BinaryOp(op="and" | "or" as op, left=left, right=right):
            if (op == "and") is want:
                first = _hold(left, want, known)
                return None if first is None else _hold(right, want, first)
            return _either(_hold(left, want, known), _hold(right, want, known), known)
        case pst.IfThenElse(then_expr=then, else_expr=otherwise):  # its condition is left to Cedar: looking twice adds up
            return _either(_hold(then, want, known), _hold(otherwise, want, known), known)
        case pst.GetAttr() if (path := _path(expr)) is not None:
            return _narrowed(known, path, _EITHER, lambda domain: domain.equal(True, want))
        case pst.BinaryOp(op="contains", left=pst.Set(elements=elements), right=right) if (path := _path(right)) is not None:
            listed = [value for element in elements if (value := _value(element)) is not None]
            return _narrowed(known, path, _ANY, lambda domain: domain.among(listed, want)) if len(listed) == len(elements) else known
        case pst.Like(base=base, pattern=pattern) if (path := _path(base)) is not None:
            pieces = _pieces(pattern)
            return _narrowed(known, path, _ANY, lambda domain: domain.kept(lambda one: _like(str(one), pieces) is want))
        case pst.BinaryOp(op=op, left=left, right=right) if op in _TURNED:
            return _compared(op, left, right, want, known)
        case _:
            return known


def _compared(op: str, left: pst.Expr, right: pst.Expr, want: bool, known: Known) -> Known | None:
    path, value = _path(left), _value(right)
    if path is None or value is None:
        path, value, op = _path(right), _value(left), _TURNED[op]
    if path is None or value is None:
        return known
    there = value
    if op in ("eq", "not_eq"):
        start = _EITHER if isinstance(there, bool) else _ANY
        return _narrowed(known, path, start, lambda domain: domain.equal(there, (op == "eq") is want))
    return _narrowed(known, path, _ANY, lambda domain: domain.compared(op, there, want)) if isinstance(there, int) else known


def _narrowed(known: Known, path: Path, start: Domain, narrow: Callable[[Domain], Domain | None]) -> Known | None:
    left = narrow(known.get(path, start))
    return None if left is None else {**known, path: left}


def _either(one: Known | None, other: Known | None, known: Known) -> Known | None:
    """One of two ways is taken, and nobody knows which: what was known before is known afterwards."""
    if one is None:
        return other
    return one if other is None else known


def _pieces(pattern: Iterable[pst.PatternElem]) -> list[str]:
    """The texts before, between and behind the wildcards of a ``like``."""
    pieces: list[list[str]] = [[]]
    for part in pattern:
        if isinstance(part, pst.Wildcard):
            pieces.append([])
        else:
            pieces[-1].append(part.value)
    return ["".join(piece) for piece in pieces]


def _like(text: str, pieces: Sequence[str]) -> bool:
    """Whether it fits, piece by piece at the first place there is: a regular expression of ten wildcards holds the whole node for years."""
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return text == first
    at, end = len(first), len(text) - len(last)
    if at > end or not text.startswith(first) or not text.endswith(last):
        return False
    for piece in pieces[1:-1]:
        if (found := text.find(piece, at, end)) < 0:
            return False
        at = found + len(piece)
    return True


def _path(expr: pst.Expr) -> Path | None:
    """The variable and the attributes taken from it: one value, however often it stands in a policy."""
    match expr:
        case pst.Var(name=name):
            return (name,)
        case pst.GetAttr(base=base, attr=attr):
            start = _path(base)
            return None if start is None else (*start, attr)
        case _:
            return None


def _value(expr: pst.Expr) -> Value | None:
    match expr:
        case pst.BoolLit() | pst.LongLit() | pst.StringLit() | pst.EntityLit():
            found: Value = expr.value
            return found
        case _:
            return None
