"""Which bytes a signature covers, so that no signature can serve two purposes.

Every signed message is its purpose tag, a zero byte, and the canonical bytes.  The tags are the only list of what is ever
signed; a test tries each signature in the place of each other.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import Enum

from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_open
from nacl.exceptions import CryptoError


class Purpose(Enum):
    """What a signature is for; the value is what stands at the front of the signed bytes."""

    WARRANT = b"vienna/warrant/1"
    APPROVAL = b"vienna/approval/1"
    ENVELOPE = b"vienna/envelope/1"
    SEAT = b"vienna/seat/1"
    RECEIPT = b"vienna/receipt/1"
    ATTESTATION = b"vienna/attestation/1"
    PROBE = b"vienna/probe/1"
    INVENTORY = b"vienna/inventory/1"
    ENROLMENT = b"vienna/enrolment/1"
    CHALLENGE = b"vienna/challenge/1"
    LINK = b"vienna/link/1"


def signed_bytes(purpose: Purpose, packed: bytes) -> bytes:
    """What is given to Ed25519: purpose ‖ 0x00 ‖ canonical bytes."""
    return purpose.value + b"\0" + packed


def verifies(purpose: Purpose, public_key: bytes, packed: bytes, signature: bytes) -> bool:
    """Whether ``signature`` (64 bytes) over ``packed`` was made for ``purpose`` by the key's holder (RFC 8032, libsodium's rules)."""
    if len(signature) != 64 or len(public_key) != 32:
        return False
    try:
        crypto_sign_open(signature + signed_bytes(purpose, packed), public_key)
    except (CryptoError, ValueError):
        return False
    return True


def is_sound_public_key(public_key: bytes) -> bool:
    """Whether a key may be registered: on the curve, in the prime-order group, not of low order."""
    return len(public_key) == 32 and bool(crypto_core_ed25519_is_valid_point(public_key))


def fingerprint(public_key: bytes, key_hash: bytes) -> str:
    """What an admin compares by eye before confirming a member: both of its credentials, in groups of four hex digits."""
    text = hashlib.sha256(b"vienna/fingerprint/1\0" + public_key + key_hash).hexdigest()[:32]
    return " ".join(text[at : at + 4] for at in range(0, 32, 4))


def same(one: bytes, other: bytes) -> bool:
    """Equality in constant time."""
    return hmac.compare_digest(one, other)
