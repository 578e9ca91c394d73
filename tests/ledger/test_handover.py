"""Keys hand over in a ledger: what is written, what is signed by whom, and what a check by either key finds."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from ledger import (
    BadDraft,
    Batch,
    DataKey,
    Draft,
    Ledger,
    NoteSignature,
    NoteSigner,
    UnknownLog,
    VerificationError,
    VerifierKey,
    origin_of,
    rotation,
    verify_directory,
)
from ledger.header import parse
from ledger.note import open_note
from ledger.rotation import Kind, Rotation

NAME = "hofburg.example"


class TurningKeys:
    """A keystore whose logs may have several signers, newest first."""

    def __init__(self) -> None:
        self.seeds: dict[str, list[bytes]] = {log: [sha256(log.encode()).digest()] for log in ("", "belvedere")}

    def signers(self, log: str) -> list[NoteSigner]:
        return [NoteSigner(origin_of(NAME, log), seed) for seed in self.seeds[log]]

    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        return [signer.sign(message) for signer in self.signers(log)]

    def verifier(self, log: str) -> VerifierKey:
        return self.signers(log)[0].verifier

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        return tuple(signer.verifier for signer in self.signers(log))

    def data_key(self, log: str, month: str) -> DataKey:
        digest = sha256(f"{log} {month}".encode()).digest()
        return DataKey(digest[:8], digest)

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        return self.data_key(log, "1970-01")

    def handover(self, log: str, seed: bytes, size: int, *, kind: Kind = Kind.CHECKPOINT) -> bytes:
        old, new = SigningKey(self.seeds[log][0]), SigningKey(seed)
        change = Rotation(
            kind=kind, log=log, origin=origin_of(NAME, log), previous=bytes(old.verify_key), key=bytes(new.verify_key), size=size
        )
        return rotation.compose(change, by_previous=lambda m: old.sign(m).signature, by_key=lambda m: new.sign(m).signature)


@pytest.fixture
def keys() -> TurningKeys:
    return TurningKeys()


@pytest.fixture
def ledger(opened: Callable[..., Ledger]) -> Ledger:
    made = opened()
    made.create("belvedere", time=1, actor="operator")
    append(made, 3)
    return made


def append(ledger: Ledger, count: int) -> None:
    ledger.append_many([Batch("belvedere", ledger.head("belvedere").size, tuple(Draft("t/1", 1, "ada", b"x") for _ in range(count)))])


def rotate(ledger: Ledger, keys: TurningKeys, log: str, seed: bytes, *, overlap: bool = True) -> None:
    ledger.rotate(keys.handover(log, seed, ledger.head(log).size), time=2, actor="operator")
    keys.seeds[log].insert(0, seed)
    ledger.sign_again(log)
    if not overlap:
        del keys.seeds[log][1:]


def names(note: bytes, *keys: VerifierKey) -> set[bytes]:
    return {signature.key_id for signature in open_note(note, keys).verified}


@pytest.mark.parametrize("log", ["", "belvedere"])
@pytest.mark.parametrize("overlap", [True, False])
def test_old_and_new_key_lead_through_a_handover(ledger: Ledger, keys: TurningKeys, tmp_path: Path, log: str, overlap: bool) -> None:
    first = keys.verifier("")
    rotate(ledger, keys, log, b"\x01" * 32, overlap=overlap)
    append(ledger, 2)
    ledger.commit_heads(time=3, actor="scribe")
    rotate(ledger, keys, log, b"\x02" * 32, overlap=overlap)
    append(ledger, 2)
    ledger.commit_heads(time=3, actor="scribe")
    newest = keys.verifier("")
    ledger.close()
    for key in {first, newest}:
        assert [one.size for one in verify_directory(tmp_path / "ledger", key).logs] == [5, 7]


def test_during_the_overlap_both_keys_sign_and_before_it_the_new_one_nothing(ledger: Ledger, keys: TurningKeys) -> None:
    old, new = keys.verifier(""), NoteSigner(NAME, b"\x01" * 32).verifier
    receipt = ledger.rotate(keys.handover("", b"\x01" * 32, ledger.head("").size), time=2, actor="operator")
    assert names(receipt.checkpoint, old, new) == {old.id}
    keys.seeds[""].insert(0, b"\x01" * 32)
    ledger.sign_again("")
    assert names(ledger.head("").checkpoint, old, new) == {old.id, new.id}
    assert ledger.head("").size == receipt.size


@pytest.mark.parametrize("log", ["", "belvedere"])
@pytest.mark.parametrize("moment", ["before the entry", "after the entry", "when both sign", "signed again", "old one gone"])
def test_a_crash_at_any_moment_of_a_handover_leaves_a_ledger_that_opens_and_verifies(
    ledger: Ledger, keys: TurningKeys, tmp_path: Path, opened: Callable[..., Ledger], log: str, moment: str
) -> None:
    first, seed = keys.verifier(""), b"\x01" * 32
    if moment != "before the entry":
        ledger.rotate(keys.handover(log, seed, ledger.head(log).size), time=2, actor="operator")
        if moment != "after the entry":
            keys.seeds[log].insert(0, seed)
            if moment != "when both sign":
                ledger.sign_again(log)
                if moment != "signed again":
                    del keys.seeds[log][1:]
    ledger.close()
    assert verify_directory(tmp_path / "ledger", first).entries
    again = opened()
    assert [again.head(name).frozen for name in ("", "belvedere")] == [None, None]


def test_the_replaced_key_alone_does_not_pass_for_a_log_that_went_on(
    ledger: Ledger, keys: TurningKeys, tmp_path: Path, opened: Callable[..., Ledger]
) -> None:
    first, stolen = keys.verifier(""), list(keys.seeds["belvedere"])
    rotate(ledger, keys, "belvedere", b"\x01" * 32, overlap=False)
    keys.seeds["belvedere"] = stolen  # mallory goes on with the key that was given up
    append(ledger, 1)
    ledger.close()
    with pytest.raises(VerificationError, match="replaced at a smaller size"):
        verify_directory(tmp_path / "ledger", first)


def test_a_node_key_from_nowhere_verifies_nothing(ledger: Ledger, keys: TurningKeys, tmp_path: Path) -> None:
    rotate(ledger, keys, "", b"\x01" * 32)
    ledger.close()
    with pytest.raises(VerificationError):
        verify_directory(tmp_path / "ledger", NoteSigner(NAME, b"\x09" * 32).verifier)


def test_what_is_no_next_link_is_not_written(ledger: Ledger, keys: TurningKeys) -> None:
    size = ledger.head("").size
    wrong = [
        keys.handover("belvedere", b"\x01" * 32, 2),  # at a size it has no more
        keys.handover("", b"\x01" * 32, 0),
        b"",
    ]
    keys.seeds["belvedere"][0] = b"\x05" * 32  # a key that is not the log's
    foreign = keys.handover("belvedere", b"\x01" * 32, 3)
    keys.seeds["belvedere"][0] = sha256(b"belvedere").digest()
    for public in (*wrong, foreign):
        with pytest.raises(BadDraft):
            ledger.rotate(public, time=2, actor="operator")
    keys.seeds["schoenbrunn"] = [b"\x06" * 32]
    with pytest.raises(UnknownLog):
        ledger.rotate(keys.handover("schoenbrunn", b"\x01" * 32, 0), time=2, actor="operator")
    with pytest.raises(UnknownLog):
        ledger.sign_again("schoenbrunn")
    assert ledger.head("").size == size


def test_each_rotation_follows_the_entry_that_named_the_keys_before(ledger: Ledger, keys: TurningKeys) -> None:
    rotate(ledger, keys, "belvedere", b"\x01" * 32)
    rotate(ledger, keys, "", b"\x02" * 32)
    rotate(ledger, keys, "belvedere", b"\x03" * 32)
    follows = [parse(record.entry).follows for record in ledger.read("", 0, 4)]
    assert follows == [(), (0,), (), (1,)]


def test_signing_again_changes_nothing_but_the_signatures(ledger: Ledger, keys: TurningKeys) -> None:
    before = ledger.head("belvedere")
    keys.seeds["belvedere"].insert(0, b"\x01" * 32)
    ledger.sign_again("belvedere")
    after = ledger.head("belvedere")
    assert (before.size, before.root) == (after.size, after.root)
    assert after.checkpoint.startswith(before.checkpoint[: before.checkpoint.index(b"\n\n")])
    assert len(after.checkpoint.splitlines()) == len(before.checkpoint.splitlines()) + 1
