"""How one bundle's verdict on an intent differs from another's."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import attrs

from . import events as e

Kind: TypeAlias = Literal["allowed", "denied", "tier", "quorum", "terms", "error"]
KINDS: tuple[Kind, ...] = get_args(Kind)
DENY = "deny"

# What each kind means, for people who read a list of them.
MEANING: dict[Kind, str] = {
    "allowed": "denied before, permitted now",
    "denied": "permitted before, denied now",
    "tier": "permitted at another tier",
    "quorum": "the same tier, other approvers",
    "terms": "the same approvers, another executor, life, number of uses, cap or observation",
    "error": "denied both times, now because a policy fails",
}


@attrs.frozen
class Flip:
    """``before`` and ``after`` are a tier or ``deny``."""

    kind: Kind
    before: str
    after: str


def label(verdict: e.CaseDecided) -> str:
    return verdict.tier if verdict.permitted else DENY


def between(before: e.CaseDecided, after: e.CaseDecided, *, failed: bool = False) -> Flip | None:
    """None where both come to the same; ``failed``: a policy could not be evaluated for ``after``."""
    kind: Kind | None = None
    if before.permitted != after.permitted:
        kind = "allowed" if after.permitted else "denied"
    elif not before.permitted:
        kind = "error" if failed else None
    elif before.tier != after.tier:
        kind = "tier"
    elif (before.quorum, before.persons) != (after.quorum, after.persons):
        kind = "quorum"
    elif _terms(before) != _terms(after):
        kind = "terms"
    return None if kind is None else Flip(kind, label(before), label(after))


def _terms(verdict: e.CaseDecided) -> tuple[object, ...]:
    return verdict.executor, verdict.ttl, verdict.uses, verdict.cost_cap, dict(verdict.verify)
