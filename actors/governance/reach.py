"""What a bundle holds in vain: a policy that can never match, and an action that no policy can permit.  Both are faults.

Cedar's type checker finds a condition impossible for an action without a word: it just does not look at what stands behind it.
So every policy is checked with one more clause, which asks for an attribute that is not there (see ``policies.reached``): the
actions for which Cedar complains of it are those for which the policy may match by its types.  Whether it may by its values says
``possible``.  What neither rules out counts as possible, so that nothing is reported which could ever match.

A ``forbid`` without conditions takes nothing from an action's reach, since whoever stops something in a hurry writes just that;
and an action that such a one names needs no permit: its author says that it never happens, and why.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

import cedarpy
from cedarpy import pst

from .catalogue import Action
from .cedar_text import Statement, place, statements
from .finding import Finding
from .params import Param
from .policies import Policy, reached
from .possible import PHASES, Phase, domains, holding
from .toml_table import Table

EXACT = 32  # policies in vain whose condition is looked for: each takes a few more checks, and a hostile bundle holds thousands
_PRINCIPAL = 'a principal is an Agent, in Roles: principal == Agent::"ada", principal in Role::"support"'
_RESOURCE = 'a resource is a Resource, in nothing but itself: resource == Resource::"repo/vienna"'
_OPENING, _CLOSING = ("(", "[", "{"), (")", "]", "}")
_PERMIT = "write a permit for it, leave the action out, or forbid it by name without conditions to say that it never happens"
_CLAUSE = "look for what is never declared, two things that are never equal, a true or false that is written out"
_VALUES = "phase is propose or execute, nobody has approved what is proposed, and bundle.toml has the parameters' choices and bounds"


def check(
    written: Iterable[Policy],
    texts: Mapping[str, str],
    table: Table,
    catalogue: Mapping[str, Action],
    schema: cedarpy.Schema,
    findings: list[Finding],
) -> None:
    """For a bundle without any other fault; ``table`` is that of its actions, ``schema`` is Cedar's for all of them."""
    params = {name: {param.name: param for param in action.params} for name, action in catalogue.items()}
    permitted: dict[Phase, set[str]] = {phase: set() for phase in PHASES}
    permits: list[Policy] = []
    forbids: list[Policy] = []
    exact = EXACT
    for policy in written:
        matching, clause = _matching(policy, params)
        if not any(matching.values()):
            findings.append(_never(policy, texts[policy.file], schema if exact > 0 else None, clause))
            exact -= 1
        (forbids if policy.terms is None else permits).append(policy)
        if policy.terms is not None:
            for phase, names in matching.items():
                permitted[phase] |= names
    unreached = [name for name in catalogue if any(name not in names for names in permitted.values())]
    never = frozenset().union(*map(_forbidden_by_name, forbids)) if unreached else frozenset()
    for name in unreached:
        if name not in never:
            applying = ", ".join([policy.id for policy in permits if name in policy.actions][:8])
            missing = [words for phase, words in PHASES.items() if name not in permitted[phase]]
            when = missing[0] if len(missing) < len(PHASES) else "there"
            why = f"what would permit it never matches {when}: {applying}" if applying else "none applies to it"
            table.fault(name, f"no policy can ever permit {name}: {why}", _PERMIT)


def _matching(policy: Policy, params: Mapping[str, Mapping[str, Param]]) -> tuple[dict[Phase, frozenset[str]], int | None]:
    """The actions for which it can match in each phase, by types and by values; and the clause at which values leave nothing.

    Actions whose parameters are alike, as far as the policy reads them, are looked at once.
    """
    (written,) = cedarpy.policies_to_pst(policy.text).static_policies.values()
    read = sorted({path[2] for path in policy.reads if path[:2] == ("context", "params") and len(path) > 2})
    alike: dict[tuple[Param | None, ...], list[str]] = {}
    for name in policy.reached:
        alike.setdefault(tuple(params[name].get(one) for one in read), []).append(name)
    found: dict[Phase, set[str]] = {phase: set() for phase in PHASES}
    clause = None
    for known, names in alike.items():
        for phase in PHASES:
            left = holding(written, domains(phase, [param for param in known if param is not None]))
            if isinstance(left, int):
                clause = max(left, clause or 0)
            else:
                found[phase].update(names)
    return {phase: frozenset(names) for phase, names in found.items()}, clause


def _forbidden_by_name(policy: Policy) -> frozenset[str]:
    """The actions it names and forbids whoever asks for whatever."""
    (written,) = cedarpy.policies_to_pst(policy.text).static_policies.values()
    anybody, anything = (isinstance(scope, (pst.ScopeAny, pst.ScopeIs)) for scope in (written.principal, written.resource))
    named = not isinstance(written.action, pst.ScopeAny)
    return policy.reached if named and anybody and anything and not written.clauses else frozenset()


def _never(policy: Policy, text: str, schema: cedarpy.Schema | None, clause: int | None) -> Finding:
    """At the first part of it with which nothing is left: the clause, where values leave nothing, else what types leave nothing of.

    Without a schema its conditions are not looked at one by one.
    """
    statement = next(one for one in statements(text) if one.text == policy.text and place(text, one.start)[0] == policy.line)
    (written,) = cedarpy.policies_to_pst(policy.text).static_policies.values()
    at, where = 0, next(iter(policy.actions)) if len(policy.actions) == 1 else "any action"
    if (wrong := _head(written)) is not None:
        variable, hint = wrong
        at, why = next(at for at, word in statement.tokens if word == variable), f"no {variable} is that"
    elif policy.reached and clause is not None:
        at = _clauses(statement)[clause]
        why, hint = f"this contradicts itself, what stands before it, or what {where} can be asked with", _VALUES
    elif schema is None:
        why, hint = f"nothing is left of {where}", _CLAUSE
    else:
        cuts = [*_cuts(statement), (0, statement.text)]
        first = bisect_left(cuts, True, key=lambda cut: not reached(cut[1], schema))
        at, why, hint = cuts[first][0], f"from here on nothing is left of {where}", _CLAUSE
    return Finding(policy.file, *place(text, statement.start + at), f"{policy.id} can never match: {why}", hint)


def _head(written: pst.Template) -> tuple[str, str] | None:
    """The variable that its constraint asks to be what it never is."""
    for variable, constraint, types, groups, hint in (
        ("principal", written.principal, ("Agent",), ("Agent", "Role"), _PRINCIPAL),
        ("resource", written.resource, ("Resource",), ("Resource",), _RESOURCE),
    ):
        match constraint:
            case pst.ScopeEq(entity=pst.EntityUid(type=kind)) if str(kind) not in types:
                return variable, hint
            case pst.ScopeIn(entity=pst.EntityUid(type=kind)) if str(kind) not in groups:
                return variable, hint
            case pst.ScopeIs(entity_type=kind) if str(kind) not in types:
                return variable, hint
            case pst.ScopeIsIn(entity_type=kind, entity=pst.EntityUid(type=group)) if str(kind) not in types or str(group) not in groups:
                return variable, hint
    return None


def _clauses(statement: Statement) -> list[int]:
    """Where each ``when`` and ``unless`` stands."""
    depth, found = 0, []
    for at, word in statement.tokens:
        if depth == 0 and word in ("when", "unless"):
            found.append(at)
        depth += (word in _OPENING) - (word in _CLOSING)
    return found


def _cuts(statement: Statement) -> Iterator[tuple[int, str]]:
    """The statement up to each of its conditions, with the condition's place: its clauses, and in a ``when`` what ``&&`` joins."""
    depth, first = 0, 0
    for number, (_, word) in enumerate(statement.tokens):
        if depth == 0 and word in ("when", "unless"):
            first = number
        depth += (word in _OPENING) - (word in _CLOSING)
        if depth == 0 and word == "}":
            yield from _clause(statement, first, number)


def _clause(statement: Statement, first: int, last: int) -> Iterator[tuple[int, str]]:
    """``first`` is the number of its word, ``last`` that of its closing bracket."""
    inner = statement.tokens[first + 2 : last]
    depth, joints, joined = 0, [0], statement.tokens[first][1] == "when"
    for number, (_, word) in enumerate(inner):
        depth += (word in _OPENING) - (word in _CLOSING)
        if depth == 0 and word == "&&":
            joints.append(number + 1)
        joined &= depth > 0 or word not in ("||", "if")
    for begin, end in zip(joints, [*(joint - 1 for joint in joints[1:]), len(inner)], strict=True) if joined else ():
        at, word = inner[end - 1]
        yield inner[begin][0], statement.text[: at + len(word)] + " }"
    yield statement.tokens[first][0], statement.text[: statement.tokens[last][0] + 1]
