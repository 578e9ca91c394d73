"""Cosignatures as C2SP tlog-cosignature has them, its own example among them."""

from __future__ import annotations

import pickle

import pytest

from ledger import VerificationError
from ledger.cosignature import LARGEST_TIME, Cosigner, cosignatures, cosigned_at, open_cosignatures, signed_message
from ledger.note import NoteSignature, VerifierKey, compose, open_note

TEXT = "hofburg.example/belvedere\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
WITNESS = Cosigner("witness.example/w1", b"\x01" * 32)
OTHER = Cosigner("witness.example/w2", b"\x02" * 32)

# C2SP tlog-cosignature, "Ed25519 signed message" and the example of the introduction.
EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)


def lines(*signatures: NoteSignature) -> bytes:
    return "".join(signature.line() for signature in signatures).encode()


def test_a_cosignature_verifies_by_its_key_and_names_its_second() -> None:
    signature = WITNESS.cosign(TEXT, 1_679_315_147)
    assert cosigned_at(signature) == 1_679_315_147
    assert WITNESS.verifier.verifies(TEXT.encode(), signature.signature)
    assert VerifierKey.parse(WITNESS.verifier.text) == WITNESS.verifier


def test_what_is_signed_are_the_lines_of_the_specification() -> None:
    assert signed_message(EXAMPLE.partition("\n\n")[0] + "\n", 1_679_315_147) == (
        b"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )


def test_the_example_of_the_specification_names_its_second() -> None:
    note = compose("x\n", [WITNESS.cosign("x\n", 1)])  # any: the example's own keys are not published
    assert open_note(note, [WITNESS.verifier]).verified
    line = EXAMPLE.splitlines()[-1].split(" ")[2]
    import base64

    raw = base64.b64decode(line)
    assert cosigned_at(NoteSignature("witness.example.com/w1", raw[:4], raw[4:])) == 1_679_315_147


def test_another_time_in_front_of_the_same_signature_is_found() -> None:
    signature = WITNESS.cosign(TEXT, 100)
    later = NoteSignature(signature.name, signature.key_id, (101).to_bytes(8, "big") + signature.signature[8:])
    assert not WITNESS.verifier.verifies(TEXT.encode(), later.signature)


def test_a_time_beyond_what_may_be_named_is_refused() -> None:
    with pytest.raises(VerificationError, match="may not be named"):
        cosigned_at(NoteSignature("w", b"1234", (LARGEST_TIME + 1).to_bytes(8, "big") + bytes(64)))
    with pytest.raises(ValueError, match="no time"):
        WITNESS.cosign(TEXT, LARGEST_TIME + 1)


def test_a_plain_signature_is_no_cosignature() -> None:
    with pytest.raises(VerificationError, match="no cosignature"):
        cosigned_at(NoteSignature("w", b"1234", bytes(64)))


def test_from_an_answer_only_verified_lines_of_known_witnesses_are_taken() -> None:
    answer = lines(OTHER.cosign(TEXT, 5), WITNESS.cosign(TEXT, 6))
    (taken,) = open_cosignatures(TEXT, answer, [WITNESS.verifier])
    assert (taken.name, cosigned_at(taken)) == ("witness.example/w1", 6)


@pytest.mark.parametrize("answer", [b"", b"\n", b"nonsense\n", lines(OTHER.cosign(TEXT, 5)), lines(WITNESS.cosign("another\n", 5))])
def test_an_answer_that_proves_nothing_is_refused(answer: bytes) -> None:
    with pytest.raises(VerificationError):
        open_cosignatures(TEXT, answer, [WITNESS.verifier])


def test_an_answer_cannot_smuggle_another_text_in_front_of_its_signature() -> None:
    with pytest.raises(VerificationError):
        open_cosignatures(TEXT, b"more\n\n" + lines(WITNESS.cosign(TEXT, 5)), [WITNESS.verifier])


def test_who_cosigned_a_note_and_when() -> None:
    note = open_note(compose(TEXT, [WITNESS.cosign(TEXT, 5), OTHER.cosign(TEXT, 7)]), [WITNESS.verifier, OTHER.verifier])
    assert cosignatures(note, [OTHER.verifier]) == {OTHER.verifier: 7}


def test_a_cosigner_shows_no_secret() -> None:
    assert "01" * 8 not in repr(WITNESS)
    with pytest.raises(TypeError):
        pickle.dumps(WITNESS)


def test_a_witness_that_puts_words_before_its_signature_has_cosigned_something_else() -> None:
    longer = TEXT + "\nwhat nobody asked for\n"
    answer = b"what nobody asked for\n\n" + lines(WITNESS.cosign(longer, 5))  # the whole would be a note, of another text
    with pytest.raises(VerificationError, match="another text"):
        open_cosignatures(TEXT, answer, [WITNESS.verifier])
