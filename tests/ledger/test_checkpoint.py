from __future__ import annotations

from base64 import b64encode

import pytest

from ledger.checkpoint import Checkpoint, open_checkpoint, origin_of
from ledger.errors import VerificationError
from ledger.note import NoteSigner, compose

ROOT = b64encode(bytes(32)).decode()
SIGNER = NoteSigner("hofburg.example", bytes(32))


def test_a_checkpoint_is_origin_size_and_root_on_a_line_each() -> None:
    checkpoint = Checkpoint("hofburg.example/belvedere", 42, bytes(32))
    assert checkpoint.text() == f"hofburg.example/belvedere\n42\n{ROOT}\n"
    assert Checkpoint.parse(checkpoint.text()) == checkpoint
    assert origin_of("hofburg.example", "belvedere") == "hofburg.example/belvedere"
    assert origin_of("hofburg.example", "") == "hofburg.example"


@pytest.mark.parametrize("size", ["+1", " 1", "1 ", "1_000", "01", "-1", "", "١", "1e3", "0x1", "99999999999999999999"])
def test_a_size_that_only_python_would_read_is_refused(size: str) -> None:
    with pytest.raises(VerificationError, match="size"):
        Checkpoint.parse(f"hofburg.example\n{size}\n{ROOT}\n")


@pytest.mark.parametrize(
    "text",
    [
        f"hofburg.example\n1\n{ROOT}\nextension\n",
        f"hofburg.example\n1\n{ROOT}",
        f"\n1\n{ROOT}\n",
        "hofburg.example\n1\n",
        "hofburg.example\n1\nAAAA\n",
    ]
    + [f"hofburg.example\n1\n{root}\n" for root in (ROOT[:-1], ROOT[:-2] + "B=", ROOT + " ", ROOT.rstrip("=") + "==")],
)
def test_anything_but_three_exact_lines_is_refused(text: str) -> None:
    with pytest.raises(VerificationError):
        Checkpoint.parse(text)


def test_a_true_signature_over_another_logs_checkpoint_is_refused() -> None:
    own, other = Checkpoint("hofburg.example", 1, bytes(32)), Checkpoint("hofburg.example/belvedere", 1, bytes(32))
    signed = [compose(item.text(), [SIGNER.sign(item.text().encode())]) for item in (own, other)]
    assert open_checkpoint(signed[0], SIGNER.verifier) == own
    with pytest.raises(VerificationError, match="belvedere"):
        open_checkpoint(signed[1], SIGNER.verifier)


def test_one_of_several_keys_opens_it_and_a_wrong_signature_of_another_spoils_it() -> None:
    own, next_, foreign = (NoteSigner("hofburg.example", bytes([n]) * 32) for n in range(3))
    text = Checkpoint("hofburg.example", 1, bytes(32)).text()
    note = compose(text, [own.sign(text.encode()), foreign.sign(text.encode())])
    assert open_checkpoint(note, [next_.verifier, own.verifier]).size == 1
    with pytest.raises(VerificationError, match="none of the known"):
        open_checkpoint(note, [next_.verifier])
    spoilt = compose(text, [own.sign(text.encode()), next_.sign(b"another text\n")])
    with pytest.raises(VerificationError, match="not over this note"):
        open_checkpoint(spoilt, [next_.verifier, own.verifier])


def test_keys_of_different_logs_open_nothing() -> None:
    text = Checkpoint("hofburg.example", 1, bytes(32)).text()
    note = compose(text, [SIGNER.sign(text.encode())])
    for keys in ([SIGNER.verifier, NoteSigner("hofburg.example/belvedere", bytes(32)).verifier], []):
        with pytest.raises(VerificationError, match="keys of one log"):
            open_checkpoint(note, keys)
