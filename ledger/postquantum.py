"""C2SP tlog-cosignature, type 0x06: an ML-DSA-44 cosignature (FIPS 204), verified here; our own witnesses sign with 0x04.

    signature  time in seconds (8, big-endian) ‖ ML-DSA-44 (2,420) over
    message    "subtree/v1\\n" ‖ 0x00 ‖ length (1) ‖ cosigner's name ‖ time (8) ‖ length (1) ‖ origin ‖ start (8), 0 ‖ size (8) ‖ root

Other than the Ed25519 one it covers the cosigner's name, and of the checkpoint its first three lines alone.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from ledger.errors import VerificationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

PUBLIC_BYTES = 1312  # FIPS 204, table 2
SIGNATURE_BYTES = 2420  # likewise
_TIME = Struct(">Q")
_PLACE = Struct(">QQ")
_LABEL = b"subtree/v1\n\0"


def check_public_key(public: bytes) -> None:
    """Raise VerificationError for what is no ML-DSA-44 public key, and where this machine's cryptography knows none."""
    _key(public)


def verifies(name: str, public: bytes, head: tuple[str, int, bytes], signature: bytes) -> bool:
    """Whether the holder of the key cosigned that origin, size and root."""
    if len(signature) != _TIME.size + SIGNATURE_BYTES:
        return False
    from cryptography.exceptions import InvalidSignature  # 30 ms of import, for who has such a witness

    try:
        _key(public).verify(signature[_TIME.size :], signed_message(name, head, _TIME.unpack_from(signature)[0]))
    except (InvalidSignature, ValueError):
        return False
    return True


def signed_message(name: str, head: tuple[str, int, bytes], time: int) -> bytes:
    """What the signature is over; raises ValueError for a name or an origin of more than 255 bytes."""
    origin, size, root = head
    texts = [text.encode() for text in (name, origin)]
    if not all(0 < len(text) <= 255 for text in texts):
        raise ValueError("a name and an origin have 1 to 255 bytes")
    cosigner, log = (bytes([len(text)]) + text for text in texts)
    return _LABEL + cosigner + _TIME.pack(time) + log + _PLACE.pack(0, size) + root


def _key(public: bytes) -> MLDSA44PublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

    try:
        return MLDSA44PublicKey.from_public_bytes(public)
    except ValueError:
        raise VerificationError("not an ML-DSA-44 public key") from None
    except UnsupportedAlgorithm:
        raise VerificationError("the cryptography library of this machine has no ML-DSA-44") from None
