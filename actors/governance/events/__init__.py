"""What has happened: every entry of a tenant's ledger, as a value.

An event's fields are its body, in this order, under the tag ``TAG``; who, when, the case and the case's own counter stand
in the entry's header.  Fields hold only what the ledger's encoding holds (text, bytes, integers, booleans, None, tuples,
maps), so that an auditor reads a body with any msgpack library.  A field is never removed and never changes its meaning: a
new meaning is a new tag.

A file for each subject; here they are one union, and ``Event`` is the only list of what a log can hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import attrs

from ..canonical import Value
from .alerts import AlertAcknowledged, AlertRaised
from .canaries import CanaryCaught, CanaryEnded, CanaryMissed
from .case import (
    ApprovalDenied,
    ApprovalGiven,
    ApprovalOpened,
    ApprovalRequested,
    CaseCancelled,
    CaseDecided,
    CaseEscalated,
    CaseExpired,
    ChangeApplied,
    IntentProposed,
    RunOpened,
    RunReported,
    RunUnknown,
    RunVerified,
    TargetStale,
    WarrantExpired,
    WarrantIssued,
    WarrantRevoked,
)
from .conversation import ApprovalAnswered, ApprovalAsked
from .envelopes import EnvelopeEnded, EnvelopeRevoked, EnvelopeSigned, EnvelopeUsed
from .guards import (
    BreakerProbed,
    BreakerReset,
    BreakerResetBacked,
    BreakerTripped,
    BreakerTrippedBefore,
    BudgetWarned,
    CommandQuarantined,
    CommandRefused,
    DeadLetterOpened,
    DeadLetterResolved,
    DeadLetterResolvedBefore,
    DeadLettersAged,
)
from .keeping import (
    BodiesRemoved,
    DateConfirmed,
    ErasureOrdered,
    ForgettingEnded,
    HoldPlaced,
    HoldReleased,
    RetentionSet,
    SnapshotMade,
)
from .looking import EffectProbed, EffectSettled, EffectVouched, RunAttested, RunReportedLate
from .pauses import ScopePaused, ScopeResumed
from .reconciling import EvidenceCompared, FindingOpened, FindingResolved, FindingsOverflowed, InventoryTaken
from .recovery import RecoveryAgreed, RecoveryAnnounced, RecoveryApplied, RecoveryEnded, RecoveryInvited
from .seats import SeatDelegated, SeatReturned
from .shadow import ShadowCounted, ShadowDiffered, ShadowStarted, ShadowStopped
from .tenant import (
    BundleActivated,
    BundlePushed,
    MemberChanged,
    MemberConfirmed,
    MemberEnrolled,
    MemberInvited,
    MemberRevoked,
    TenantFounded,
    TenantResumed,
    TenantSealed,
    TenantSuspended,
)
from .warrants import WarrantsRevoked, WarrantUseAsked

Event: TypeAlias = (
    TenantFounded
    | TenantSealed
    | TenantSuspended
    | TenantResumed
    | MemberInvited
    | MemberEnrolled
    | MemberConfirmed
    | MemberChanged
    | MemberRevoked
    | BundlePushed
    | BundleActivated
    | IntentProposed
    | CaseDecided
    | ApprovalRequested
    | ApprovalOpened
    | CaseEscalated
    | ApprovalGiven
    | ApprovalDenied
    | ApprovalAsked
    | ApprovalAnswered
    | EnvelopeSigned
    | EnvelopeUsed
    | EnvelopeRevoked
    | EnvelopeEnded
    | SeatDelegated
    | SeatReturned
    | CaseExpired
    | CaseCancelled
    | ChangeApplied
    | WarrantIssued
    | WarrantRevoked
    | WarrantExpired
    | TargetStale
    | WarrantUseAsked
    | WarrantsRevoked
    | RunOpened
    | RunReported
    | RunUnknown
    | RunAttested
    | RunVerified
    | RunReportedLate
    | EffectProbed
    | EffectVouched
    | EffectSettled
    | BreakerTripped
    | BreakerTrippedBefore
    | BreakerProbed
    | BreakerReset
    | BreakerResetBacked
    | BudgetWarned
    | DeadLetterOpened
    | DeadLetterResolved
    | DeadLetterResolvedBefore
    | DeadLettersAged
    | CommandQuarantined
    | CommandRefused
    | RetentionSet
    | HoldPlaced
    | HoldReleased
    | DateConfirmed
    | ErasureOrdered
    | BodiesRemoved
    | ForgettingEnded
    | SnapshotMade
    | ShadowStarted
    | ShadowDiffered
    | ShadowCounted
    | ShadowStopped
    | RecoveryInvited
    | RecoveryAnnounced
    | RecoveryAgreed
    | RecoveryEnded
    | RecoveryApplied
    | ScopePaused
    | ScopeResumed
    | AlertRaised
    | AlertAcknowledged
    | CanaryMissed
    | CanaryCaught
    | CanaryEnded
    | FindingOpened
    | FindingResolved
    | FindingsOverflowed
    | EvidenceCompared
    | InventoryTaken
)


@attrs.frozen
class Gone:
    """Stands where an entry's body was removed: its header is all there is.  Never recorded."""

    tag: str


Told: TypeAlias = Event | Gone  # what reading a log can give

Params: TypeAlias = Mapping[str, Value]

__all__ = [
    "AlertAcknowledged",
    "AlertRaised",
    "ApprovalAnswered",
    "ApprovalAsked",
    "ApprovalDenied",
    "ApprovalGiven",
    "ApprovalOpened",
    "ApprovalRequested",
    "BodiesRemoved",
    "BreakerProbed",
    "BreakerReset",
    "BreakerResetBacked",
    "BreakerTripped",
    "BreakerTrippedBefore",
    "BudgetWarned",
    "BundleActivated",
    "BundlePushed",
    "CanaryCaught",
    "CanaryEnded",
    "CanaryMissed",
    "CaseCancelled",
    "CaseDecided",
    "CaseEscalated",
    "CaseExpired",
    "ChangeApplied",
    "CommandQuarantined",
    "CommandRefused",
    "DateConfirmed",
    "DeadLetterOpened",
    "DeadLetterResolved",
    "DeadLetterResolvedBefore",
    "DeadLettersAged",
    "EffectProbed",
    "EffectSettled",
    "EffectVouched",
    "EnvelopeEnded",
    "EnvelopeRevoked",
    "EnvelopeSigned",
    "EnvelopeUsed",
    "ErasureOrdered",
    "Event",
    "EvidenceCompared",
    "FindingOpened",
    "FindingResolved",
    "FindingsOverflowed",
    "ForgettingEnded",
    "Gone",
    "HoldPlaced",
    "HoldReleased",
    "IntentProposed",
    "InventoryTaken",
    "MemberChanged",
    "MemberConfirmed",
    "MemberEnrolled",
    "MemberInvited",
    "MemberRevoked",
    "Params",
    "RecoveryAgreed",
    "RecoveryAnnounced",
    "RecoveryApplied",
    "RecoveryEnded",
    "RecoveryInvited",
    "RetentionSet",
    "RunAttested",
    "RunOpened",
    "RunReported",
    "RunReportedLate",
    "RunUnknown",
    "RunVerified",
    "ScopePaused",
    "ScopeResumed",
    "SeatDelegated",
    "SeatReturned",
    "ShadowCounted",
    "ShadowDiffered",
    "ShadowStarted",
    "ShadowStopped",
    "SnapshotMade",
    "TargetStale",
    "TenantFounded",
    "TenantResumed",
    "TenantSealed",
    "TenantSuspended",
    "Told",
    "WarrantExpired",
    "WarrantIssued",
    "WarrantRevoked",
    "WarrantUseAsked",
    "WarrantsRevoked",
]
