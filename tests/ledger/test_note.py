from __future__ import annotations

import json
import pickle
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import VerificationError
from ledger.note import (
    COSIGNATURE,
    LARGEST_NOTE,
    MOST_SIGNATURES,
    NoteSignature,
    NoteSigner,
    VerifierKey,
    compose,
    open_note,
    unverified_signers,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "signed_note.json").read_text())
GOOD = VECTORS["good_vkeys"]


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["desc"])
def test_a_note_opens_exactly_when_the_vectors_say_so(case: dict[str, Any]) -> None:
    keys = [VerifierKey.parse(text) for text in case["vkeys"]]
    if case["ok"]:
        note = open_note(b64decode(case["note_b64"]), keys)
        assert [[item.name, item.key_id.hex()] for item in note.verified] == case["verified"]
    else:
        with pytest.raises(VerificationError):
            open_note(b64decode(case["note_b64"]), keys)


def test_signing_gives_the_note_of_the_vectors() -> None:
    _, _, name, key_id, key = VECTORS["sign"]["skey"].split("+", 4)
    signer = NoteSigner(name, b64decode(key)[1:])
    assert signer.verifier.id.hex() == key_id
    assert compose(VECTORS["sign"]["text"], [signer.sign(VECTORS["sign"]["text"].encode())]).decode() == VECTORS["sign"]["want"]


def test_good_verifier_keys_parse_and_print_as_they_were() -> None:
    assert [VerifierKey.parse(text).text for text in GOOD] == GOOD


@pytest.mark.parametrize("text", VECTORS["bad_vkeys"])
def test_bad_verifier_keys_are_refused(text: str) -> None:
    with pytest.raises(VerificationError):
        VerifierKey.parse(text)


def test_every_cut_and_every_changed_byte_of_a_verifier_key_is_refused() -> None:
    text = GOOD[0]
    cuts = [text[start:stop] for start in range(len(text)) for stop in range(start, len(text) + 1) if stop - start < len(text)]
    changes = [text[:at] + chr(ord(text[at]) + 1) + text[at + 1 :] for at in range(len(text))]
    for broken in cuts + changes:
        with pytest.raises(VerificationError):
            VerifierKey.parse(broken)


def test_a_public_key_of_low_order_is_refused() -> None:
    for point in (bytes(32), b"\x01" + bytes(31), bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")):
        with pytest.raises(VerificationError, match="full order"):
            VerifierKey("mallory", point)


def test_two_signatures_open_under_either_key_and_show_the_other_as_unverified() -> None:
    old, new = (NoteSigner("hofburg.example", bytes([number]) * 32) for number in (1, 2))
    data = compose("text\n", [old.sign(b"text\n"), new.sign(b"text\n")])
    for known, other in ((old, new), (new, old)):
        note = open_note(data, [known.verifier])
        assert [item.key_id for item in note.verified] == [known.verifier.id]
        assert [item.key_id for item in note.unverified] == [other.verifier.id]
    assert len(open_note(data, [old.verifier, new.verifier]).verified) == 2


def test_the_same_key_given_twice_is_refused() -> None:
    signer = NoteSigner("hofburg.example", bytes(32))
    with pytest.raises(VerificationError, match="same name"):
        open_note(compose("text\n", [signer.sign(b"text\n")]), [signer.verifier, signer.verifier])


def test_a_cosignature_covers_its_time() -> None:
    signer = NoteSigner("witness.example", bytes(32))
    key = VerifierKey("witness.example", signer.verifier.public, COSIGNATURE)
    text, time = "hofburg.example\n0\nAA==\n", 1_795_000_000
    signature = time.to_bytes(8, "big") + signer.sign(f"cosignature/v1\ntime {time}\n{text}".encode()).signature
    assert open_note(compose(text, [NoteSignature(key.name, key.id, signature)]), [key]).verified
    later = (time + 1).to_bytes(8, "big") + signature[8:]
    with pytest.raises(VerificationError):
        open_note(compose(text, [NoteSignature(key.name, key.id, later)]), [key])


def test_what_cannot_be_a_note_is_not_composed() -> None:
    signature = NoteSigner("hofburg.example", bytes(32)).sign(b"")
    for text, signatures in (("no newline", [signature]), ("tab\t\n", [signature]), ("text\n", [])):
        with pytest.raises(ValueError, match="a note is"):
            compose(text, signatures)


def test_a_signer_shows_and_gives_away_its_public_half_only() -> None:
    signer = NoteSigner("hofburg.example", b"\x07" * 32)
    assert repr(signer) == f"NoteSigner({signer.verifier.text})"
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(signer)


# What signed-note says of several signatures

TEXT = "hofburg.example\n0\nAA==\n"
KNOWN = NoteSigner("hofburg.example", b"\x01" * 32)


def test_sharing_a_name_or_an_id_with_a_known_key_but_not_both_is_being_unknown() -> None:
    good = KNOWN.sign(TEXT.encode())
    for stranger in (NoteSignature(good.name, b"abcd", bytes(64)), NoteSignature("mallory.example", good.key_id, bytes(64))):
        for order in ((stranger, good), (good, stranger)):
            note = open_note(compose(TEXT, order), [KNOWN.verifier])
            assert (note.verified, note.unverified) == ((good,), (stranger,))
        with pytest.raises(VerificationError, match="none of the known"):
            open_note(compose(TEXT, [stranger]), [KNOWN.verifier])


def test_a_signature_under_a_known_name_and_id_is_verified_and_spoils_the_note() -> None:
    good = KNOWN.sign(TEXT.encode())
    forged = NoteSignature(good.name, good.key_id, NoteSigner("mallory", b"\x02" * 32).sign(TEXT.encode()).signature)
    with pytest.raises(VerificationError, match="not over this note"):
        open_note(compose(TEXT, [forged, good]), [KNOWN.verifier])


@pytest.mark.parametrize("length", [1, 63, 65, 72, 2428, 5000])
def test_signatures_of_kinds_that_nobody_here_knows_may_have_any_length(length: int) -> None:
    strange = NoteSignature("witness.example", b"\xff\xfe\xfd\xfc", bytes(length))
    assert open_note(compose(TEXT, [strange, KNOWN.sign(TEXT.encode())]), [KNOWN.verifier]).unverified == (strange,)


def test_a_known_keys_signature_of_another_length_spoils_the_note() -> None:
    good = KNOWN.sign(TEXT.encode())
    for signature in (good.signature[:-1], good.signature + b"\0", b"\0"):
        with pytest.raises(VerificationError, match="not over this note"):
            open_note(compose(TEXT, [NoteSignature(good.name, good.key_id, signature)]), [KNOWN.verifier])


def test_a_hundred_signatures_are_read_and_no_more() -> None:
    strange = [NoteSignature(f"witness{number}.example", number.to_bytes(4, "big"), bytes(64)) for number in range(MOST_SIGNATURES)]
    good = KNOWN.sign(TEXT.encode())
    assert len(open_note(compose(TEXT, [*strange[1:], good]), [KNOWN.verifier]).unverified) == MOST_SIGNATURES - 1
    with pytest.raises(VerificationError, match="too many"):
        open_note(compose(TEXT, [*strange, good]), [KNOWN.verifier])
    with pytest.raises(VerificationError, match="too large"):
        open_note(compose(TEXT, [NoteSignature("witness.example", b"abcd", bytes(LARGEST_NOTE)), good]), [KNOWN.verifier])


@pytest.mark.parametrize("name", ["", "two words", "no\u00a0break", "a\u2003b", "a+b", "line\u2028separator", "tab\tbed"])
def test_a_name_with_any_unicode_space_or_a_plus_is_none(name: str) -> None:
    with pytest.raises(VerificationError):
        VerifierKey(name, KNOWN.verifier.public)
    data = TEXT.encode() + b"\n" + NoteSignature(name, KNOWN.verifier.id, bytes(64)).line().encode()
    with pytest.raises(VerificationError):
        open_note(data, [KNOWN.verifier])


def test_who_seems_to_have_signed_is_read_without_believing_it() -> None:
    note = compose(TEXT, [KNOWN.sign(b"another text"), NoteSignature("mallory.example", b"abcd", b"x")])
    assert unverified_signers(note) == {(KNOWN.verifier.name, KNOWN.verifier.id), ("mallory.example", b"abcd")}
    assert unverified_signers(b"no note") == frozenset()


@given(st.binary(max_size=300))
def test_no_octets_at_all_do_more_than_be_refused(data: bytes) -> None:
    for whole in (data, TEXT.encode() + b"\n" + data, TEXT.encode() + "\n\N{EM DASH} hofburg.example ".encode() + data + b"\n"):
        with pytest.raises(VerificationError):
            open_note(whole, [KNOWN.verifier])
