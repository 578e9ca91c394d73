"""What an agent wants, as canonical bytes, and the digests that stand for it afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import cast

import attrs

from . import canonical
from .canonical import Value
from .ids import CaseId, Cost, EffectId, Instant

FIELDS = ("action", "resource", "params", "purpose", "cost", "state_digest", "parent", "deadline")
GOVERNED = "vienna."  # begins the actions of the tenant itself; no agent can propose one, no bundle can speak of one


@attrs.frozen
class Intent:
    """One wish.  ``cost`` is the agent's own estimate and can only raise what policy assumes."""

    action: str
    resource: str
    params: Mapping[str, Value]
    purpose: str
    cost: Cost
    state_digest: bytes | None
    parent: CaseId | None
    deadline: Instant | None

    @cached_property
    def args(self) -> bytes:
        """The digest of exactly what would be done."""
        return args_digest(self.action, self.resource, self.params)


def pack(intent: Intent) -> bytes:
    """The bytes that are digested and put on the ledger; raises ``NotCanonical``."""
    return canonical.pack_fields(
        (
            ("action", intent.action),
            ("resource", intent.resource),
            ("params", intent.params),
            ("purpose", intent.purpose),
            ("cost", intent.cost),
            ("state_digest", intent.state_digest),
            ("parent", intent.parent),
            ("deadline", intent.deadline),
        )
    )


def unpack(packed: bytes) -> Intent:
    """The intent, from exactly its canonical bytes; raises ``NotCanonical``."""
    return _made(canonical.unpack_fields(packed, FIELDS))


def unpack_own(packed: bytes) -> Intent:
    """The intent from bytes that ``pack`` is known to have written: for what already stands in this log."""
    return _made(canonical.unpack_own_fields(packed, FIELDS))


def _made(fields: dict[str, Value]) -> Intent:
    return Intent(
        action=cast(str, fields["action"]),
        resource=cast(str, fields["resource"]),
        params=cast("Mapping[str, Value]", fields["params"]),
        purpose=cast(str, fields["purpose"]),
        cost=Cost(cast(int, fields["cost"])),
        state_digest=cast("bytes | None", fields["state_digest"]),
        parent=cast("CaseId | None", fields["parent"]),
        deadline=cast("Instant | None", fields["deadline"]),
    )


def check_kinds(wish: Intent) -> None:
    """Raises ``NotCanonical`` where a field of an intent from elsewhere is of another type than the law takes for granted."""
    texts = (wish.action, wish.resource, wish.purpose)
    numbers = (wish.cost, *(() if wish.deadline is None else (wish.deadline,)))
    if any(type(text) is not str for text in texts) or any(type(number) is not int for number in numbers) or type(wish.params) is not dict:
        raise canonical.NotCanonical("a field of the intent is of another type")
    if type(wish.state_digest) not in (bytes, type(None)) or type(wish.parent) not in (str, type(None)):
        raise canonical.NotCanonical("a field of the intent is of another type")


def args_digest(action: str, resource: str, params: Mapping[str, Value]) -> bytes:
    """SHA-256 over exactly what would be done: it binds decision, redemption and receipt to one another."""
    return canonical.digest(canonical.pack_fields((("action", action), ("resource", resource), ("params", params))))


def effect_id(tenant: str, args: bytes) -> EffectId:
    """Names what would change in the world, whoever asks for it and under whatever key; 128 bits in hex.

    It is handed to the executor as the provider's idempotency key.
    """
    return EffectId(canonical.digest(b"vienna/effect/1\0" + tenant.encode() + b"\0" + args)[:16].hex())
