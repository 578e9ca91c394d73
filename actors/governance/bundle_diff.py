"""What another bundle would change, in terms of policy: actions, policies, facts, settings and budgets, each by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import attrs

from . import facets
from .bundle import Bundle
from .facets import Facets
from .obligations import Terms
from .policies import Policy

T = TypeVar("T")


@attrs.frozen
class Change:
    """``before`` and ``after`` are None where nothing is said of it."""

    what: str
    before: str | None
    after: str | None


@attrs.frozen
class Item:
    """One thing with everything that is said of it where it is new or gone, else with what changed."""

    name: str
    changes: tuple[Change, ...]


@attrs.frozen
class Section:
    added: tuple[Item, ...]
    removed: tuple[Item, ...]
    changed: tuple[Item, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


@attrs.frozen(kw_only=True)
class Difference:
    """False where there is none."""

    actions: Section
    policies: Section
    facts: Section
    settings: tuple[Change, ...]
    budgets: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.actions or self.policies or self.facts or self.settings or self.budgets)


def difference(before: Bundle, after: Bundle) -> Difference:
    """What both say alike is left out, whatever their files, comments, notes and tests are."""
    return Difference(
        actions=_section(before.catalogue, after.catalogue, facets.action),
        policies=_section(_by_id(before), _by_id(after), facets.policy, _alike),
        facts=_section(before.declared, after.declared, facets.fact),
        settings=_changed(facets.settings(before), facets.settings(after)),
        budgets=_changed(facets.budgets(before.budgets), facets.budgets(after.budgets)),
    )


def _by_id(bundle: Bundle) -> dict[str, Policy]:
    return {policy.id: policy for policy in bundle.policies}


def _nothing(_before: object, _after: object) -> frozenset[str]:
    return frozenset()


def _section(
    before: Mapping[str, T], after: Mapping[str, T], told: Callable[[T], Facets], alike: Callable[[T, T], frozenset[str]] = _nothing
) -> Section:
    """``alike`` names the facets that mean the same although their texts differ."""
    added = tuple(Item(name, _changed({}, told(one))) for name, one in after.items() if name not in before)
    removed = tuple(Item(name, _changed(told(one), {})) for name, one in before.items() if name not in after)
    changed = []
    for name, one in before.items():
        if name in after:
            left_out = alike(one, after[name])
            changes = tuple(change for change in _changed(told(one), told(after[name])) if change.what not in left_out)
            if changes:
                changed.append(Item(name, changes))
    return Section(added, removed, tuple(changed))


def _changed(before: Facets, after: Facets) -> tuple[Change, ...]:
    names = dict.fromkeys((*before, *after))
    return tuple(Change(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name))


def _alike(before: Policy, after: Policy) -> frozenset[str]:
    """``"1m"`` is ``"60s"``, and a bracket more is no other rule."""
    one, other = facets.parsed(before), facets.parsed(after)
    found = set()
    if before.terms is not None and after.terms is not None:
        found = {f"@{name}" for name in attrs.fields_dict(Terms) if getattr(before.terms, name) == getattr(after.terms, name)}
    if (one.principal, one.action, one.resource, one.clauses) == (other.principal, other.action, other.resource, other.clauses):
        found.add("rule")
    return frozenset(found)
