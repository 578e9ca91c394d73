"""A warrant in a file: what its holder hands on, and what anybody who has the node's public key can look at without the node.

One canonical map: ``format``, ``fields``, ``signature``, ``mac`` (null unless its holder exported it), ``chain`` (the links, or
null) and ``keys``: the node's entries about its keys, each with its proof, which lead from the node's verifier key to the issuer's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from nacl.signing import SigningKey

from actors.governance import canonical, links
from actors.governance import warrant as warrants
from actors.governance.canonical import NotCanonical, Value
from actors.governance.constraints import Constraint
from actors.governance.ids import Instant
from actors.governance.links import Link, LinkInvalid
from actors.governance.signing import Purpose, signed_bytes, verifies
from actors.governance.warrant import Warrant
from vienna_runtime.client.keys import Keys
from vienna_runtime.errors import VerificationError

FORMAT = "vienna warrant 1"
LARGEST = 1 << 20  # bytes: a warrant, its chain, and what proves the issuer's key
_FIELDS: Mapping[str, tuple[type, ...]] = {
    "format": (str,),
    "fields": (bytes,),
    "signature": (bytes,),
    "mac": (bytes, type(None)),
    "chain": (bytes, type(None)),
    "keys": (dict,),
}


@attrs.frozen
class WarrantFile:
    """As it was read: nothing is checked but its form."""

    fields: bytes
    signature: bytes
    mac: bytes | None
    chain: bytes | None
    keys: Mapping[str, Any]

    def unverified_terms(self) -> Warrant:
        return warrants.unverified_unpack(self.fields)

    def packed(self) -> bytes:
        return canonical.pack({"format": FORMAT, **attrs.asdict(self, recurse=False)})


@attrs.frozen
class WithinItsTerms:
    """Authentic, and what it says of itself.  Never that it is live: uses, budgets, breakers and revocation are the node's to know."""

    terms: Warrant
    links: int
    holder: bytes
    bounds: Mapping[str, Constraint]
    expires_at: Instant
    uses: int
    cost_cap: int | None
    outside: tuple[str, ...]  # why it is of no use at that time, or for those parameters; empty: within its own terms

    @property
    def verdict(self) -> str:
        return "authentic, and outside its own terms" if self.outside else "authentic and within its own terms"


def read(path: Path) -> WarrantFile:
    """Raises ``VerificationError`` for what is no such file."""
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    try:
        if len(data) > LARGEST:
            raise NotCanonical(f"more than {LARGEST} bytes")
        value = canonical.unpack(data)
        if not isinstance(value, dict) or value.get("format") != FORMAT or value.keys() != _FIELDS.keys():
            raise NotCanonical(f"its first word is not {FORMAT!r}, or it has other fields")
        for name, kind in _FIELDS.items():
            if not isinstance(value[name], kind):
                raise NotCanonical(f"the field {name} is of another type")
    except NotCanonical as error:
        raise VerificationError(f"{path} is no warrant in a file: {error}") from None
    return WarrantFile(**{name: value[name] for name in _FIELDS if name != "format"})


def inspect(file: WarrantFile, *, node_key: str, at: Instant, params: Mapping[str, Value] | None = None) -> WithinItsTerms:
    """Checks, in this order, by the node's verifier key alone; raises ``VerificationError`` where it is not authentic.

    1. the node's entries lead to the issuer's keys; 2. one of them signed the warrant; 3. every link of the chain holds;
    then, as what is outside its terms: 4. the time; 5. the parameters, where any are given.
    """
    try:
        terms = file.unverified_terms()
    except NotCanonical as error:
        raise VerificationError(f"the warrant is malformed: {error}") from None
    issuers = Keys.of(file.keys, node_key=node_key, tenant=terms.tenant).issuers
    if not any(verifies(Purpose.WARRANT, issuer, file.fields, file.signature) for issuer in issuers):
        raise VerificationError(f"no issuer key that {node_key} leads to has signed this warrant")
    bounds, holder, expires, uses, cap, count = warrants.bounds(terms), terms.holder, terms.expires_at, terms.uses, terms.cost_cap, 0
    if file.chain is not None:
        try:
            chain = links.unpack_chain(file.chain)
            # as of its making: that a link is over is said below, as of the warrant itself
            left = links.follow(terms, links.digest(file.fields, file.signature), chain, now=Instant(0))
        except (NotCanonical, LinkInvalid) as error:
            raise VerificationError(f"the warrant was not handed on like this: {error}") from None
        bounds, holder, expires, cap = dict(left.bounds), left.holder, left.expires_at, left.cost_cap
        uses, count = left.limits[-1][1], len(chain)
    outside = []
    if at < terms.not_before:
        outside.append("it is not valid yet")
    if at >= expires:
        outside.append("it has expired")
    if params is not None and (wrong := warrants.within(bounds, params)) is not None:
        outside.append(wrong)
    return WithinItsTerms(terms, count, holder, bounds, expires, uses, cap, tuple(outside))


def attenuate(
    file: WarrantFile,
    key: bytes,
    to: bytes,
    *,
    only: Mapping[str, Constraint],
    expires_at: int | None = None,
    uses: int | None = None,
    cost_cap: int | None = None,
) -> WarrantFile:
    """One more link, signed by ``key``, the seed of the holder so far.  Offline; raises ``LinkInvalid`` where it would not hold."""
    terms = file.unverified_terms()
    above, now = links.digest(file.fields, file.signature), Instant(0)
    chain = () if file.chain is None else links.unpack_chain(file.chain)
    life, count, cap = terms.expires_at, terms.uses, terms.cost_cap
    if chain:
        links.follow(terms, above, chain, now=now)
        last = links.unverified_unpack(chain[-1][0])
        above, life, count, cap = links.digest(*chain[-1]), last.expires_at, last.uses, last.cost_cap
    link = Link(
        parent=above,
        holder=to,
        constraints={name: constraint.form() for name, constraint in only.items()},
        expires_at=Instant(life if expires_at is None else expires_at),
        uses=count if uses is None else uses,
        cost_cap=cap if cost_cap is None else cost_cap,  # type: ignore[arg-type]  # a cost
    )
    packed = links.pack(link)
    made = (*chain, (packed, SigningKey(key).sign(signed_bytes(Purpose.LINK, packed)).signature))
    links.follow(terms, links.digest(file.fields, file.signature), made, now=now)
    return attrs.evolve(file, chain=links.pack_chain(made))
