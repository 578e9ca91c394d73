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
NODE, NEXT = (NoteSigner("vienna.example", bytes([number]) * 32) for number in (1, 2))
TEXT = Checkpoint(SIGNER.verifier.name, 7, bytes(32)).text()
BELIEF = Belief(7, bytes(32), compose(TEXT, [SIGNER.sign(TEXT.encode())]))


def test_it_lies_beside_the_credential() -> None:
    assert known.place(Path("keys/clara.vienna")) == Path("keys/clara.known")


def test_what_was_believed_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "clara.known"
    known.write(path, known.Known(SIGNER.verifier, BELIEF))
    assert known.read(path) == known.Known(SIGNER.verifier, BELIEF)


def test_the_first_keys_that_are_told_are_pinned(tmp_path: Path) -> None:
    path = tmp_path / "clara.known"
    for _ in range(2):
        settled = known.settle(path, nodes=[NODE.verifier], logs=[SIGNER.verifier])
        assert settled == known.read(path) == known.Known(SIGNER.verifier, None, NODE.verifier)
    for nodes, logs in (([NODE.verifier], [OTHER.verifier]), ([NEXT.verifier], [SIGNER.verifier])):
        with pytest.raises(VerificationError, match="before"):
            known.settle(path, nodes=nodes, logs=logs)


def test_keys_that_took_over_are_remembered_in_place_of_the_pinned_ones_and_nobody_goes_back(tmp_path: Path) -> None:
    path = tmp_path / "clara.known"
    known.write(path, known.Known(SIGNER.verifier, BELIEF, NODE.verifier))
    settled = known.settle(path, nodes=[NEXT.verifier, NODE.verifier], logs=[OTHER.verifier, SIGNER.verifier])
    assert settled == known.read(path) == known.Known(OTHER.verifier, BELIEF, NEXT.verifier, (SIGNER.verifier,))
    for nodes, logs in (
        ([NODE.verifier], [OTHER.verifier, SIGNER.verifier]),
        ([NEXT.verifier, NODE.verifier], [SIGNER.verifier]),
    ):
        with pytest.raises(VerificationError, match="before"):
            known.settle(path, nodes=nodes, logs=logs)


def test_a_file_that_names_no_node_is_one_of_an_earlier_version_and_gets_one(tmp_path: Path) -> None:
    path = tmp_path / "clara.known"
    known.write(path, known.Known(SIGNER.verifier, BELIEF))
    assert known.settle(path, nodes=[NODE.verifier], logs=[SIGNER.verifier]).belief == BELIEF
    found = known.read(path)
    assert found is not None
    assert found.node == NODE.verifier


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
