"""A warrant handed on: each link narrows what the one before allows and names the next holder, signed by the holder before.

    root warrant ──▶ link 1 (by the root's holder) ──▶ link 2 (by link 1's holder) ──▶ … at most ``DEEPEST``

A link is made offline, with no word to the node, and carries no MAC: it is worth nothing without its root, where uses, budget and
revocation live.  It names the digest of exactly what it narrows, signature included, so that it fits under no other parent.
What a chain allows is what the root *and every link* allow; that each link says less than its parent is checked beside that,
because a link that claims more is a forgery or a mistake, and both are refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import attrs
import msgpack

from . import canonical, constraints
from . import warrant as warrants
from .canonical import NotCanonical, Value
from .constraints import Constraint
from .ids import Cost, Instant
from .signing import Purpose, is_sound_public_key, same, verifies
from .warrant import Warrant

FIELDS = ("parent", "holder", "constraints", "expires_at", "uses", "cost_cap")
_KINDS: canonical.Kinds = {
    "parent": (bytes,),
    "holder": (bytes,),
    "constraints": (dict,),
    "expires_at": (int,),
    "uses": (int,),
    "cost_cap": (int, type(None)),
}
DEEPEST = 8  # links: whoever needs more hands should ask for a warrant of their own
LARGEST = 16 * 1024  # bytes of a whole chain, which stands in the entry of every run that uses it


class LinkInvalid(Exception):
    """A link of the chain does not hold; the message says which, and why."""


@attrs.frozen
class Link:
    """All fields are signed."""

    parent: bytes  # digest of the warrant or link above, see ``digest``
    holder: bytes  # who may use it, or hand it on
    constraints: Mapping[str, Value]  # by parameter what it may be; a parameter that is not named stays as it is
    expires_at: Instant
    uses: int
    cost_cap: Cost | None


Signed = tuple[bytes, bytes]  # a link's canonical bytes, and the signature of the holder before


@attrs.frozen
class Delegated:
    """What a whole chain leaves of its root."""

    holders: tuple[bytes, ...]  # of each link, the last is who may redeem
    bounds: Mapping[str, Constraint]  # by parameter, as the last link has it
    expires_at: Instant
    cost_cap: Cost | None
    limits: tuple[tuple[bytes, int], ...]  # of each link its digest and how often it may be used

    @property
    def holder(self) -> bytes:
        return self.holders[-1]


def pack(link: Link) -> bytes:
    """The bytes that are signed."""
    return canonical.pack_fields([(name, getattr(link, name)) for name in FIELDS])


def unverified_unpack(packed: bytes) -> Link:
    """The link as it stands, nothing checked but its form; raises ``NotCanonical``."""
    fields = canonical.unpack_typed(packed, FIELDS, _KINDS)
    constraints.read(fields["constraints"])
    if cast(int, fields["uses"]) < 1 or (fields["cost_cap"] is not None and cast(int, fields["cost_cap"]) < 0):
        raise NotCanonical("a link has at least one use and no negative cap")
    return Link(**cast("dict[str, object]", fields))  # type: ignore[arg-type]  # names and kinds were checked


def digest(packed: bytes, signature: bytes) -> bytes:
    """Names a warrant or link as a parent: 32 bytes over its fields and its signature."""
    return canonical.digest(b"vienna/parent/1\0" + canonical.digest(packed) + canonical.digest(signature))


def pack_chain(chain: tuple[Signed, ...]) -> bytes:
    """The links in their order, as they travel and as they stand on the ledger."""
    return canonical.pack([list(link) for link in chain])


def unpack_chain(packed: bytes) -> tuple[Signed, ...]:
    """The links of a chain, nothing checked but their form and number; raises ``NotCanonical``."""
    if len(packed) > LARGEST:
        raise NotCanonical(f"a chain has at most {LARGEST} bytes")
    try:
        listed = msgpack.unpackb(packed, strict_map_key=True, raw=False)
    except (ValueError, msgpack.UnpackException, RecursionError):
        raise NotCanonical("a chain is a list of links") from None
    if type(listed) is not list or not 1 <= len(listed) <= DEEPEST:
        raise NotCanonical(f"a chain has 1 to {DEEPEST} links")
    for pair in listed:
        if type(pair) is not list or len(pair) != 2 or any(type(part) is not bytes for part in pair):
            raise NotCanonical("a link is its fields and a signature")
    chain = tuple((link, signature) for link, signature in listed)
    if pack_chain(chain) != packed:
        raise NotCanonical("the chain is not in canonical form")
    return chain


def digests(chain: bytes | None) -> tuple[bytes, ...]:
    """Of each link; none where there is no chain, or where evidence shows bytes that are none, which the law has refused by then."""
    try:
        return () if chain is None else tuple(digest(*link) for link in unpack_chain(chain))
    except NotCanonical:
        return ()


def narrowed(root: Warrant, chain: bytes | None) -> Warrant:
    """The root with the life and cap that the last link of a chain known to hold leaves of it."""
    if chain is None:
        return root
    last = unverified_unpack(unpack_chain(chain)[-1][0])
    return attrs.evolve(root, expires_at=last.expires_at, cost_cap=last.cost_cap)


def follow(root: Warrant, above: bytes, chain: tuple[Signed, ...], *, now: Instant, allowance: int = 0) -> Delegated:
    """What the chain leaves of ``root``, whose ``digest`` is ``above``; raises ``LinkInvalid``.  For each link:

    1. signed by the holder before it; 2. about exactly what is before it; 3. the next holder's key is sound;
    4. no longer, no more often, no dearer than what is before it; 5. each constraint provably narrower; 6. not over at ``now``.

    ``root`` itself was checked by whoever calls.
    """
    if not 1 <= len(chain) <= DEEPEST:
        raise LinkInvalid(f"a chain has 1 to {DEEPEST} links")
    holder, expires, uses, cap = root.holder, root.expires_at, root.uses, root.cost_cap
    allowed, holders, limits = warrants.bounds(root), [], []
    for number, (packed, signature) in enumerate(chain, 1):
        name = f"link {number}"
        if not verifies(Purpose.LINK, holder, packed, signature):
            raise LinkInvalid(f"{name} is not signed by the holder before it")
        try:
            link = unverified_unpack(packed)
        except NotCanonical as error:
            raise LinkInvalid(f"{name} is malformed: {error}") from None
        if not same(link.parent, above):
            raise LinkInvalid(f"{name} belongs to another parent: the chain was spliced")
        if not is_sound_public_key(link.holder):
            raise LinkInvalid(f"{name} names a key that no holder can have")
        if link.expires_at > expires:
            raise LinkInvalid(f"{name} widens the life of what it is made from")
        if link.uses > uses:
            raise LinkInvalid(f"{name} widens the uses of what it is made from: {link.uses} instead of {uses}")
        if cap is not None and (link.cost_cap is None or link.cost_cap > cap):
            raise LinkInvalid(f"{name} widens the cost cap of what it is made from")
        allowed = _narrowed(allowed, link, name)
        if now >= link.expires_at + allowance:
            raise LinkInvalid(f"{name} has expired")
        above, holder, expires, uses, cap = digest(packed, signature), link.holder, link.expires_at, link.uses, link.cost_cap
        holders.append(link.holder)
        limits.append((above, link.uses))
    return Delegated(tuple(holders), allowed, expires, cap, tuple(limits))


def _narrowed(allowed: Mapping[str, Constraint], link: Link, name: str) -> dict[str, Constraint]:
    left = dict(allowed)
    for param, constraint in constraints.read(link.constraints).items():
        if param not in left:
            raise LinkInvalid(f"{name} constrains {param[:64]!a}, which is no parameter of its warrant")
        if not constraints.narrower(constraint, left[param]):
            raise LinkInvalid(f"{name} widens the parameter {param}: {constraint.words()} is not within {left[param].words()}")
        left[param] = constraint
    return left
