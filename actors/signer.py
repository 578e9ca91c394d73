"""What the shell asks of whoever holds the tenants' keys.  The law never sees a key."""

from __future__ import annotations

from typing import Protocol


class Signer(Protocol):
    """A keystore; calls are quick, local, and safe from any thread."""

    def issuer_sign(self, tenant: str, message: bytes) -> bytes:
        """Ed25519 by the tenant's issuer key, 64 bytes."""

    def issuer_publics(self, tenant: str) -> tuple[bytes, ...]:
        """Every issuer key, 32 bytes each, that may have signed a warrant which still counts; the one that signs now first."""

    def warrant_mac(self, tenant: str, message: bytes) -> bytes:
        """HMAC-SHA256 by the tenant's key, 32 bytes."""

    def every_warrant_mac(self, tenant: str, message: bytes) -> tuple[bytes, ...]:
        """That by each key there ever was, also where no warrant counts by it any more: to recognise, never to admit."""

    def check_warrant_mac(self, tenant: str, message: bytes, mac: bytes) -> bool:
        """Whether ``mac`` is that of ``message``, in constant time."""
