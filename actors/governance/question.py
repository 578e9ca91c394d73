"""What policy is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import attrs

from .canonical import Value
from .obligations import Obligations


@attrs.frozen
class Unavailable:
    """Stands for a fact that cannot be known now; a policy that reads it denies."""

    why: str  # a sentence for people, without its first word's capital and its point


Fact: TypeAlias = bool | int | str | Unavailable


@attrs.frozen(kw_only=True)
class Question:
    """``propose`` asks for a verdict and its obligations; ``execute`` asks again at redemption, with the approvals there are."""

    phase: Literal["propose", "execute"]
    agent: str
    roles: frozenset[str]
    owner: str
    action: str
    resource: str
    params: Mapping[str, Value]
    cost: int = 0  # micro-units
    approvals: int = 0  # distinct persons
    facts: Mapping[str, Fact] = attrs.field(factory=dict)


@attrs.frozen
class Permitted:
    obligations: Obligations
    policies: tuple[str, ...]  # the determining ones, sorted


@attrs.frozen
class Forbidden:
    policies: tuple[str, ...]  # empty where nothing permits, or where Cedar was not asked
    why: str  # a sentence for people
    errors: tuple[str, ...] = ()  # what went wrong in policies; any of these alone forbids


Answer: TypeAlias = Permitted | Forbidden
