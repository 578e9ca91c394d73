"""The statement by which a new member proves that it holds its key."""

from __future__ import annotations

from . import canonical


def statement(tenant: str, member: str, invitation: str, public_key: bytes, key_id: str, key_hash: bytes) -> bytes:
    """What a new member signs to prove that it holds the key it brings."""
    return canonical.pack_fields(
        (
            ("tenant", tenant),
            ("member", member),
            ("invitation", invitation),
            ("public_key", public_key),
            ("key_id", key_id),
            ("key_hash", key_hash),
        )
    )
