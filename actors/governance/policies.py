"""Reads ``*.cedar``: every policy has an id of its own, known annotations and a place; the rest are findings.

A ``permit`` carries its terms as annotations (see ``obligations``); a ``forbid`` has only ``@id`` and ``@reason("sentence")``.
Templates are refused: nothing here links them, so one would be a rule that silently never applies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs
import cedarpy
from cedarpy import pst

from . import obligations
from .catalogue import Action
from .cedar_text import UNFINISHED, Statement, excess, fault_at, place, statements
from .constraints.typed import misfit
from .finding import Finding, did_you_mean
from .obligations import MOST_REASON, Fault, Terms
from .reads import Path, reads

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)  # it is on the ledger and in every answer: short and plain
_KEYWORDS = ("permit", "forbid", "when", "unless", "principal", "action", "resource", "context", "has", "like", "in", "is", "true", "false")
_NO_PLACE = "unable to find an applicable action"  # said of heads that nothing fits, which reach.py tells more plainly
_PROBE = "vienna_reached"  # an attribute of no context, unlike all that there are
_PROBED = re.compile(rf'attribute `{_PROBE}` in context for Action::"([^"]*)" not found')


@attrs.frozen(kw_only=True)
class Policy:
    """``actions`` are those its scope admits; ``terms`` is None for a forbid; ``reads`` is what its answer can depend on.

    ``reached`` are those of its actions for which it can match at all, as far as types tell.
    """

    id: str
    text: str
    file: str
    line: int
    actions: frozenset[str]
    terms: Terms | None
    reason: str
    reads: frozenset[Path]
    reached: frozenset[str]


def read(file: str, text: str, catalogue: Mapping[str, Action], schema: cedarpy.Schema | None, findings: list[Finding]) -> list[Policy]:
    """The policies of one file; ``schema`` is None where the catalogue has faults of its own, and types are not checked then."""
    policies = (_policy(file, text, statement, catalogue, schema, findings) for statement in statements(text))
    return [policy for policy in policies if policy is not None]


@attrs.frozen
class _Reporter:
    """Places findings by their offset within one statement."""

    file: str
    text: str
    start: int
    findings: list[Finding]

    def fault(self, offset: int, message: str, hint: str = "") -> None:
        self.findings.append(Finding(self.file, *place(self.text, self.start + offset), message, hint))


def _policy(
    file: str, text: str, statement: Statement, catalogue: Mapping[str, Action], schema: cedarpy.Schema | None, findings: list[Finding]
) -> Policy | None:
    before = len(findings)
    report = _Reporter(file, text, statement.start, findings)
    if too_much := excess(statement.text):
        report.fault(0, too_much, "split it into several policies")
        return None
    try:
        parsed = cedarpy.policies_to_pst(statement.text)
    except ValueError as error:
        _syntax(statement, str(error), report)
        return None
    written = next(iter(parsed.static_policies.values()), None)
    if written is None:
        slots = bool(parsed.templates)
        report.fault(
            0, "templates are not used here" if slots else "this is not a policy", "name the principal or resource" if slots else ""
        )
        return None
    name = written.annotations.get("id", "")
    if not _ID.fullmatch(name):
        message = f"{name!r} is not an id" if name else "a policy needs an id"
        report.fault(statement.annotation("id"), message, 'as in @id("push-by-reviewers"): letters, digits, . _ -')
    actions = _actions(written.action, statement, catalogue, report)
    terms, faults = _terms(written, actions, catalogue)
    for fault in faults:
        report.fault(statement.annotation(fault.annotation), fault.message, fault.hint)
    possible = actions
    if len(findings) == before and schema is not None:
        possible, mistakes = _validated(statement.text, schema)
        for said in mistakes:
            report.fault(_named_in(statement, said) if "`" in said else 0, said.replace("`policy0`", f"`{name}`"))
    if len(findings) > before:
        return None
    line, _ = place(text, statement.start)
    reason = written.annotations.get("reason", "")
    return Policy(
        id=name,
        text=statement.text,
        file=file,
        line=line,
        actions=actions,
        terms=terms,
        reason=reason,
        reads=reads(written),
        reached=possible & actions,
    )


def reached(head: str, schema: cedarpy.Schema) -> frozenset[str]:
    """The actions for which these clauses, the first ones of a policy, can all hold, as far as their types tell."""
    return _validated(f"{head};", schema)[0]


def _validated(text: str, schema: cedarpy.Schema) -> tuple[frozenset[str], list[str]]:
    """The actions for which the policy can match, and what Cedar has against it otherwise, in its words.

    Its type checker goes no further where a condition is false by its types, and does not say so.  So one clause more asks for
    an attribute that no context has: the actions for which that is complained of are those where everything before it can hold.
    """
    possible, mistakes = set(), []
    for mistake in cedarpy.validate_policies(f"{text.rstrip().removesuffix(';')} when {{ context.{_PROBE} }};", schema).errors:
        if probed := _PROBED.search(mistake.error):
            possible.add(probed[1])
        elif _NO_PLACE not in mistake.error:
            mistakes.append(mistake.error.removeprefix("for policy `policy0`, "))
    return frozenset(possible), mistakes


def _terms(written: pst.Template, actions: frozenset[str], catalogue: Mapping[str, Action]) -> tuple[Terms | None, list[Fault]]:
    faults = []
    if len(written.annotations.get("reason", "")) > MOST_REASON:
        faults.append(Fault("reason", "@reason is too long", f"at most {MOST_REASON} characters"))
    if written.effect == "forbid":
        for name in written.annotations.keys() - {"id", "reason"}:
            faults.append(Fault(name, f"a forbid cannot carry @{name}", "it has only @id and @reason"))
        return None, faults
    terms, wrong = obligations.terms(written.annotations)
    faults += wrong
    if terms is None:
        return None, faults
    for action in (catalogue[name] for name in sorted(actions)):
        if terms.executor is None and not action.executor:
            faults.append(Fault("", f"nobody executes {action.name}", "add @executor to the policy, or executor to the action"))
        if terms.tier == "T0" and action.reversible == "no":
            what = f"{action.name} cannot be undone, and T0 would grant it at once"
            faults.append(Fault("tier", what, "somebody has to look at it first: T1 or T2"))
        faults.extend(_misfits(terms, action))
        if terms.verify not in (None, "receipt") and not action.checks:
            faults.append(
                Fault("verify", f"the catalogue does not say how {action.name} is observed", f'add [actions."{action.name}".observe]')
            )
    return terms, faults


def _misfits(terms: Terms, action: Action) -> list[Fault]:
    """Constraints on what the action does not have, or of another type than the catalogue declares."""
    faults = []
    params = {param.name: param for param in action.params}
    for name, constraint in terms.constrain.items():
        if name not in params:
            faults.append(Fault("constrain", f"{action.name} has no parameter {name!r}", did_you_mean(name, params)))
        elif (wrong := misfit(constraint, params[name])) is not None:
            faults.append(Fault("constrain", f"@constrain: the parameter {name} of {action.name} {wrong}"))
    return faults


def _actions(scope: pst.ActionConstraint, statement: Statement, catalogue: Mapping[str, Action], report: _Reporter) -> frozenset[str]:
    if isinstance(scope, pst.ScopeAny):
        return frozenset(catalogue)
    named = (scope.entity,) if isinstance(scope, pst.ActionEq) else scope.entities
    for entity in named:
        if str(entity.type) != "Action" or entity.id not in catalogue:
            at = next((at for at, token in statement.tokens if token == f'"{entity.id}"'), 0)
            report.fault(at, f"unknown action {entity}", did_you_mean(entity.id, catalogue))
    return frozenset(entity.id for entity in named if entity.id in catalogue)


def _syntax(statement: Statement, message: str, report: _Reporter) -> None:
    if UNFINISHED in message or message.startswith(("unexpected token", "invalid token")):
        at, token = fault_at(statement, _error_of)
        near = did_you_mean(token, _KEYWORDS) if token.isidentifier() and token not in _KEYWORDS else ""
        hint = near if near.startswith("did") else "" if token else "is a semicolon or a bracket missing?"
        report.fault(at, f"syntax error: {message}", hint)
        return
    at = _named_in(statement, message)
    token = next((token for start, token in statement.tokens if start == at), "")
    near = did_you_mean(token, _KEYWORDS) if token not in _KEYWORDS else ""
    report.fault(at, message, near if near.startswith("did") else "")


def _named_in(statement: Statement, message: str) -> int:
    """Where a word stands that the message names, in backticks or after its colon; the statement's start where none does."""
    quoted = message.split("`")[1::2] or [message.rpartition(": ")[2]]
    named = [word for name in quoted for word in reversed(re.findall(r"\w+", name))]  # of `params.remote` the last is at fault
    return next((at for word in named for at, token in statement.tokens if token == word), 0)


def _error_of(text: str) -> str | None:
    try:
        cedarpy.PolicySet.from_str(text)
    except ValueError as error:
        return str(error)
    return None
