"""What is remembered about a log between two commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.checkpoint import Checkpoint
from ledger.note import NoteSigner, compose
from vienna_runtime import known
from vienna_runtime.errors import CredentialError, UnsafeFileError, VerificationError
from vienna_runtime.tail import Belief

SIGNER = NoteSigner("vienna.example/belvedere", bytes(range(32)))
OTHER = NoteSigner("vienna.example/belvedere", bytes(32))
TEXT = Checkpoint(SIGNER.verifier.name, 7, bytes(32)).text()
BELIEF = Belief(7, bytes(32), compose(TEXT, [SIGNER.sign(TEXT.encode())]))


def test_it_lies_beside_the_credential() -> None:
    assert known.place(Path("keys/clara.vienna")) == Path("keys/clara.known")


def test_what_was_believed_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "clara.known"
    known.write(path, known.Known(SIGNER.verifier, BELIEF))
    assert known.read(path) == known.Known(SIGNER.verifier, BELIEF)


def test_the_first_key_that_is_told_is_pinned(tmp_path: Path) -> None:
    path = tmp_path / "clara.known"
    assert known.settle(path, SIGNER.verifier) == known.Known(SIGNER.verifier)
    assert known.settle(path, SIGNER.verifier) == known.Known(SIGNER.verifier)
    with pytest.raises(VerificationError, match="before"):
        known.settle(path, OTHER.verifier)


def test_a_belief_that_its_key_did_not_sign_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "clara.known"
    known.write(path, known.Known(OTHER.verifier, BELIEF))
    with pytest.raises(CredentialError, match="damaged"):
        known.read(path)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"log": 1, "checkpoint": null}', b'{"log": "x", "checkpoint": null}', b"\xff"])
def test_a_damaged_file_is_an_error_and_never_a_fresh_start(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clara.known"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(CredentialError, match="damaged"):
        known.read(path)


def test_a_file_that_others_could_change_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clara.known"
    known.write(path, known.Known(SIGNER.verifier))
    path.chmod(0o666)
    with pytest.raises(UnsafeFileError):
        known.read(path)
