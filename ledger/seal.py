"""A sealed body opens only with its month's data key, and only to what the header committed to.

    sealed = key id (8) ‖ nonce (24) ‖ XSalsa20-Poly1305(salt (32) ‖ body)        commitment = SHA-256(salt ‖ body)

The salt is inside, so that who only has headers cannot guess a short body.  Nonces are random: 24 bytes are enough
for as many bodies as a month can hold.  On disk a CRC-32 stands in front.  It proves nothing against a forger (the
commitment does), but finds a flipped bit without any key, and costs a fifth of a microsecond; a digest in the header
would forbid sealing again under another key, which is how one body is forgotten early.
"""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest
from zlib import crc32

from nacl.bindings import crypto_secretbox_easy, crypto_secretbox_open_easy
from nacl.exceptions import CryptoError

from ledger.errors import VerificationError
from ledger.keys import KEY_ID_SIZE, DataKey

SALT_SIZE = 32
NONCE_SIZE = 24
RANDOM_SIZE = SALT_SIZE + NONCE_SIZE  # fresh bytes for one body
CHECK_SIZE = 4
_PREFIX = KEY_ID_SIZE + NONCE_SIZE


def commit(salt: bytes, body: bytes) -> bytes:
    """What the header says about the body."""
    return sha256(salt + body).digest()


def seal(key: DataKey, nonce: bytes, content: bytes) -> bytes:
    """``content`` under ``key``; the nonce must be fresh and random."""
    sealed: bytes = crypto_secretbox_easy(content, nonce, key.secret)
    return key.id + nonce + sealed


def key_id(sealed: bytes) -> bytes:
    """Which data key opens it."""
    return sealed[:KEY_ID_SIZE]


def open_sealed(key: DataKey, sealed: bytes) -> bytes:
    """The content; raises VerificationError when a bit of it, or the key, is another."""
    if len(sealed) < _PREFIX or sealed[:KEY_ID_SIZE] != key.id:
        raise VerificationError("sealed under another key")
    try:
        content: bytes = crypto_secretbox_open_easy(sealed[_PREFIX:], sealed[KEY_ID_SIZE:_PREFIX], key.secret)
    except (CryptoError, ValueError):
        raise VerificationError("the sealed bytes do not open") from None
    return content


def open_body(key: DataKey, sealed: bytes, commitment: bytes) -> bytes:
    """The body that the header committed to, or VerificationError."""
    return open_salted(key, sealed, commitment)[SALT_SIZE:]


def open_salted(key: DataKey, sealed: bytes, commitment: bytes) -> bytes:
    """Salt ‖ body, as the header committed to both, or VerificationError."""
    content = open_sealed(key, sealed)
    if len(content) < SALT_SIZE or not compare_digest(sha256(content).digest(), commitment):
        raise VerificationError("the body is not the one that the header commits to")
    return content


def checked(sealed: bytes) -> bytes:
    """As it is put on the disk."""
    return crc32(sealed).to_bytes(CHECK_SIZE, "big") + sealed


def unchecked(stored: bytes) -> bytes:
    """What ``checked`` was given; whether the check holds is the auditor's question, opening asks a stronger one."""
    return stored[CHECK_SIZE:]


def is_whole(stored: bytes) -> bool:
    """Whether the stored bytes are what was put there."""
    return stored[:CHECK_SIZE] == crc32(stored[CHECK_SIZE:]).to_bytes(CHECK_SIZE, "big")
