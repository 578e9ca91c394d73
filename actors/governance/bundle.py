"""A tenant's policy as code, loaded whole or not at all.

``load`` reads every file, gathers every fault, and gives a bundle only where there is none.  ``recall`` does the same for one that
is on the ledger already: what holds policies in vain is a fault of who proposes it, and no reason to lose a law that is in force.
A bundle is ready to judge: the policies that can concern an action are one prepared Cedar set, so that the others cost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import cedarpy

from . import budget_limits, cases, catalogue, cedar_schema, declared, expected_flips, policies, reach, settings, toml_table
from . import source as sources
from .catalogue import Action
from .cedar_text import excess, place, statements
from .declared import Declared
from .finding import Finding, Findings
from .ids import Digest
from .memo import Memo
from .obligations import Obligations
from .params import Param
from .parties import Parties
from .policies import Policy
from .question import Answer
from .settings import Settings
from .source import MANIFEST, SCHEMA, Source, digest
from .state import Limit
from .view import View, What, Who, view

__all__ = ["Bundle", "Findings", "Slice", "Source", "digest", "load", "recall"]

MEMORY = 2_048  # answers remembered in each bundle; with judge.py's limit on a key's length at most some 8 MiB
PARTIES = 1_024  # prepared (agent, resource) pairs that policies can tell apart


@attrs.frozen
class Slice:
    """The policies whose scope admits one action, and what they are shown; Cedar calls the n-th of them ``policy<n>``."""

    prepared: cedarpy.PolicySet
    policies: tuple[Policy, ...]
    view: View
    schema: cedarpy.Schema  # of what is shown
    facts: tuple[Param, ...]  # of those declared, the ones that are shown


@attrs.frozen(kw_only=True, eq=False)
class Bundle:
    """Immutable but for its memory of answers it has given, which changes none of them."""

    digest: Digest
    name: str
    description: str
    settings: Settings
    budgets: tuple[Limit, ...]
    catalogue: Mapping[str, Action]
    facts: tuple[Param, ...]
    zone: str  # the tenant's, by tzdata's names
    declared: Mapping[str, Declared]  # the facts by name, with how each is come by
    policies: tuple[Policy, ...]
    schema_text: str
    slices: Mapping[str, Slice]
    answers: Memo[tuple[str, Who, What], Answer] = attrs.field(factory=lambda: Memo(MEMORY), repr=False)
    parties: Memo[Who, Parties] = attrs.field(factory=lambda: Memo(PARTIES), repr=False)
    merged: Memo[tuple[str, tuple[str, ...]], Obligations | str] = attrs.field(factory=lambda: Memo(MEMORY), repr=False)


def load(source: Source) -> Bundle | Findings:
    """The bundle that somebody proposes, or everything that is wrong with it.  Never raises for what the files hold."""
    return _read(source, proposed=True)


def recall(source: Source) -> Bundle | Findings:
    """The bundle that was pushed once, read as it was read then: see ``reach`` for what is not asked again."""
    return _read(source, proposed=False)


def _read(source: Source, *, proposed: bool) -> Bundle | Findings:
    found: list[Finding] = []
    texts = sources.texts(source, found)
    if MANIFEST not in texts:
        if not found:
            found.append(Finding(MANIFEST, 1, 1, "the bundle has no bundle.toml", "it declares the actions that policies speak of"))
        return _findings(found)
    root = toml_table.read(MANIFEST, texts[MANIFEST], found)
    if root is None:
        return _findings(found)
    root.only(("bundle", "tenant", "facts", "actions", "budgets", *settings.SECTIONS))
    about = root.table("bundle")
    about.only(("name", "description"))
    name, description = about.text("name"), about.text("description")
    limits, actions = settings.read(root), catalogue.read(root)
    told = declared.read(root, actions)
    facts = tuple(item.param for item in told.values())
    schema_text = cedar_schema.generate(actions, facts)
    schema = None if found else cedarpy.Schema.from_str(schema_text)
    if schema is not None and SCHEMA in texts:
        _compare(texts[SCHEMA], str(schema), found)
    written: list[Policy] = []
    for path, text in texts.items():
        if path.endswith(".cedar"):
            written += policies.read(path, text, actions, schema, found)
        elif sources.is_test(path):
            cases.read(path, text, found)
            expected_flips.read(path, text, found)
    _distinct(written, found)
    spending = budget_limits.read(root)
    budget_limits.unpriced(root, spending, actions, written)
    if found or schema is None:
        return _findings(found)
    if proposed:
        reach.check(written, texts, root.table("actions"), actions, schema, found)
    slices = {name: _slice(action, facts, written) for name, action in actions.items()}
    for action, part in slices.items():
        declared.misread(told, actions[action], [fact.name for fact in part.facts], MANIFEST, found)
    if found:
        return _findings(found)
    reading = frozenset(name for name, action in actions.items() if action.effect == "read")
    return Bundle(
        digest=digest(source),
        name=name,
        description=description,
        settings=attrs.evolve(limits, breaker=attrs.evolve(limits.breaker, reading=reading)),
        budgets=spending,
        catalogue=actions,
        facts=facts,
        zone=declared.zone(root),
        declared=told,
        policies=tuple(written),
        schema_text=schema_text,
        slices=slices,
    )


def _slice(action: Action, facts: tuple[Param, ...], written: list[Policy]) -> Slice:
    chosen = tuple(policy for policy in written if action.name in policy.actions)
    shown = view((path for policy in chosen for path in policy.reads), action.params, facts)
    schema = cedarpy.Schema.from_str(cedar_schema.narrowed(action, facts, shown))
    told = tuple(fact for fact in facts if fact.name in (shown.facts or ()))
    return Slice(cedarpy.PolicySet.from_str("\n".join(policy.text for policy in chosen)), chosen, shown, schema, told)


def _distinct(written: list[Policy], found: list[Finding]) -> None:
    first: dict[str, Policy] = {}
    for policy in written:
        other = first.setdefault(policy.id, policy)
        if other is not policy:
            found.append(Finding(policy.file, policy.line, 1, f"the id {policy.id!r} is already taken", f"by {other.file}:{other.line}"))


def _compare(text: str, generated: str, found: list[Finding]) -> None:
    for statement in statements(text):
        if too_much := excess(statement.text):
            found.append(Finding(SCHEMA, *place(text, statement.start), too_much))
            return
    try:
        given = cedar_schema.canonical_form(text)
    except ValueError as error:
        found.append(Finding(SCHEMA, 1, 1, f"not a Cedar schema: {error}"))
        return
    if given == generated:
        return
    ours, theirs = generated.split("\n"), given.split("\n")
    differing = next((pair for pair in zip(ours, theirs, strict=False) if pair[0] != pair[1]), ("", ""))
    message = f"the schema does not say what the catalogue says: {differing[1].strip()!r} instead of {differing[0].strip()!r}"
    found.append(Finding(SCHEMA, 1, 1, message, "leave the file out, or write it anew from the catalogue"))


def _findings(found: list[Finding]) -> Findings:
    return Findings(tuple(sorted(set(found), key=lambda finding: (finding.file, finding.line, finding.column, finding.message))))
