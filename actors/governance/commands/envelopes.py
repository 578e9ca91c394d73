"""What is asked about approvals in advance."""

from __future__ import annotations

import attrs


@attrs.frozen
class SignEnvelope:
    template: bytes
    statement: bytes
    signature: bytes


@attrs.frozen
class RevokeEnvelope:
    envelope: str
    reason: str
