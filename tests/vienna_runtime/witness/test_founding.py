"""A witness's key is made once, opens for whoever may, and is never another one than the one that is known."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ledger import NoteSigner
from ledger.cosignature import Cosigner
from ledger.note import COSIGNATURE
from vienna_runtime.cli.main import run
from vienna_runtime.errors import UnsafeFileError, VerificationError, WitnessError
from vienna_runtime.sealing import INSECURE_TEST_COST
from vienna_runtime.secret import Secret
from vienna_runtime.witness.founding import found, opened, public

PASSPHRASE = Secret(b"correct horse battery")


def nobody() -> Secret:
    raise AssertionError("no passphrase is asked for")


def test_an_unsealed_key_opens_by_itself_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    made = found(tmp_path / "w", "witness.example/emil", passphrase=None)
    assert opened(tmp_path / "w", nobody).verifier == made.verifier == public(tmp_path / "w")
    assert (made.verifier.name, made.verifier.type) == ("witness.example/emil", COSIGNATURE)
    assert stat.S_IMODE((tmp_path / "w" / "key").stat().st_mode) == 0o600
    (tmp_path / "w" / "key").chmod(0o640)
    with pytest.raises(UnsafeFileError):
        opened(tmp_path / "w", nobody)


def test_a_sealed_key_opens_by_its_passphrase_and_its_public_half_without(tmp_path: Path) -> None:
    made = found(tmp_path / "w", "emil", passphrase=PASSPHRASE, cost=INSECURE_TEST_COST)
    assert public(tmp_path / "w") == made.verifier
    assert opened(tmp_path / "w", lambda: PASSPHRASE).verifier == made.verifier
    with pytest.raises(VerificationError):
        opened(tmp_path / "w", lambda: Secret(b"another"))


def test_another_public_half_beside_the_key_is_refused(tmp_path: Path) -> None:
    found(tmp_path / "w", "emil", passphrase=None)
    (tmp_path / "w" / "key.pub").write_text(Cosigner("emil", b"\x07" * 32).verifier.text + "\n")
    with pytest.raises(WitnessError, match="not the public half"):
        opened(tmp_path / "w", nobody)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "line\nbreak"])
def test_a_name_that_no_note_can_bear_makes_no_witness(tmp_path: Path, name: str) -> None:
    with pytest.raises(WitnessError):
        found(tmp_path / "w", name, passphrase=None)
    assert not (tmp_path / "w").exists()


def test_a_witness_is_not_made_over_something(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(WitnessError, match="is not empty"):
        found(tmp_path, "emil", passphrase=None)


def test_a_log_that_was_never_witnessed_is_listed_with_a_dash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found(tmp_path / "w", "emil", passphrase=None)
    key = NoteSigner("vienna.local/belvedere", bytes(32)).verifier
    assert run(["witness", "add-log", str(tmp_path / "w"), key.text]) == 0
    capsys.readouterr()
    assert run(["witness", "list", str(tmp_path / "w")]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["vienna.local/belvedere", "-", "-", key.id.hex()]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list", "NOWHERE"), "there is no witness in"),
        (("serve", "NOWHERE"), "there is no witness in"),
        (("serve", "NOWHERE", "--listen", "localhost"), "--listen takes HOST:PORT"),
        (("serve", "NOWHERE", "--tls-cert", "FILE"), "go together"),
        (("add-log", "NOWHERE", "COSIGNER"), "a cosigner's key"),
        (("add-log", "NOWHERE", "nonsense"), "not a verifier key"),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str) -> None:
    (tmp_path / "file").touch()
    stands_for = {"NOWHERE": str(tmp_path / "no"), "FILE": str(tmp_path / "file"), "COSIGNER": Cosigner("emil", bytes(32)).verifier.text}
    assert run(["witness", *(stands_for.get(word, word) for word in words)]) == 2
    assert said in capsys.readouterr().err
