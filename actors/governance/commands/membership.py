"""What is asked about the tenant itself, its members and its policy."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ..canonical import Value


@attrs.frozen
class Invite:
    member: str
    kind: str
    person: str
    roles: tuple[str, ...]
    invitation: str
    token_hash: bytes
    expires_at: int
    key: str
    owner: str | None = None


@attrs.frozen
class Enrol:
    public_key: bytes
    key_id: str
    key_hash: bytes
    proof: bytes


@attrs.frozen
class Confirm:
    member: str
    fingerprint: str
    key: str


@attrs.frozen
class ChangeMember:
    """``roles``: all that it has from then on."""

    member: str
    roles: tuple[str, ...]
    key: str


@attrs.frozen
class RevokeMember:
    member: str
    reason: str
    key: str


@attrs.frozen
class PushBundle:
    files: Mapping[str, Value]
    commit: str | None = None
    dirty: bool = False


@attrs.frozen
class ActivateBundle:
    bundle: bytes
    key: str
    reason: str | None = None


@attrs.frozen
class Seal:
    pass


@attrs.frozen
class Found:
    """Sent by the node itself when an operator creates a tenant; the first admin's invitation is part of it."""

    tenant: str
    admin: str
    person: str
    invitation: str
    token_hash: bytes
    expires_at: int
