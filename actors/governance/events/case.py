"""What happens to one case, from intent to verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import attrs

from ..ids import CaseId, Cost, EffectId, Instant, MemberId, Micros, Person, RunId, WarrantId


@attrs.frozen
class IntentProposed:
    TAG: ClassVar[str] = "intent.proposed/1"
    case: CaseId
    agent: MemberId
    intent: bytes  # canonical bytes, see intent.py
    key: str
    parent: CaseId | None
    founding: bool
    excluded: tuple[Person, ...]  # who may fill no seat: the requester, its owner, and theirs along the chain of parents


@attrs.frozen
class CaseDecided:
    TAG: ClassVar[str] = "case.decided/1"
    case: CaseId
    permitted: bool
    policies: tuple[str, ...]
    bundle: bytes
    why: str
    tier: str = ""
    quorum: str = ""
    ttl: Micros = Micros(0)
    uses: int = 0
    executor: str = ""
    persons: int = 0  # distinct persons that must approve at least
    verify: Mapping[str, object] = attrs.field(factory=dict)  # what a verifier will look at, see looking.py
    cost_cap: Cost | None = None
    state_digest: bytes | None = None  # the target's state it was decided on
    facts: Mapping[str, object] = attrs.field(factory=dict)  # what policy was shown beside the wish, see facts.py
    constraints: Mapping[str, object] = attrs.field(factory=dict)  # by parameter what it may be beside the value proposed
    review: Mapping[str, object] = attrs.field(factory=dict)  # how people have to look at it, see review.py


@attrs.frozen
class ApprovalRequested:
    TAG: ClassVar[str] = "approval.requested/1"
    case: CaseId
    card: bytes  # the card's canonical bytes: what every approver signs over by its digest
    expires_at: Instant


@attrs.frozen
class ApprovalOpened:
    """Its card was shown to somebody who may vote: the first time, from where the time for reading counts."""

    TAG: ClassVar[str] = "approval.opened/1"
    case: CaseId
    approver: MemberId
    person: Person
    card: bytes  # the card's digest


@attrs.frozen
class CaseEscalated:
    """Nobody completed the quorum in time, and policy names others: the card foresaw it, so what was approved stays approved."""

    TAG: ClassVar[str] = "case.escalated/1"
    case: CaseId
    stage: int  # from 1
    quorum: str
    persons: int
    expires_at: Instant


@attrs.frozen
class ApprovalGiven:
    TAG: ClassVar[str] = "approval.given/1"
    case: CaseId
    approver: MemberId
    person: Person
    statement: bytes
    signature: bytes
    seats: tuple[MemberId, ...] = ()  # whose seats this approver held beside the own one


@attrs.frozen
class ApprovalDenied:
    TAG: ClassVar[str] = "approval.denied/1"
    case: CaseId
    approver: MemberId
    person: Person
    reason: str
    statement: bytes
    signature: bytes


@attrs.frozen
class CaseExpired:
    TAG: ClassVar[str] = "case.expired/1"
    case: CaseId
    why: str


@attrs.frozen
class CaseCancelled:
    TAG: ClassVar[str] = "case.cancelled/1"
    case: CaseId
    by: str
    why: str


@attrs.frozen
class ChangeApplied:
    """A governed change of a sealed tenant has its quorum; the change itself stands before this, in the same batch."""

    TAG: ClassVar[str] = "change.applied/1"
    case: CaseId
    change: str
    closes: bool


@attrs.frozen
class WarrantIssued:
    TAG: ClassVar[str] = "warrant.issued/1"
    case: CaseId
    warrant: WarrantId
    fields: bytes  # canonical bytes, see warrant.py
    signature: bytes  # Ed25519 by the tenant's issuer key
    mac: bytes  # HMAC-SHA256 over fields ‖ signature


@attrs.frozen
class WarrantRevoked:
    TAG: ClassVar[str] = "warrant.revoked/1"
    case: CaseId
    warrant: WarrantId
    why: str
    closes: bool  # whether this is the last entry of the case, here and wherever the field stands


@attrs.frozen
class WarrantExpired:
    TAG: ClassVar[str] = "warrant.expired/1"
    case: CaseId
    warrant: WarrantId
    closes: bool


@attrs.frozen
class TargetStale:
    """The target had changed since the decision: nothing was burnt, the warrant is worthless, the case is decided again."""

    TAG: ClassVar[str] = "warrant.stale/1"
    case: CaseId
    warrant: WarrantId
    state_digest: bytes  # what the target's state is now
    attempt: int
    facts: Mapping[str, object] = attrs.field(factory=dict)  # as in RunOpened: what policy was shown when the execution was asked for
    older_facts: Mapping[str, object] = attrs.field(factory=dict)
    params: Mapping[str, object] | None = None  # likewise
    chain: bytes | None = None
    redeemer: MemberId | None = None  # where the warrant had been handed on


@attrs.frozen
class RunOpened:
    TAG: ClassVar[str] = "run.opened/1"
    case: CaseId
    warrant: WarrantId
    run: RunId
    redeemer: MemberId
    effect: EffectId
    args_digest: bytes
    state_digest: bytes | None
    policies: tuple[str, ...]  # which permitted the execution, asked again at redemption
    report_by: Instant
    facts: Mapping[str, object] = attrs.field(factory=dict)  # what the bundle in force was shown, taken anew
    older_facts: Mapping[str, object] = attrs.field(factory=dict)  # what the warrant's own bundle was shown, where another is in force
    params: Mapping[str, object] | None = None  # of this use, where they are not the ones proposed
    chain: bytes | None = None  # the links by which the redeemer holds the warrant, see links.py
    holders: tuple[MemberId, ...] = ()  # along it
    use: int = 1  # which use was asked for: the first is the one proposed


@attrs.frozen
class RunReported:
    TAG: ClassVar[str] = "run.reported/1"
    case: CaseId
    run: RunId
    outcome: str  # succeeded | failed | unknown
    cost: Cost
    receipt: bytes
    signature: bytes
    verify_by: Instant  # when an observation that policy asks for is overdue


@attrs.frozen
class RunUnknown:
    TAG: ClassVar[str] = "run.unknown/1"
    case: CaseId
    run: RunId
    effect: EffectId
    why: str


@attrs.frozen
class RunVerified:
    TAG: ClassVar[str] = "run.verified/1"
    case: CaseId
    run: RunId
    verdict: str  # verified | consistent | mismatched | inconclusive
    basis: str  # receipt | observed | attested k/n
    checks: tuple[tuple[str, str, str, bool], ...]  # name, expected, observed, agrees
    verifier: MemberId | None  # where one look is enough; of several each stands in a run.attested/1 of its own
    statement: bytes | None  # the attestation, likewise
    signature: bytes | None
    closes: bool
