"""What Cedar is shown of a question: what the policies asked can read, and nothing else.

An answer is remembered under exactly what was shown to get it, so it cannot rest on anything that its key lacks.  Should a
policy read what is not shown, it meets a missing attribute; that is an error, and an error forbids.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import attrs

from .params import Param, Plain
from .question import Question
from .reads import Path

Scalar: TypeAlias = str | int | bool | tuple[str, ...] | None
Who: TypeAlias = tuple[str | None, frozenset[str], str | None, str | None, str | None]  # agent, roles, owner, resource, its kind
What: TypeAlias = tuple[str | None, int | None, int | None, tuple[Scalar, ...], tuple[Scalar, ...]]  # phase, approvals, cost, params, facts

_encode = json.JSONEncoder(separators=(",", ":")).encode


@attrs.frozen(kw_only=True)
class View:
    """For one action.  What is not shown is None in ``who`` and ``what``."""

    agent: bool
    owner: bool
    roles: frozenset[str] | None  # those that policies ask for; None: all
    resource: bool
    kind: bool
    phase: bool
    approvals: bool
    cost: bool
    params: tuple[str, ...] | None  # None: not even the record that holds them
    facts: tuple[str, ...] | None

    def who(self, question: Question) -> Who:
        return (
            question.agent if self.agent else None,
            question.roles if self.roles is None else question.roles & self.roles,
            question.owner if self.owner else None,
            question.resource if self.resource else None,
            question.resource.partition("/")[0] if self.kind else None,
        )

    def what(self, question: Question, params: Mapping[str, Plain], facts: Mapping[str, Plain]) -> What:
        """A place holds values of one declared type only, so that True cannot be taken for 1."""
        return (
            question.phase if self.phase else None,
            question.approvals if self.approvals else None,
            question.cost if self.cost else None,
            _picked(self.params, params) if self.params else (),
            _picked(self.facts, facts) if self.facts else (),
        )

    def context(self, what: What) -> str:
        """Cedar's context, as JSON."""
        phase, approvals, cost, params, facts = what
        context: dict[str, object] = {}
        if phase is not None:
            context["phase"] = phase
        if approvals is not None:
            context["approvals"] = approvals
        if cost is not None:
            context["cost"] = cost
        if self.params is not None:
            context["params"] = {name: value for name, value in zip(self.params, params, strict=True) if value is not None}
        if self.facts is not None:
            context["facts"] = {name: value for name, value in zip(self.facts, facts, strict=True) if value is not None}
        return _encode(context)


def view(paths: Iterable[Path], params: Iterable[Param], facts: Iterable[Param]) -> View:
    """What has to be shown so that all ``paths`` can be read; ``params`` and ``facts`` are those declared for the action."""
    wanted = set(paths)
    principal, resource, context = (("principal",) in wanted, ("resource",) in wanted, ("context",) in wanted)
    return View(
        agent=principal,
        owner=principal or ("principal", "owner") in wanted,
        roles=None if principal else frozenset(path[2] for path in wanted if path[:2] == ("principal", "in")),
        resource=resource or ("resource", "id") in wanted,
        kind=resource or ("resource", "kind") in wanted,
        phase=context or ("context", "phase") in wanted,
        approvals=context or ("context", "approvals") in wanted,
        cost=context or ("context", "cost") in wanted,
        params=_named("params", wanted, params),
        facts=_named("facts", wanted, facts),
    )


def _named(record: str, wanted: set[Path], declared: Iterable[Param]) -> tuple[str, ...] | None:
    if not any(path == ("context",) or path[:2] == ("context", record) for path in wanted):
        return None
    whole = ("context",) in wanted or ("context", record) in wanted
    return tuple(param.name for param in declared if whole or ("context", record, param.name) in wanted)


def _picked(names: tuple[str, ...], record: Mapping[str, Plain]) -> tuple[Scalar, ...]:
    return tuple([tuple(value) if type(value := record.get(name)) is list else value for name in names])  # type: ignore[misc]  # no list is left
