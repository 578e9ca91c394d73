"""What verifiers see, and how an outcome that nobody knew is settled."""

from __future__ import annotations

from typing import ClassVar

import attrs

from ..ids import CaseId, Cost, EffectId, MemberId, Person, RunId

Rows = tuple[tuple[str, str, str, bool], ...]  # name, expected, observed, agrees


@attrs.frozen
class RunAttested:
    """What one of several verifiers saw; the verdict follows when enough of them have looked."""

    TAG: ClassVar[str] = "run.attested/1"
    case: CaseId
    run: RunId
    verifier: MemberId
    person: Person
    verdict: str  # verified | mismatched | inconclusive
    checks: Rows
    statement: bytes
    signature: bytes


@attrs.frozen
class RunReportedLate:
    """A receipt of a run whose outcome is unknown already: evidence, which settles nothing by itself."""

    TAG: ClassVar[str] = "run.reported_late/1"
    case: CaseId
    run: RunId
    outcome: str
    cost: Cost
    receipt: bytes
    signature: bytes


@attrs.frozen
class EffectProbed:
    """A verifier looked whether the effect of a run of unknown outcome is there."""

    TAG: ClassVar[str] = "effect.probed/1"
    case: CaseId
    run: RunId
    verifier: MemberId
    person: Person
    found: str  # happened | did_not_happen | cannot_tell
    checks: Rows
    statement: bytes
    signature: bytes


@attrs.frozen
class EffectVouched:
    """The first of two persons that it takes says whether the effect happened."""

    TAG: ClassVar[str] = "effect.vouched/1"
    case: CaseId
    run: RunId
    happened: bool
    by: MemberId
    person: Person
    reason: str


@attrs.frozen
class EffectSettled:
    TAG: ClassVar[str] = "effect.settled/1"
    case: CaseId
    run: RunId
    effect: EffectId
    happened: bool
    by: str  # who said it last
    basis: str  # person | observed | attested k/n
    reason: str
    closes: bool
