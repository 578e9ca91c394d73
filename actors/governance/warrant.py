"""The execution warrant: what exactly may be done, by whom, until when and how often.

Ed25519 by the tenant's issuer key covers purpose ‖ fields; HMAC-SHA256 by the tenant's key, which the node alone holds,
covers fields ‖ signature.  Changing any bit of any field breaks both.  Who holds the public key alone learns that a
warrant is *authentic and within its own terms*, never that it is live: uses, revocation and breakers are known where it
is redeemed.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import cast

import attrs

from . import canonical, constraints
from .canonical import Value
from .constraints import Constraint
from .ids import CaseId, Cost, EffectId, Instant, MemberId, TenantId, WarrantId
from .memo import Memo
from .signing import Purpose, verifies

FIELDS = (
    "tenant", "warrant", "case", "agent", "executor", "holder", "action", "resource", "params", "constraints", "intent", "effect",
    "state_digest", "tier", "approvals", "envelopes", "bundle", "verify", "not_before", "expires_at", "uses", "cost_cap",
)  # fmt: skip

_KINDS: canonical.Kinds = {
    **dict.fromkeys(("tenant", "warrant", "case", "agent", "executor", "action", "resource", "effect", "tier"), (str,)),
    **dict.fromkeys(("holder", "intent", "bundle"), (bytes,)),
    **dict.fromkeys(("params", "constraints", "verify"), (dict,)),
    **dict.fromkeys(("not_before", "expires_at", "uses"), (int,)),
    **dict.fromkeys(("approvals", "envelopes"), (list,)),
    "state_digest": (bytes, type(None)),
    "cost_cap": (int, type(None)),
}

LATELY = 16  # warrants remembered as packed: each is read again at once, when its event is folded and told
CLOCK_ALLOWANCE = 30_000_000  # µs an executor's own clock may differ; redemption at the node decides


@attrs.frozen
class Warrant:
    """All fields are signed."""

    tenant: TenantId
    warrant: WarrantId
    case: CaseId
    agent: MemberId
    executor: MemberId  # the audience: only this principal can redeem it
    holder: bytes  # the audience's public key
    action: str
    resource: str
    params: Mapping[str, Value]  # as proposed: a parameter that is absent, extra or of another type is a violation
    constraints: Mapping[str, Value]  # by parameter what it may be instead, see constraints; of all others the value is exact
    intent: bytes
    effect: EffectId
    state_digest: bytes | None
    tier: str
    approvals: tuple[str, ...]  # the persons who approved
    envelopes: tuple[str, ...]  # by which some of them did, in advance
    bundle: bytes
    verify: Mapping[str, object]  # what a verifier will look at, see looking.py; empty where nobody ever does
    not_before: Instant
    expires_at: Instant
    uses: int
    cost_cap: Cost | None


@attrs.frozen
class Authentic:
    """A warrant whose signature holds and whose own terms are met now.  It says nothing about uses, revocation or breakers."""

    warrant: Warrant
    digest: bytes


class WarrantInvalid(Exception):
    """The warrant is not authentic, not addressed here, or outside its own terms; the message says which."""


_values = attrgetter(*FIELDS)
_packed: Memo[bytes, Warrant] = Memo(LATELY)


def pack(warrant: Warrant) -> bytes:
    """The bytes that are signed."""
    packed = canonical.pack_fields(zip(FIELDS, _values(warrant), strict=True))
    _packed.put(packed, warrant)
    return packed


def unverified_unpack(packed: bytes) -> Warrant:
    """The fields as they stand, nothing checked but their form; raises ``NotCanonical``."""
    fields = canonical.unpack_typed(packed, FIELDS, _KINDS)
    if any(type(person) is not str for person in cast("list[object]", fields["approvals"])):
        raise canonical.NotCanonical("an approval is not the name of a person")
    if any(type(name) is not str for name in cast("list[object]", fields["envelopes"])):
        raise canonical.NotCanonical("an envelope is not named")
    bounds = constraints.read(fields["constraints"])
    if not bounds.keys() <= cast("dict[str, object]", fields["params"]).keys():
        raise canonical.NotCanonical("a constraint on no parameter")
    return _made(fields)


def unpack_own(packed: bytes) -> Warrant:
    """The fields of a warrant that ``pack`` is known to have written: for what already stands in this log."""
    return _packed.get(packed) or _made(canonical.unpack_own_fields(packed, FIELDS))


def _made(fields: dict[str, Value]) -> Warrant:
    for name in ("approvals", "envelopes"):
        fields[name] = tuple(cast("list[str]", fields[name]))
    return Warrant(**cast("dict[str, object]", fields))  # type: ignore[arg-type]  # names and kinds were checked or are ours


def verify(packed: bytes, signature: bytes, issuer: bytes, *, now: Instant, holder: bytes) -> Authentic:
    """What an executor checks by itself before it asks to redeem; raises ``WarrantInvalid``.

    1. the signature by the issuer's public key, over the bytes as received;
    2. the audience is this holder's key;
    3. the time, within ``CLOCK_ALLOWANCE`` of its own clock.
    """
    if not verifies(Purpose.WARRANT, issuer, packed, signature):
        raise WarrantInvalid("the issuer's signature does not match these fields")
    try:
        warrant = unverified_unpack(packed)
    except canonical.NotCanonical as error:
        raise WarrantInvalid(f"the fields are malformed: {error}") from None
    if warrant.holder != holder:
        raise WarrantInvalid("it is addressed to another holder's key")
    if now < warrant.not_before - CLOCK_ALLOWANCE:
        raise WarrantInvalid("it is not valid yet")
    if now > warrant.expires_at + CLOCK_ALLOWANCE:
        raise WarrantInvalid("it has expired")
    return Authentic(warrant, canonical.digest(packed))


def allows(warrant: Warrant, params: Mapping[str, Value]) -> str | None:
    """None if its own constraints allow these parameters, else the sentence.  What is not constrained is exact; types count."""
    return within(bounds(warrant), params)


def bounds(warrant: Warrant) -> dict[str, Constraint]:
    """What each parameter may be, in the order in which they were proposed."""
    said = constraints.read(warrant.constraints)
    return {name: said.get(name) or constraints.Exact(value) for name, value in warrant.params.items()}


def within(allowed: Mapping[str, Constraint], params: Mapping[str, Value]) -> str | None:
    """None if exactly these parameters are there and each is allowed, else the sentence."""
    if (extra := sorted(name for name in params if name not in allowed)) != []:
        return f"the parameter {extra[0][:64]!a} is not in the warrant"
    return constraints.violation(allowed, params)


def covers(warrant: Warrant, action: str, resource: str, params: Mapping[str, Value]) -> str | None:
    """None if the warrant covers this, else what differs.  Types count: ``1`` is neither ``True`` nor ``"1"``."""
    if warrant.action != action:
        return f"the action is {action}, the warrant says {warrant.action}"
    if warrant.resource != resource:
        return f"the resource is {resource}, the warrant says {warrant.resource}"
    return allows(warrant, params)
