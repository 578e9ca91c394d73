"""What has happened: every entry of a tenant's ledger, as a value.

An event's fields are its body, in this order, under the tag ``TAG``; who, when, the case and the case's own counter stand
in the entry's header.  Fields hold only what the ledger's encoding holds (text, bytes, integers, booleans, None, tuples,
maps), so that an auditor reads a body with any msgpack library.  A field is never removed and never changes its meaning: a
new meaning is a new tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, TypeAlias

import attrs

from .canonical import Value
from .ids import CaseId, Cost, EffectId, Instant, MemberId, Micros, Person, RunId, TenantId, WarrantId

# --- the tenant and its members ---------------------------------------------------------------------------------------


@attrs.frozen
class TenantFounded:
    TAG: ClassVar[str] = "tenant.founded/1"
    tenant: TenantId
    by: str


@attrs.frozen
class TenantSealed:
    TAG: ClassVar[str] = "tenant.sealed/1"
    persons: tuple[Person, ...]  # the two or more who can approve from now on


@attrs.frozen
class TenantSuspended:
    TAG: ClassVar[str] = "tenant.suspended/1"
    by: str
    reason: str


@attrs.frozen
class TenantResumed:
    TAG: ClassVar[str] = "tenant.resumed/1"
    by: str
    reason: str


@attrs.frozen
class MemberInvited:
    TAG: ClassVar[str] = "member.invited/1"
    member: MemberId
    kind: str
    person: Person
    roles: tuple[str, ...]
    owner: MemberId | None  # whose agent it is
    invitation: str
    token_hash: bytes
    expires_at: Instant


@attrs.frozen
class MemberEnrolled:
    TAG: ClassVar[str] = "member.enrolled/1"
    member: MemberId
    invitation: str
    public_key: bytes
    key_id: str
    key_hash: bytes
    proof: bytes  # signature over the enrolment, by the key itself


@attrs.frozen
class MemberConfirmed:
    TAG: ClassVar[str] = "member.confirmed/1"
    member: MemberId
    fingerprint: str
    by: str


@attrs.frozen
class MemberRevoked:
    TAG: ClassVar[str] = "member.revoked/1"
    member: MemberId
    reason: str


@attrs.frozen
class BundlePushed:
    TAG: ClassVar[str] = "bundle.pushed/1"
    bundle: bytes
    files: Mapping[str, bytes]


@attrs.frozen
class BundleActivated:
    TAG: ClassVar[str] = "bundle.activated/1"
    bundle: bytes
    previous: bytes | None


# --- one case ---------------------------------------------------------------------------------------------------------


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
    verify: Mapping[str, str] = attrs.field(factory=dict)  # the observation policy asks for: its kind and arguments
    cost_cap: Cost | None = None
    state_digest: bytes | None = None  # the target's state it was decided on


@attrs.frozen
class ApprovalRequested:
    TAG: ClassVar[str] = "approval.requested/1"
    case: CaseId
    card: bytes  # the card's canonical bytes: what every approver signs over by its digest
    expires_at: Instant


@attrs.frozen
class ApprovalGiven:
    TAG: ClassVar[str] = "approval.given/1"
    case: CaseId
    approver: MemberId
    person: Person
    statement: bytes
    signature: bytes


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
    basis: str  # receipt | observed
    checks: tuple[tuple[str, str, str, bool], ...]  # name, expected, observed, agrees
    verifier: MemberId | None
    statement: bytes | None  # the attestation, where a verifier looked
    signature: bytes | None
    closes: bool


@attrs.frozen
class EffectSettled:
    TAG: ClassVar[str] = "effect.settled/1"
    case: CaseId
    run: RunId
    effect: EffectId
    happened: bool
    by: str
    reason: str
    closes: bool


# --- standing guards --------------------------------------------------------------------------------------------------


@attrs.frozen
class BreakerTripped:
    TAG: ClassVar[str] = "breaker.tripped/1"
    scope: str
    epoch: int
    until: Instant | None  # None: only a person resets it
    why: str
    by: str  # "law" or who


@attrs.frozen
class BreakerProbed:
    """The cool-down is over and this one case may try; only its own outcome closes the breaker."""

    TAG: ClassVar[str] = "breaker.probed/1"
    scope: str
    case: CaseId


@attrs.frozen
class BreakerReset:
    TAG: ClassVar[str] = "breaker.reset/1"
    scope: str
    by: str
    reason: str


@attrs.frozen
class DeadLetterOpened:
    TAG: ClassVar[str] = "dead_letter.opened/1"
    letter: str
    case: CaseId
    kind: str  # denied | expired | cancelled | failed | unknown | mismatched | inconclusive | revoked
    why: str
    previous: int | None  # sequence number of the dead letter before this one: the list is a chain
    closes: bool  # an unknown outcome is a dead letter while its case stays open


@attrs.frozen
class DeadLetterResolved:
    TAG: ClassVar[str] = "dead_letter.resolved/1"
    letter: str
    by: str
    reason: str
    retried_as: CaseId | None


@attrs.frozen
class CommandRefused:
    """A refusal by decision is evidence and therefore an entry."""

    TAG: ClassVar[str] = "command.refused/1"
    command: str
    by: str
    code: str
    why: str
    about: str  # the id the command named, as it was given, cut to 64 characters


# --- keeping and forgetting -------------------------------------------------------------------------------------------


@attrs.frozen
class RetentionSet:
    """Stands beside the activation of a bundle that has another retention."""

    TAG: ClassVar[str] = "retention.set/1"
    days: int
    first: bool  # the tenant's first bundle: it counts from the beginning


@attrs.frozen
class HoldPlaced:
    TAG: ClassVar[str] = "hold.placed/1"
    hold: str
    scope: str  # tenant | case:ID | months:FIRST or months:FIRST..LAST
    reason: str
    by: str


@attrs.frozen
class HoldReleased:
    TAG: ClassVar[str] = "hold.released/1"
    hold: str
    scope: str
    reason: str


@attrs.frozen
class DateConfirmed:
    """Somebody other than the node's clock says that it is this date: what is over in these months goes."""

    TAG: ClassVar[str] = "retention.date_confirmed/1"
    date: Instant
    months: tuple[str, ...]
    bodies: int  # about how many, as it was when this was proposed
    by: str  # witness | persons


@attrs.frozen
class ErasureOrdered:
    TAG: ClassVar[str] = "erasure.ordered/1"
    erasure: str
    what: tuple[str, ...]  # cases by their ids, entries by their numbers
    cases: tuple[str, ...]  # all cases that it concerns, also by an entry of theirs
    months: tuple[str, str]  # the first and the last that they concern: the keys of all of them are made anew
    reason: str
    by: str


@attrs.frozen
class BodiesRemoved:
    """Written by the ledger in the transaction that removes them; which ones stands in the header, in the clear."""

    TAG: ClassVar[str] = "log.bodies_removed/1"
    task: str  # the month, or the erasure
    bodies: int
    last: bool  # the task is done


@attrs.frozen
class ForgettingEnded:
    """A month or an erasure of which nothing (more) could go."""

    TAG: ClassVar[str] = "forgetting.ended/1"
    task: str
    why: str


@attrs.frozen
class SnapshotMade:
    TAG: ClassVar[str] = "snapshot.made/1"
    size: int
    digest: bytes


Event: TypeAlias = (
    TenantFounded
    | TenantSealed
    | TenantSuspended
    | TenantResumed
    | MemberInvited
    | MemberEnrolled
    | MemberConfirmed
    | MemberRevoked
    | BundlePushed
    | BundleActivated
    | IntentProposed
    | CaseDecided
    | ApprovalRequested
    | ApprovalGiven
    | ApprovalDenied
    | CaseExpired
    | CaseCancelled
    | ChangeApplied
    | WarrantIssued
    | WarrantRevoked
    | WarrantExpired
    | TargetStale
    | RunOpened
    | RunReported
    | RunUnknown
    | RunVerified
    | EffectSettled
    | BreakerTripped
    | BreakerProbed
    | BreakerReset
    | DeadLetterOpened
    | DeadLetterResolved
    | CommandRefused
    | RetentionSet
    | HoldPlaced
    | HoldReleased
    | DateConfirmed
    | ErasureOrdered
    | BodiesRemoved
    | ForgettingEnded
    | SnapshotMade
)


@attrs.frozen
class Gone:
    """Stands where an entry's body was removed: its header is all there is.  Never recorded."""

    tag: str


Told: TypeAlias = Event | Gone  # what reading a log can give

Params: TypeAlias = Mapping[str, Value]
