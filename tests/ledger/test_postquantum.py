from __future__ import annotations

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from ledger.checkpoint import Checkpoint
from ledger.cosignature import cosignatures, cosigned_at
from ledger.errors import VerificationError
from ledger.note import LATEST, POSTQUANTUM, NoteSignature, NoteSigner, VerifierKey, compose, open_note
from ledger.postquantum import signed_message
from ledger.witness_policy import Policy

WITNESS = MLDSA44PrivateKey.from_seed_bytes(bytes(range(32)))
KEY = VerifierKey("witness.example/w1", WITNESS.public_key().public_bytes_raw(), POSTQUANTUM)
LOG = NoteSigner("hofburg.example", bytes(32))
ROOT = bytes(range(32, 64))
TEXT = Checkpoint("hofburg.example", 42, ROOT).text()
TIME = 1_795_000_000


def cosigned(name: str = KEY.name, size: int = 42, *, time: int = TIME, stated: int | None = None) -> NoteSignature:
    """A cosignature of ``size`` that its line gives out as ``stated``."""
    signature = WITNESS.sign(signed_message(name, ("hofburg.example", size, ROOT), time))
    return NoteSignature(KEY.name, KEY.id, (time if stated is None else stated).to_bytes(8, "big") + signature)


def note(*signatures: NoteSignature) -> bytes:
    return compose(TEXT, [LOG.sign(TEXT.encode()), *signatures])


def test_a_cosignature_of_the_checkpoint_verifies_beside_the_logs_own_signature() -> None:
    opened = open_note(note(cosigned()), [LOG.verifier, KEY])
    assert len(opened.verified) == 2
    assert cosignatures(opened, [KEY]) == {KEY: TIME}
    assert cosigned_at(opened.verified[1]) == TIME


@pytest.mark.parametrize(
    "wrong",
    [
        cosigned(size=43),
        cosigned(name="witness.example/w2"),
        cosigned(stated=TIME + 1),
        cosigned(time=LATEST + 1),
        NoteSignature(KEY.name, KEY.id, cosigned().signature[:-1]),
        NoteSignature(KEY.name, KEY.id, cosigned().signature + b"\0"),
        NoteSignature(KEY.name, KEY.id, bytes(8 + 64)),
    ],
    ids=["another size", "another cosigner's name", "another time", "a time beyond what may be named", "cut", "longer", "an Ed25519 one"],
)
def test_one_that_is_over_something_else_spoils_the_note(wrong: NoteSignature) -> None:
    with pytest.raises(VerificationError, match="not over this note"):
        open_note(note(wrong), [LOG.verifier, KEY])


def test_whoever_does_not_know_its_key_ignores_it() -> None:
    assert [found.name for found in open_note(note(cosigned()), [LOG.verifier]).unverified] == [KEY.name]


def test_a_note_that_is_no_checkpoint_has_no_such_cosignature() -> None:
    for text in ("hofburg.example\n", "hofburg.example\n+42\n" + b64encode(ROOT).decode() + "\n", "hofburg.example\n42\nAAAA\n"):
        data = compose(text, [LOG.sign(text.encode()), cosigned()])
        with pytest.raises(VerificationError, match="not over this note"):
            open_note(data, [LOG.verifier, KEY])


def test_its_key_has_the_standard_text_and_no_other_length() -> None:
    assert VerifierKey.parse(KEY.text) == KEY
    assert KEY.text.startswith("witness.example/w1+")
    for public in (KEY.public[:-1], KEY.public + b"\0", bytes(32)):
        with pytest.raises(VerificationError):
            VerifierKey(KEY.name, public, POSTQUANTUM)
    short = b64encode(bytes([POSTQUANTUM]) + bytes(32)).decode()
    with pytest.raises(VerificationError, match="another length"):
        VerifierKey.parse(f"witness.example+00000000+{short}")


def test_the_signed_bytes_are_the_specifications_structure() -> None:
    message = signed_message("w", ("hofburg.example", 42, ROOT), 7)
    assert message == b"subtree/v1\n\0" + b"\x01w" + bytes(7) + b"\x07" + b"\x0fhofburg.example" + bytes(8) + bytes(7) + b"\x2a" + ROOT
    for name, origin in (("w" * 256, "hofburg.example"), ("w", "h" * 256), ("w", "")):
        with pytest.raises(ValueError, match="255"):
            signed_message(name, (origin, 42, ROOT), 7)


def test_a_policy_may_ask_for_such_a_witness() -> None:
    policy = Policy.parse(f"log {LOG.verifier.text}\nwitness w1 {KEY.text}\nquorum w1\n")
    assert policy.require(note(cosigned()), [LOG.verifier]).times == (("w1", TIME),)
    with pytest.raises(VerificationError):
        policy.require(note(), [LOG.verifier])
