"""What is asked about one case."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ..canonical import Value


@attrs.frozen
class Propose:
    action: str
    resource: str
    params: Mapping[str, Value]
    purpose: str
    key: str
    cost: int = 0
    state_digest: bytes | None = None
    parent: str | None = None
    deadline: int | None = None
    run: str | None = None  # propose and redeem in one: the run's id


@attrs.frozen
class Cancel:
    case: str
    reason: str


@attrs.frozen
class Redeem:
    warrant: bytes
    signature: bytes
    mac: bytes
    run: str
    args_digest: bytes
    state_digest: bytes | None = None
    params: Mapping[str, Value] | None = None  # of this use, where they are not the ones proposed
    chain: bytes | None = None  # by which the redeemer holds it, where it was handed on
    use: int = 1


@attrs.frozen
class Report:
    receipt: bytes
    signature: bytes


@attrs.frozen
class OpenCard:
    case: str


@attrs.frozen
class Vote:
    """``approve`` and ``deny``: the statement itself says which, and both calls refuse the other's."""

    decision: str
    statement: bytes
    signature: bytes


@attrs.frozen
class Attest:
    attestation: bytes
    signature: bytes


@attrs.frozen
class Probe:
    statement: bytes
    signature: bytes


@attrs.frozen
class RevokeWarrant:
    warrant: str
    reason: str


@attrs.frozen
class SettleEffect:
    run: str
    happened: bool
    reason: str
