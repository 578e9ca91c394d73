"""A proof file says what it says in one way only, and proves one entry at one place."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import Checkpoint, NoteSigner, VerificationError, leaf_hash, open_checkpoint
from ledger.note import compose
from ledger.proof_file import MAGIC, ProofFile
from ledger.proofs import prove_inclusion
from ledger.tree import root_over, subtree_root

ENTRIES = [b"entry %d" % number for number in range(23)]
SIGNER = NoteSigner("hofburg.example/belvedere", b"s" * 32)


def node_at(level: int, index: int) -> bytes:
    return root_over(ENTRIES[index << level : index + 1 << level])


def checkpoint(size: int = 23) -> bytes:
    made = Checkpoint(SIGNER.verifier.name, size, subtree_root(node_at, 0, size))
    return compose(made.text(), [SIGNER.sign(made.text().encode())])


def proof(index: int, **changed: object) -> ProofFile:
    fields: dict[str, object] = {
        "index": index,
        "hashes": prove_inclusion(node_at, index, 23),
        "note": checkpoint(),
        "extra": ENTRIES[index],
    }
    return ProofFile(**(fields | changed))  # type: ignore[arg-type]


def opened(note: bytes) -> Checkpoint:
    return open_checkpoint(note, SIGNER.verifier)


@pytest.mark.parametrize("index", range(23))
def test_every_entry_is_proved_by_its_own_file_and_by_no_others(index: int) -> None:
    found = ProofFile.parse(proof(index).compose())
    assert found == proof(index)
    assert found.verify(opened).size == 23
    with pytest.raises(VerificationError):
        found.verify(opened, entry=ENTRIES[index - 1])
    with pytest.raises(VerificationError):
        ProofFile(index=(index + 1) % 23, hashes=found.hashes, note=found.note, extra=found.extra).verify(opened)


def test_a_file_without_its_entry_needs_it_beside() -> None:
    found = ProofFile.parse(proof(4, extra=None).compose())
    assert found.verify(opened, entry=ENTRIES[4]).size == 23
    with pytest.raises(VerificationError, match="does not hold its entry"):
        found.verify(opened)


def test_the_form_is_the_specifications() -> None:
    lines = proof(0).compose().decode().split("\n")
    assert lines[:3] == [MAGIC, f"extra {b64encode(ENTRIES[0]).decode()}", "index 0"]
    assert lines[3] == b64encode(leaf_hash(ENTRIES[1])).decode()
    assert lines[8:12] == ["", SIGNER.verifier.name, "23", b64encode(subtree_root(node_at, 0, 23)).decode()]


def test_a_cosigned_checkpoint_stays_as_it_is_in_the_file() -> None:
    witness = NoteSigner("emil.example", b"w" * 32)
    note = checkpoint() + witness.sign(b"anything").line().encode()
    assert ProofFile.parse(proof(3, note=note).compose()).note == note


WHOLE = proof(5).compose()


@given(st.integers(0, len(WHOLE) * 8 - 1))
def test_no_bit_of_it_can_be_flipped(bit: int) -> None:
    changed = bytearray(WHOLE)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(VerificationError):
        ProofFile.parse(bytes(changed)).verify(opened)


@pytest.mark.parametrize(
    "change",
    [
        (b"c2sp.org/tlog-proof@v1\n", b"c2sp.org/tlog-proof@v2\n"),
        (b"c2sp.org/tlog-proof@v1\n", b"\nc2sp.org/tlog-proof@v1\n"),
        (b"index 5\n", b"index 05\n"),
        (b"index 5\n", b"index +5\n"),
        (b"index 5\n", "index \u0665\n".encode()),
        (b"index 5\n", b""),
        (b"index 5\n", b"index 5\nindex 5\n"),
        (b"index 5\n", b"index 5\r\n"),
        (b"index 5\n", b"index 5\n" + b"A" * 43 + b"=\n"),  # one hash too many
        (b"index 5\n", b"index 5\n" + (b"A" * 43 + b"=\n") * 64),
        (b"index 5\n", b"index 5\nAAAA\n"),
        (b"extra ", b"extra  "),
        (b"extra ", b"more "),
        (b"\n\n", b"\n"),
        (b"\n\n", b"\n\n\n"),
    ],
)
def test_any_other_form_is_refused(change: tuple[bytes, bytes]) -> None:
    assert change[0] in WHOLE
    with pytest.raises(VerificationError):
        ProofFile.parse(WHOLE.replace(*change, 1)).verify(opened)


def test_what_is_too_large_is_not_looked_at() -> None:
    with pytest.raises(VerificationError, match="not a proof"):
        ProofFile.parse(WHOLE + b"\n" * 2_000_000)
