from __future__ import annotations

import stat
from pathlib import Path
from typing import NoReturn

import attrs
import pytest

from vienna_runtime import credential
from vienna_runtime.credential import Credential
from vienna_runtime.errors import CredentialError, FileTakenError, UnsafeFileError, VerificationError
from vienna_runtime.sealing import INSECURE_TEST_COST
from vienna_runtime.secret import Secret

API_KEY = b"vk_belvedere_0101010101010101_" + b"5e" * 32
SEED = b"the thirty-two bytes of clara's "
WORDS = Secret(b"dem Narren zum Trotz")
CLARA = Credential(
    address="127.0.0.1:7443",
    server_name="localhost",
    ca="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    node_key="vienna.local+01020304+AbCd/+==",
    tenant="belvedere",
    principal="clara",
    role="approver",
    api_key=Secret(API_KEY),
    signing_key=Secret(SEED),
)


def nobody() -> NoReturn:
    raise AssertionError("a plain credential asks for no passphrase")


def write(path: Path, *, passphrase: Secret | None = WORDS, what: Credential = CLARA, force: bool = False) -> Path:
    credential.write(path, what, passphrase=passphrase, cost=INSECURE_TEST_COST, force=force)
    return path


def fields(one: Credential) -> list[object]:
    return [getattr(one, field.name) for field in attrs.fields(Credential)]


@pytest.mark.parametrize("signing", [Secret(SEED), None])
def test_a_credential_reads_back_whole_sealed_or_plain(tmp_path: Path, signing: Secret | None) -> None:
    what = attrs.evolve(CLARA, signing_key=signing)
    sealed = write(tmp_path / "clara.vienna", what=what)
    plain = write(tmp_path / "ada.vienna", what=what, passphrase=None)
    assert fields(credential.read(sealed, ask=lambda: WORDS)) == fields(what)
    assert fields(credential.read(plain, ask=nobody)) == fields(what)
    assert credential.is_sealed(sealed)
    assert not credential.is_sealed(plain)


def test_the_file_is_its_owners_alone_and_a_wider_one_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = write(tmp_path / "clara.vienna")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for mode in (0o640, 0o604, 0o660):
        path.chmod(mode)
        with pytest.raises(UnsafeFileError, match="chmod 600"):
            credential.read(path, ask=lambda: WORDS)
        with pytest.raises(UnsafeFileError):
            credential.is_sealed(path)


def test_a_credential_is_overwritten_only_by_force(tmp_path: Path) -> None:
    path = write(tmp_path / "clara.vienna")
    with pytest.raises(FileTakenError):
        write(path, what=attrs.evolve(CLARA, principal="mallory"))
    assert credential.read(path, ask=lambda: WORDS).principal == "clara"
    write(path, what=attrs.evolve(CLARA, principal="dora"), force=True)
    assert credential.read(path, ask=lambda: WORDS).principal == "dora"


def test_a_sealed_file_holds_neither_key_in_any_spelling(tmp_path: Path) -> None:
    content = write(tmp_path / "clara.vienna").read_bytes()
    for hidden in (API_KEY, b"5e" * 32, SEED, WORDS.reveal(), SEED.hex().encode(), b"signing_key"):
        assert hidden not in content


def test_a_wrong_passphrase_and_an_exchanged_server_are_refused_alike(tmp_path: Path) -> None:
    path = write(tmp_path / "clara.vienna")
    with pytest.raises(VerificationError) as wrong:
        credential.read(path, ask=lambda: Secret(b"dem Narren zum Trost"))
    good = path.read_text()
    for old, new in [
        ("127.0.0.1:7443", "10.6.6.6:7443"),
        ("'localhost'", "'mallory.example'"),
        ("AAAA", "AAAB"),
        ("01020304", "01020305"),
        ("'belvedere'", "'schoenbrunn'"),
        ("'clara'", "'mallory'"),
        ("'approver'", "'admin'"),
    ]:
        assert old in good
        path.write_text(good.replace(old, new))
        with pytest.raises(VerificationError) as exchanged:
            credential.read(path, ask=lambda: WORDS)
        assert str(exchanged.value) == str(wrong.value)


def test_every_altered_character_of_the_seal_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "clara.vienna")
    good = path.read_text()
    start = good.index("sealed = '") + len("sealed = '")
    for index in range(start, len(good) - 2, 5):
        path.write_text(good[:index] + ("A" if good[index] != "A" else "B") + good[index + 1 :])
        with pytest.raises((VerificationError, CredentialError)):
            credential.read(path, ask=lambda: WORDS)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "not = [toml",
        "version = 2\n",
        "version = true\n",
        "version = 1\n",
        "version = 1\napi_key = 'secret-in-a-damaged-file'\n",
        "api_key = 'secret-in-a-damaged-file",
    ],
)
def test_what_is_no_credential_is_refused_without_repeating_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "clara.vienna"
    path.touch(mode=0o600)
    path.write_text(content)
    with pytest.raises(CredentialError) as refused:
        credential.read(path, ask=nobody)
    assert "secret-in" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tenant = 'belvedere'", "tenant = 7"),
        ("tenant = ", "tenent = "),
        ("signing_key = '", "signing_key = 'A"),
        ("signing_key = '", "signing_key = 'AAAA"),
    ],
)
def test_a_damaged_plain_credential_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = write(tmp_path / "ada.vienna", passphrase=None)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(CredentialError):
        credential.read(path, ask=nobody)


@pytest.mark.parametrize("principal", ["cl'ara", "cla\x1b[2Jra", "clara\x7f", "cla\rra", "clara\0"])
def test_a_name_that_could_break_out_of_its_quotes_is_not_written(tmp_path: Path, principal: str) -> None:
    with pytest.raises(CredentialError):
        write(tmp_path / "clara.vienna", what=attrs.evolve(CLARA, principal=principal))
    assert not list(tmp_path.iterdir())


def test_a_credential_never_shows_its_keys(tmp_path: Path) -> None:
    shown = repr(CLARA) + repr(credential.read(write(tmp_path / "ada.vienna", passphrase=None), ask=nobody))
    assert "5e5e" not in shown
    assert "thirty-two" not in shown
    assert "clara" in shown
