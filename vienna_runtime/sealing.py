"""What opens again is what was sealed, by somebody who knew the passphrase or held the key.

    file   = length of header (2 bytes) ‖ header ‖ XChaCha20-Poly1305(master key, nonce, secrets; header ‖ context)
    header = canonical msgpack map: kind, kdf, opslimit, memlimit, salt, nonce, insecure

The header is associated data, and so is a context the caller may add (a credential's readable fields).  The costs of the
derivation are read from the file *before* anything can be authenticated, so they are capped first: a prepared file must
not make us allocate a terabyte.  Every failure is the same ``VerificationError``: which bit was wrong is nobody's business.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final, TypeAlias

import attrs
import msgpack
import nacl.bindings as sodium
import nacl.exceptions
import nacl.utils

from vienna_runtime.errors import VerificationError
from vienna_runtime.secret import Secret

LARGEST_OPSLIMIT = 8  # twice libsodium's "sensitive": seconds, not hours
LARGEST_MEMLIMIT = 1 << 30  # 1 GiB, libsodium's "sensitive"; more could only be meant to exhaust us
LARGEST_HEADER = 512  # ours has about 170 bytes

_SALT = 16  # argon2's salt, also used to make two files under one raw key have two master keys
_NONCE = sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
_FIELDS = ("kind", "kdf", "opslimit", "memlimit", "salt", "nonce", "insecure")
_PASSPHRASE, _KEY = "argon2id", "key"


@attrs.frozen
class Cost:
    """What one guess of a passphrase costs: passes over memory, and bytes of it."""

    opslimit: int
    memlimit: int


MODERATE = Cost(3, 256 << 20)  # libsodium's "moderate": about half a second, paid once when the node starts
INSECURE_TEST_COST = Cost(1, 8 << 10)  # argon2's least: for tests only, and what is sealed with it calls itself insecure


@attrs.frozen
class Passphrase:
    """Opens by argon2id; slow on purpose."""

    secret: Secret


@attrs.frozen
class RawKey:
    """Opens by 32 random bytes kept elsewhere (a file of mode 0600, a secret manager)."""

    secret: Secret


Opener: TypeAlias = Passphrase | RawKey


@attrs.frozen(eq=False)
class Seal:
    """A derived master key and the header it belongs to: seals again and again without another derivation."""

    kind: str
    kdf: str
    cost: Cost
    salt: bytes
    insecure: bool
    master: Secret

    def seal(self, secrets: bytes, *, context: bytes = b"") -> bytes:
        """The whole file.  A random nonce of 24 bytes each time: no counter to lose in a crash."""
        nonce = nacl.utils.random(_NONCE)
        header = _header(self, nonce)
        prefix = len(header).to_bytes(2, "big") + header
        return prefix + sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(secrets, prefix + context, nonce, self.master.reveal())


def new_seal(kind: str, opener: Opener, *, cost: Cost = MODERATE, insecure: bool = False) -> Seal:
    """A seal with a fresh salt.  ``insecure`` is written into the header for good: what was made in haste stays marked."""
    salt = nacl.utils.random(_SALT)
    match opener:
        case Passphrase():
            return Seal(kind, _PASSPHRASE, cost, salt, insecure or cost == INSECURE_TEST_COST, _derive(opener, kind, cost, salt))
        case RawKey():
            free = Cost(0, 0)
            return Seal(kind, _KEY, free, salt, insecure, _derive(opener, kind, free, salt))


def unseal(kind: str, file: bytes, opener: Opener, *, context: bytes = b"") -> tuple[Seal, bytes]:
    """The seal and the secrets, exactly as sealed for this kind and context; ``VerificationError`` otherwise."""
    found = _unverified_header(file)
    if found is None:
        raise _refusal(kind)
    header, prefix = found
    expected: Final = _PASSPHRASE if isinstance(opener, Passphrase) else _KEY
    if header["kind"] != kind or header["kdf"] != expected:
        raise _refusal(kind)
    cost = Cost(header["opslimit"], header["memlimit"])
    master = _derive(opener, kind, cost, header["salt"])
    try:
        secrets = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(file[len(prefix) :], prefix + context, header["nonce"], master.reveal())
    except (nacl.exceptions.CryptoError, ValueError, TypeError):
        raise _refusal(kind) from None
    return Seal(kind, expected, cost, header["salt"], header["insecure"], master), secrets


def unverified_asks_passphrase(file: bytes) -> bool:
    """Whether the file says that a passphrase opens it: whom to ask, before anything is proved."""
    found = _unverified_header(file)
    return found is None or found[0]["kdf"] == _PASSPHRASE


def new_raw_key() -> RawKey:
    """32 random bytes from the operating system."""
    return RawKey(Secret(nacl.utils.random(32)))


def _derive(opener: Opener, kind: str, cost: Cost, salt: bytes) -> Secret:
    match opener:
        case Passphrase(secret=passphrase):
            key = sodium.crypto_pwhash_alg(32, passphrase.reveal(), salt, cost.opslimit, cost.memlimit, sodium.crypto_pwhash_ALG_ARGON2ID13)
            return Secret(key)
        case RawKey(secret=raw):
            return Secret(hashlib.blake2b(kind.encode(), key=raw.reveal(), salt=salt, person=b"vienna-seal/1", digest_size=32).digest())


def _header(seal: Seal, nonce: bytes) -> bytes:
    values = (seal.kind, seal.kdf, seal.cost.opslimit, seal.cost.memlimit, seal.salt, nonce, seal.insecure)
    packed: bytes = msgpack.packb(dict(zip(_FIELDS, values, strict=True)))
    return packed


def _unverified_header(file: bytes) -> tuple[dict[str, Any], bytes] | None:
    """The header's fields, within their types and caps and in their one spelling; nothing of it is authenticated yet."""
    size = int.from_bytes(file[:2], "big")
    raw = file[2 : 2 + size]
    if len(raw) != size or not 0 < size <= LARGEST_HEADER:
        return None
    try:
        header = msgpack.unpackb(raw, strict_map_key=True, use_list=False)
        if not isinstance(header, dict) or tuple(header) != _FIELDS or msgpack.packb(header) != raw:
            return None
    except (ValueError, TypeError, msgpack.exceptions.UnpackException):
        return None
    return (header, file[: 2 + size]) if _within_caps(header) else None


def _within_caps(header: dict[str, Any]) -> bool:
    opslimit: int
    memlimit: int
    opslimit, memlimit = header["opslimit"], header["memlimit"]
    if [type(header[field]) for field in _FIELDS] != [str, str, int, int, bytes, bytes, bool]:
        return False
    if len(header["salt"]) != _SALT or len(header["nonce"]) != _NONCE:
        return False
    match header["kdf"]:
        case "argon2id":
            return 1 <= opslimit <= LARGEST_OPSLIMIT and INSECURE_TEST_COST.memlimit <= memlimit <= LARGEST_MEMLIMIT
        case "key":
            return (opslimit, memlimit) == (0, 0)
        case _:
            return False


def _refusal(kind: str) -> VerificationError:
    return VerificationError(
        f"this {kind.split('/')[1]} does not open: the passphrase or key is not the one it was sealed with, or the file was altered"
    )
