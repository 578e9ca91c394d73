"""Which parts of a question a policy can read at all, found in its syntax tree and never underestimated.

A part is a path: ``("context", "params", "amount")``, ``("principal", "in", "support")``, ``("resource", "kind")``; a shorter
one means all that lies under it.  What is recognised is a chain of attributes from ``principal``, ``resource`` or ``context``
(or a ``has`` on one), and ``principal in`` roles that are written out.  Everything else that touches one of them reads the
whole of it, and a kind of expression that this file does not know reads everything.

A literal agent or resource reads the whole one of the question, since its attributes are there only if it is the one asked
about.  Actions and roles are constants to a policy: nothing of the question is stored with them.
"""

from __future__ import annotations

from typing import TypeAlias

from cedarpy import pst

Path: TypeAlias = tuple[str, ...]

EVERYTHING: frozenset[Path] = frozenset({("principal",), ("resource",), ("context",)})
_ATTRIBUTES = {"principal": ("owner",), "resource": ("id", "kind"), "context": ("phase", "approvals", "cost", "params", "facts")}
_RECORDS = ("params", "facts")  # of the context: their own attributes are told apart


def reads(policy: pst.Template) -> frozenset[Path]:
    """Everything that the policy's answer can depend on, but for the action."""
    found: set[Path] = set()
    _principal_scope(policy.principal, found)
    if not isinstance(policy.resource, (pst.ScopeAny, pst.ScopeIs)):  # a resource is always of the one type there is
        found.add(("resource",))
    for clause in policy.clauses:
        _walk(clause.expr, found)
    return frozenset(found)


def _principal_scope(scope: pst.PrincipalOrResourceConstraint, found: set[Path]) -> None:
    match scope:
        case pst.ScopeAny() | pst.ScopeIs():  # an agent is always of the one type there is
            return
        case pst.ScopeIn(entity=pst.EntityUid() as entity) | pst.ScopeIsIn(entity=pst.EntityUid() as entity) if _is_role(entity):
            found.add(("principal", "in", entity.id))
        case _:
            found.add(("principal",))


def _walk(expr: pst.Expr, found: set[Path]) -> None:
    match expr:
        case pst.BoolLit() | pst.LongLit() | pst.StringLit() | pst.Var(name="action"):
            return
        case pst.Var(name=name):
            found.add((name,))
        case pst.EntityLit(value=entity):
            found.update(_literal(entity))
        case pst.GetAttr(base=base) | pst.HasAttr(base=base):
            path = _chain(expr)
            if path is None:
                _walk(base, found)
            else:
                found.add(_shortened(path))
        case pst.BinaryOp(op="in", left=pst.Var(name="principal"), right=right) if (roles := _roles(right)) is not None:
            found.update(("principal", "in", role) for role in roles)
        case pst.BinaryOp(left=left, right=right):
            _walk(left, found)
            _walk(right, found)
        case pst.Is(base=pst.Var(), in_expr=None):
            return  # each variable is always of the one type there is
        case pst.Is(base=base, in_expr=within):
            _walk(base, found)
            if within is not None:
                _walk(within, found)
        case pst.UnaryOp(arg=base) | pst.Like(base=base):
            _walk(base, found)
        case pst.IfThenElse(cond=cond, then_expr=then, else_expr=otherwise):
            for part in (cond, then, otherwise):
                _walk(part, found)
        case pst.Set(elements=elements):
            for part in elements:
                _walk(part, found)
        case pst.Record(fields=fields):
            for part in fields.values():
                _walk(part, found)
        case _:  # a slot, or what a later Cedar adds
            found.update(EVERYTHING)


def _chain(expr: pst.Expr) -> Path | None:
    """The variable and the attributes taken from it, or None where the chain starts at something else."""
    match expr:
        case pst.Var(name=name):
            return (name,)
        case pst.GetAttr(base=base, attr=attr):
            start = _chain(base)
            return None if start is None else (*start, attr)
        case pst.HasAttr(base=base, attrs=attrs):
            start = _chain(base)
            return None if start is None else (*start, *attrs)
        case _:
            return None


def _shortened(path: Path) -> Path:
    """The longest part that is told apart: ``context.params.a.b`` is ``context.params.a``, an unknown attribute the whole."""
    root, first = path[0], path[1]
    if first not in _ATTRIBUTES.get(root, ()):
        return (root,)
    return path[:3] if root == "context" and first in _RECORDS else path[:2]


def _roles(expr: pst.Expr) -> list[str] | None:
    """The roles, where the expression is one that is written out, or a set of such."""
    elements = expr.elements if isinstance(expr, pst.Set) else (expr,)
    roles = [element.value.id for element in elements if isinstance(element, pst.EntityLit) and _is_role(element.value)]
    return roles if len(roles) == len(elements) else None


def _literal(entity: pst.EntityUid) -> frozenset[Path]:
    match str(entity.type):
        case "Role" | "Action":
            return frozenset()
        case "Agent":
            return frozenset({("principal",)})
        case "Resource":
            return frozenset({("resource",)})
        case _:
            return EVERYTHING


def _is_role(entity: pst.EntityUid) -> bool:
    return str(entity.type) == "Role"
