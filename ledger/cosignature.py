"""C2SP tlog-cosignature: somebody else says that at this second it saw this log grow to this checkpoint, and only grow.

    signature  time in seconds (8, big-endian) ‖ Ed25519 over "cosignature/v1\\ntime " time "\\n" ‖ the checkpoint's whole text
    key        a verifier key of type 0x04 (see ``ledger.note``)

A cosignature does not name its cosigner inside what is signed, so no two cosigners may share a key ("Ed25519 signed
message" of the specification).  Cosignatures of type 0x06 (ML-DSA-44, ``ledger.postquantum``) are taken wherever these are, and not made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from nacl.signing import SigningKey

from ledger.errors import VerificationError
from ledger.note import COSIGNATURE, COSIGNATURES, Note, NoteSignature, VerifierKey, open_note
from ledger.postquantum import SIGNATURE_BYTES

LARGEST_TIME = 2**63 - 1  # "It MUST NOT exceed 2^63 - 1"
_TIME_BYTES = 8
_SIGNATURE_BYTES = 64


class Cosigner:
    """Cosigns checkpoints under a name.  Shows its public half only, and is not pickled."""

    def __init__(self, name: str, seed: bytes) -> None:
        self._key = SigningKey(seed)
        self.verifier = VerifierKey(name, bytes(self._key.verify_key), COSIGNATURE)
        self._id = self.verifier.id

    def cosign(self, text: str, time: int) -> NoteSignature:
        """A cosignature over a checkpoint's text at ``time``, in seconds since 1970."""
        if not 0 <= time <= LARGEST_TIME:
            raise ValueError(f"no time to cosign at: {time}")
        signature = self._key.sign(signed_message(text, time)).signature
        return NoteSignature(self.verifier.name, self._id, time.to_bytes(_TIME_BYTES, "big") + signature)

    def __repr__(self) -> str:
        return f"Cosigner({self.verifier.text})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signing key is not pickled")


def signed_message(text: str, time: int) -> bytes:
    """What the Ed25519 signature is over."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def cosigned_at(signature: NoteSignature) -> int:
    """The second that a cosignature names; VerificationError for one that is none, or beyond what may be named."""
    if len(signature.signature) - _TIME_BYTES not in (_SIGNATURE_BYTES, SIGNATURE_BYTES):
        raise VerificationError(f"the signature of {signature.name} is no cosignature")
    time = int.from_bytes(signature.signature[:_TIME_BYTES], "big")
    if time > LARGEST_TIME:
        raise VerificationError(f"the cosignature of {signature.name} names a time that may not be named")
    return time


def cosignatures(note: Note, keys: Sequence[VerifierKey]) -> dict[VerifierKey, int]:
    """Who of ``keys`` is among the note's verified signatures, and the second each names."""
    places = {(key.name, key.id): key for key in keys if key.type in COSIGNATURES}
    return {places[place]: cosigned_at(signature) for signature in note.verified if (place := (signature.name, signature.key_id)) in places}


def open_cosignatures(text: str, lines: bytes, keys: Sequence[VerifierKey]) -> tuple[NoteSignature, ...]:
    """The cosignatures by ``keys`` in a witness's answer, each verified over the checkpoint's text; others are left out.

    tlog-witness: "the client MAY concatenate it to the checkpoint, and use a note verification function".  Raises
    VerificationError where the answer is no sequence of signature lines, a known key signed wrongly, or none signed.
    """
    note = open_note(text.encode() + b"\n" + lines, keys)
    if note.text != text:  # a note's signatures begin behind its last empty line, which the answer may have brought along
        raise VerificationError("the answer is a cosignature over another text")
    for signature in note.verified:
        cosigned_at(signature)
    return note.verified
