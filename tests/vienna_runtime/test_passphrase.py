from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from vienna_runtime import passphrase
from vienna_runtime.errors import PassphraseError, UnsafeFileError

WORDS = "dem Narren zum Trotz"


class Person:
    """Somebody at a terminal, who answers in this order and is asked no more than that."""

    def __init__(self, answers: Iterable[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, question: str) -> str:
        self.asked.append(question)
        return self.answers.pop(0)


def file(directory: Path, content: bytes) -> dict[str, str]:
    path = directory / "passphrase"
    path.touch(mode=0o600)
    path.write_bytes(content)
    return {"VIENNA_PASSPHRASE_FILE": str(path)}


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_file_holds_it_and_the_end_of_the_line_is_no_part(tmp_path: Path, end: str) -> None:
    assert passphrase.read("the keystore", environ=file(tmp_path, (WORDS + end).encode())).reveal() == WORDS.encode()


def test_a_file_others_can_read_is_refused(tmp_path: Path) -> None:
    environ = file(tmp_path, WORDS.encode())
    (tmp_path / "passphrase").chmod(0o644)
    with pytest.raises(UnsafeFileError):
        passphrase.read("the keystore", environ=environ)


def test_a_descriptor_is_read_to_its_end_and_closed() -> None:
    out, into = os.pipe()
    os.write(into, WORDS.encode() + b"\n")
    os.close(into)
    assert passphrase.read("the keystore", environ={"VIENNA_PASSPHRASE_FD": str(out)}).reveal() == WORDS.encode()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(out)


@pytest.mark.parametrize("number", ["", "-1", "stdin", "1e1", "٣"])
def test_a_descriptor_that_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(PassphraseError, match="number"):
        passphrase.read("the keystore", environ={"VIENNA_PASSPHRASE_FD": number})


def test_a_descriptor_that_is_not_open_is_refused_with_a_sentence() -> None:
    out, into = os.pipe()
    os.close(out)
    os.close(into)
    with pytest.raises(PassphraseError, match="cannot be read"):
        passphrase.read("the keystore", environ={"VIENNA_PASSPHRASE_FD": str(out)})


def test_a_person_is_asked_once_to_open_and_twice_for_a_new_one() -> None:
    once = Person([WORDS])
    assert passphrase.read("clara.vienna", environ={}, prompt=once).reveal() == WORDS.encode()
    assert once.asked == ["Passphrase for clara.vienna: "]
    twice = Person([WORDS, WORDS])
    assert passphrase.read("clara.vienna", environ={}, new=True, prompt=twice).reveal() == WORDS.encode()
    assert len(twice.asked) == 2


def test_two_that_differ_are_refused() -> None:
    with pytest.raises(PassphraseError, match="differ"):
        passphrase.read("clara.vienna", environ={}, new=True, prompt=Person([WORDS, WORDS + "!"]))


def test_where_nobody_can_be_asked_the_error_says_what_to_set() -> None:
    assert passphrase.terminal_prompt(interactive=False) is None
    with pytest.raises(PassphraseError, match=r"VIENNA_PASSPHRASE_FILE.*VIENNA_PASSPHRASE_FD"):
        passphrase.read("the keystore", environ={}, prompt=None)


def test_an_empty_a_short_new_and_an_endless_one_are_refused_unrepeated(tmp_path: Path) -> None:
    with pytest.raises(PassphraseError, match="empty"):
        passphrase.read("the keystore", environ=file(tmp_path, b"\n"))
    with pytest.raises(PassphraseError, match="too short") as short:
        passphrase.read("the keystore", environ=file(tmp_path, b"sieben7"), new=True)
    assert "sieben7" not in str(short.value)
    out, into = os.pipe()
    os.write(into, b"x" * 5000)
    os.close(into)
    with pytest.raises(PassphraseError, match="longer"):
        passphrase.read("the keystore", environ={"VIENNA_PASSPHRASE_FD": str(out)})
