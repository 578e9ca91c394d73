from __future__ import annotations

import stat
from pathlib import Path
from typing import NoReturn

import pytest

from vienna_runtime.errors import FileTakenError, PassphraseError, UnsafeFileError
from vienna_runtime.keystore import Keystore
from vienna_runtime.keystore_opener import make_key_file, opener_for, read_key_file
from vienna_runtime.sealing import INSECURE_TEST_COST, Passphrase
from vienna_runtime.secret import Secret

WORDS = Secret(b"dem Narren zum Trotz")


def nobody() -> NoReturn:
    raise AssertionError("a keystore under a key file asks for no passphrase")


def test_a_made_key_file_opens_what_it_sealed_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "keystore.key"
    key = make_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key_file(path) == key
    Keystore.create(tmp_path / "keystore", key, node="vienna.local")
    opener = opener_for(tmp_path / "keystore", key_file=path, ask=nobody)
    assert Keystore.open(tmp_path / "keystore", opener).node == "vienna.local"


def test_each_made_key_is_another_and_none_is_overwritten(tmp_path: Path) -> None:
    assert make_key_file(tmp_path / "one") != make_key_file(tmp_path / "two")
    with pytest.raises(FileTakenError):
        make_key_file(tmp_path / "one")


def test_a_keystore_under_a_passphrase_asks_for_it_and_never_looks_for_a_key_file(tmp_path: Path) -> None:
    Keystore.create(tmp_path / "keystore", Passphrase(WORDS), node="vienna.local", cost=INSECURE_TEST_COST)
    opener = opener_for(tmp_path / "keystore", key_file=tmp_path / "missing", ask=lambda: WORDS)
    assert Keystore.open(tmp_path / "keystore", opener).node == "vienna.local"


@pytest.mark.parametrize("content", [b"", b"00" * 31, b"00" * 33, b"AB" * 32, b"secret-looking text", b"00" * 32 + b"\n\n"])
def test_a_file_that_holds_no_key_is_refused_unrepeated(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keystore.key"
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(PassphraseError, match="64 hexadecimal digits") as refused:
        read_key_file(path)
    assert "secret-looking" not in str(refused.value)


def test_a_key_file_others_can_read_is_refused(tmp_path: Path) -> None:
    make_key_file(tmp_path / "keystore.key")
    (tmp_path / "keystore.key").chmod(0o640)
    with pytest.raises(UnsafeFileError):
        read_key_file(tmp_path / "keystore.key")
