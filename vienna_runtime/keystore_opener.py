"""What opens the node's keystore, from where the operator keeps it: a key file, or a passphrase asked for when needed.

A raw key file holds 32 bytes as 64 hexadecimal digits and is refused when others can read it.  ``make_key_file`` is what
``--insecure-dev-keys`` uses: the key then lies beside what it opens, which protects against nothing but a stray copy of
one of the two, and the keystore says so in its header.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from vienna_runtime import private_file
from vienna_runtime.errors import PassphraseError
from vienna_runtime.sealing import Opener, Passphrase, RawKey, new_raw_key, unverified_asks_passphrase
from vienna_runtime.secret import Secret

_LONGEST = 256  # 64 digits and a newline; a long file was named by mistake
_KEY = re.compile(rb"([0-9a-f]{64})\n?")


def make_key_file(path: Path) -> RawKey:
    """A new random key in a new file of mode 0600."""
    key = new_raw_key()
    private_file.create(path, key.secret.reveal().hex().encode() + b"\n")
    return key


def read_key_file(path: Path) -> RawKey:
    """The key in that file; ``PassphraseError`` if it is none, without repeating what it holds."""
    found = _KEY.fullmatch(private_file.read(path, largest=_LONGEST))
    if found is None:
        raise PassphraseError(f"{path} is not a key file: it must hold 64 hexadecimal digits (make one with: openssl rand -hex 32)")
    return RawKey(Secret(bytes.fromhex(found[1].decode())))


def opener_for(keystore: Path, *, key_file: Path, ask: Callable[[], Secret]) -> Opener:
    """How that keystore opens: by the key file if it was sealed so, else by the passphrase that ``ask`` returns."""
    if unverified_asks_passphrase(private_file.read(keystore)):
        return Passphrase(ask())
    return read_key_file(key_file)
