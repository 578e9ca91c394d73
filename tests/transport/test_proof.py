from __future__ import annotations

import attrs
import msgpack
import pytest
from nacl.signing import SigningKey

from transport.errors import VerificationError
from transport.proof import Challenge, challenge_bytes, verify_proof

ADA = SigningKey(b"a" * 32)
CHALLENGE = Challenge(nonce=b"n" * 32, principal="ada", origin="vienna.example", certificate=b"c" * 32)
KEY = bytes(ADA.verify_key)
SIGNATURE = ADA.sign(challenge_bytes(CHALLENGE)).signature


def test_the_signed_bytes_are_the_purpose_a_zero_byte_and_the_four_fields_in_order() -> None:
    signed = challenge_bytes(CHALLENGE)
    purpose = b"vienna/challenge/1\0"
    assert signed.startswith(purpose)
    fields = msgpack.unpackb(signed[len(purpose) :])
    assert list(fields.items()) == [
        ("nonce", b"n" * 32),
        ("principal", "ada"),
        ("origin", "vienna.example"),
        ("certificate", b"c" * 32),
    ]


def test_the_holders_signature_proves_possession() -> None:
    verify_proof(KEY, CHALLENGE, SIGNATURE)


@pytest.mark.parametrize("other", [{"nonce": b"m" * 32}, {"principal": "ben"}, {"origin": "mallory.example"}, {"certificate": b"d" * 32}])
def test_a_signature_for_another_challenge_proves_nothing(other: dict[str, object]) -> None:
    with pytest.raises(VerificationError):
        verify_proof(KEY, attrs.evolve(CHALLENGE, **other), SIGNATURE)  # type: ignore[arg-type]


@pytest.mark.parametrize("signature", [b"", b"x" * 63, b"x" * 64, b"x" * 65, SIGNATURE[:-1] + bytes([SIGNATURE[-1] ^ 1])])
def test_a_wrong_signature_of_any_size_proves_nothing(signature: bytes) -> None:
    with pytest.raises(VerificationError):
        verify_proof(KEY, CHALLENGE, signature)


def test_a_signature_without_the_purpose_tag_proves_nothing() -> None:
    with pytest.raises(VerificationError):
        verify_proof(KEY, CHALLENGE, ADA.sign(challenge_bytes(CHALLENGE)[len(b"vienna/challenge/1\0") :]).signature)


def test_a_signature_without_the_zero_byte_after_the_tag_proves_nothing() -> None:
    with pytest.raises(VerificationError):
        verify_proof(KEY, CHALLENGE, ADA.sign(challenge_bytes(CHALLENGE).replace(b"\0", b"", 1)).signature)


@pytest.mark.parametrize("key", [b"", b"k" * 31, b"\xff" * 32, bytes(SigningKey(b"m" * 32).verify_key)])
def test_another_key_or_no_key_proves_nothing(key: bytes) -> None:
    with pytest.raises(VerificationError):
        verify_proof(key, CHALLENGE, SIGNATURE)
