"""What an approver signs: a decision about one case as its card showed it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import attrs

from . import canonical
from .canonical import Value
from .ids import CaseId, Instant

FIELDS = ("case", "intent", "card", "bundle", "tier", "decision", "narrowing", "reason", "heard", "nonce", "time")
_KINDS: canonical.Kinds = {
    "case": str,
    "intent": bytes,
    "card": bytes,
    "bundle": bytes,
    "tier": str,
    "decision": str,
    "narrowing": dict,
    "reason": str,
    "heard": bytes,
    "nonce": bytes,
    "time": int,
}


@attrs.frozen
class Statement:
    """Everything that the signature binds.  ``narrowing`` is what it grants less than policy does, see narrowing.py."""

    case: CaseId
    intent: bytes
    card: bytes
    bundle: bytes
    tier: str
    decision: str  # approve | deny
    narrowing: Mapping[str, Value]
    reason: str
    heard: bytes  # digest of what was asked and answered by then, see conversation.py; empty where nothing was
    nonce: bytes
    time: Instant


def pack(statement: Statement) -> bytes:
    return canonical.pack_fields([(name, getattr(statement, name)) for name in FIELDS])


def unverified_unpack(packed: bytes) -> Statement:
    """The statement as it stands, nothing checked but its form; raises ``NotCanonical``."""
    fields = canonical.unpack_typed(packed, FIELDS, _KINDS)
    return Statement(**cast("dict[str, object]", fields))  # type: ignore[arg-type]  # names and kinds were checked
