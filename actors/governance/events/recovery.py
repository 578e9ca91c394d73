"""How a sealed tenant whose quorum is lost for good comes to have one again."""

from __future__ import annotations

from typing import ClassVar

import attrs

from ..ids import Instant, MemberId, Person


@attrs.frozen
class RecoveryInvited:
    """Stands before an invitation that no quorum approved: whoever takes it up has no rights until a recovery puts it in force."""

    TAG: ClassVar[str] = "recovery.invited/1"
    member: MemberId
    lost: tuple[MemberId, ...]
    by: MemberId
    reason: str


@attrs.frozen
class RecoveryAnnounced:
    TAG: ClassVar[str] = "recovery.announced/1"
    digest: bytes  # of the tenant and the other fields: what the operator agrees to, and what is put in force
    lost: tuple[MemberId, ...]  # whose rights would end
    keys: tuple[tuple[str, str], ...]  # member and fingerprint of each key that would be in force
    by: MemberId
    person: Person
    reason: str
    due: Instant  # not before
    until: Instant  # and not after


@attrs.frozen
class RecoveryAgreed:
    TAG: ClassVar[str] = "recovery.agreed/1"
    digest: bytes
    by: str  # the operator


@attrs.frozen
class RecoveryEnded:
    """Somebody objected, or one who was called lost has shown to be there."""

    TAG: ClassVar[str] = "recovery.ended/1"
    digest: bytes
    by: MemberId
    person: Person
    why: str


@attrs.frozen
class RecoveryApplied:
    """The members' entries that follow in the same batch are a recovery's, and no quorum's."""

    TAG: ClassVar[str] = "recovery.applied/1"
    digest: bytes
    by: MemberId
    announced_by: MemberId
    agreed_by: str  # the operator
