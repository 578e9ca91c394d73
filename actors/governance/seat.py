"""What an approver signs to hand the own seat to another for a time."""

from __future__ import annotations

from typing import cast

import attrs

from . import canonical
from .ids import DAY, Instant, Micros

FIELDS = ("tenant", "to", "until", "reason", "nonce", "time")
_KINDS: canonical.Kinds = {"tenant": str, "to": str, "until": int, "reason": str, "nonce": bytes, "time": int}
LONGEST = Micros(31 * DAY)  # beyond a holiday somebody else should be given the role


@attrs.frozen
class Statement:
    """Everything that the signature binds; whose seat it is says the key that signed."""

    tenant: str
    to: str
    until: Instant
    reason: str
    nonce: bytes
    time: Instant


def pack(statement: Statement) -> bytes:
    return canonical.pack_fields([(name, getattr(statement, name)) for name in FIELDS])


def unverified_unpack(packed: bytes) -> Statement:
    """The statement as it stands, nothing checked but its form; raises ``NotCanonical``."""
    fields = canonical.unpack_typed(packed, FIELDS, _KINDS)
    return Statement(**cast("dict[str, object]", fields))  # type: ignore[arg-type]  # names and kinds were checked
