"""What the node's log says, in the clear, of a tenant it admits."""

from __future__ import annotations

from actors.governance import canonical


def public_part(issuer: bytes) -> bytes:
    """The issuer's public key: with it anyone checks the tenant's warrants from the node's verifier key alone."""
    return canonical.pack({"issuer": issuer})
