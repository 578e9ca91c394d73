"""What a principal signs to prove that it holds its key, and the check of it; the same bytes on both sides.

The signed bytes name the server: its origin as the client dialled it and the hash of the certificate the client sees in
its own TLS connection.  A server in the middle that passes on another server's challenge therefore gets no signature
which that server would accept.
"""

from __future__ import annotations

import attrs
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from transport.errors import VerificationError
from transport.packing import encode_one

PURPOSE = b"vienna/challenge/1"  # its own tag, so that no signature made here serves elsewhere, or the other way round
NONCE_BYTES = 32  # never repeats in practice, and is as strong as the key that signs it


@attrs.frozen(kw_only=True)
class Challenge:
    nonce: bytes
    principal: str
    origin: str
    certificate: bytes  # SHA-256 of the server's leaf certificate in DER


def challenge_bytes(challenge: Challenge) -> bytes:
    """Exactly the bytes that are signed: purpose tag, a zero byte, then the canonical map of the four fields in this order."""
    return (
        PURPOSE
        + b"\0"
        + encode_one(
            {
                "nonce": challenge.nonce,
                "principal": challenge.principal,
                "origin": challenge.origin,
                "certificate": challenge.certificate,
            }
        )
    )


def verify_proof(public_key: bytes, challenge: Challenge, signature: bytes) -> None:
    """Returns only if ``signature`` is that key's over this challenge; raises VerificationError on every failure."""
    try:
        VerifyKey(public_key).verify(challenge_bytes(challenge), signature)
    except (BadSignatureError, ValueError, TypeError):  # nacl's ValueError and TypeError: a key or signature of another size or type
        raise VerificationError("the signature does not prove possession of the principal's key") from None
