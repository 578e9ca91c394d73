"""A passphrase from a file, a descriptor or a person at a terminal; never from an argument, where ``ps`` shows it.

Order: ``VIENNA_PASSPHRASE_FILE`` (mode 0600), ``VIENNA_PASSPHRASE_FD`` (an open descriptor, read to its end), a prompt.
One newline at the end is not part of it.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from vienna_runtime import private_file
from vienna_runtime.errors import PassphraseError
from vienna_runtime.secret import Secret

SHORTEST = 8  # fewer characters fall to guessing even at argon2id's price
_LONGEST = 4096  # bytes: more was not meant as a passphrase

Prompt = Callable[[str], str]


def read(what: str, *, environ: Mapping[str, str], new: bool = False, prompt: Prompt | None = None) -> Secret:
    """The passphrase for ``what`` ("clara.vienna", "the keystore"); a new one is asked twice and has a least length.

    ``prompt`` is ``getpass`` where there is a terminal, and ``None`` where nobody can be asked: then it is an error that
    names the two variables.
    """
    raw = _from_environment(environ)
    if raw is None:
        raw = _from_person(what, new=new, prompt=prompt)
    if not raw:
        raise PassphraseError(f"the passphrase for {what} is empty")
    if new and len(raw.decode(errors="replace")) < SHORTEST:
        raise PassphraseError(f"the passphrase for {what} is too short: at least {SHORTEST} characters")
    return Secret(raw)


def terminal_prompt(interactive: bool) -> Prompt | None:
    """A prompt that echoes nothing, or ``None`` without a terminal."""
    return getpass.getpass if interactive else None


def _from_environment(environ: Mapping[str, str]) -> bytes | None:
    if (named := environ.get("VIENNA_PASSPHRASE_FILE")) is not None:
        return _trimmed(private_file.read(Path(named), largest=_LONGEST))
    if (number := environ.get("VIENNA_PASSPHRASE_FD")) is not None:
        if not number.isascii() or not number.isdigit():
            raise PassphraseError("VIENNA_PASSPHRASE_FD must be the number of an open descriptor")
        try:
            with open(int(number), "rb") as file:
                return _trimmed(file.read(_LONGEST + 1))
        except OSError as error:
            raise PassphraseError(f"VIENNA_PASSPHRASE_FD={number} cannot be read: {os.strerror(error.errno or 0)}") from None
    return None


def _from_person(what: str, *, new: bool, prompt: Prompt | None) -> bytes:
    if prompt is None:
        raise PassphraseError(
            f"a passphrase for {what} is needed and there is no terminal to ask at; "
            "name a file of mode 0600 in VIENNA_PASSPHRASE_FILE, or an open descriptor in VIENNA_PASSPHRASE_FD"
        )
    text = prompt(f"New passphrase for {what}: " if new else f"Passphrase for {what}: ")
    if new and prompt("The same again: ") != text:
        raise PassphraseError("the two passphrases differ; nothing was written")
    return text.encode()


def _trimmed(raw: bytes) -> bytes:
    if len(raw) > _LONGEST:
        raise PassphraseError(f"the passphrase is longer than {_LONGEST} bytes: was another file meant?")
    return raw.removesuffix(b"\n").removesuffix(b"\r")
