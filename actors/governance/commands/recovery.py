"""What is asked to recover a lost quorum."""

from __future__ import annotations

import attrs

from ..canonical import Value


@attrs.frozen
class InviteForRecovery:
    member: str
    kind: str
    person: str
    roles: tuple[str, ...]
    invitation: str
    token_hash: bytes
    expires_at: int
    lost: tuple[str, ...]
    reason: str


@attrs.frozen
class AnnounceRecovery:
    """``keys``: pairs of a member and the fingerprint of the key it enrolled."""

    lost: tuple[str, ...]
    keys: dict[str, Value]
    reason: str


@attrs.frozen
class AgreeToRecovery:
    """The operator's; ``digest`` is of exactly what was announced."""

    tenant: str
    digest: bytes


@attrs.frozen
class ObjectToRecovery:
    reason: str


@attrs.frozen
class ApplyRecovery:
    digest: bytes


@attrs.frozen
class ShowRecovery:
    """What is announced, for the operator who shall agree."""

    tenant: str
