"""Which keys a node holds, found by what they are for; a value that is replaced whole, so that readers need no lock.

Every key has an id, a purpose, the log or tenant it belongs to, the time it was made and until when it counts.  Keys of
one purpose and owner are kept newest first.  The encoding is the canonical msgpack that the keystore seals: what does not
encode again to the same bytes is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any

import attrs
import msgpack
import nacl.bindings as sodium

from vienna_runtime.errors import VerificationError
from vienna_runtime.secret import Secret

KEY_BYTES = 32  # Ed25519 seeds, HMAC-SHA256 keys and XSalsa20-Poly1305 keys alike
ID_BYTES = 8  # names a key among a node's thousands; not secret, not a check
FOREVER = 0  # no end of validity yet

_VERSION = 1
_KEY_FIELDS = ("id", "purpose", "owner", "month", "created", "until", "secret")


class Purpose(Enum):
    """What a key may do; a key never does two things."""

    CHECKPOINT = "checkpoint"  # signs a log's tree heads
    ISSUER = "issuer"  # signs a tenant's warrants
    WARRANT_MAC = "warrant-mac"  # HMAC over a tenant's warrants, never leaves the node
    DATA = "data"  # seals a log's bodies of one month


@attrs.frozen(kw_only=True, eq=False)
class Key:
    """One key.  ``owner`` is a log: a tenant's id, or empty for the node's own."""

    id: bytes
    purpose: Purpose
    owner: str
    month: str  # "2026-11" for data keys, empty otherwise
    created: int  # µs
    until: int  # µs, FOREVER while it counts
    secret: Secret


@attrs.frozen(eq=False)
class SigningPair:
    """An Ed25519 key ready to sign: libsodium's 64-byte form is derived once, not at each signature."""

    id: bytes
    public: bytes
    secret: Secret

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature."""
        signed: bytes = sodium.crypto_sign(message, self.secret.reveal())
        return signed[:64]


@attrs.frozen(eq=False)
class Keyring:
    """All keys of one node, indexed."""

    node: str
    keys: tuple[Key, ...]
    signing: Mapping[tuple[Purpose, str], tuple[SigningPair, ...]] = attrs.field(repr=False)
    macs: Mapping[str, Secret] = attrs.field(repr=False)
    data: Mapping[tuple[str, str], Key] = attrs.field(repr=False)
    data_by_id: Mapping[tuple[str, bytes], Key] = attrs.field(repr=False)

    @classmethod
    def of(cls, node: str, keys: Iterable[Key], *, ready: Mapping[bytes, SigningPair] = MappingProxyType({})) -> Keyring:
        """The ring of these keys; the later of two for the same thing comes first.  ``ready`` saves deriving pairs again."""
        keys = tuple(keys)
        signing: dict[tuple[Purpose, str], tuple[SigningPair, ...]] = {}
        macs: dict[str, Secret] = {}
        data: dict[tuple[str, str], Key] = {}
        for key in keys:
            match key.purpose:
                case Purpose.CHECKPOINT | Purpose.ISSUER:
                    place = (key.purpose, key.owner)
                    signing[place] = (ready.get(key.id) or _pair(key), *signing.get(place, ()))
                case Purpose.WARRANT_MAC:
                    macs[key.owner] = key.secret
                case Purpose.DATA:
                    data[key.owner, key.month] = key
        by_id = {(key.owner, key.id): key for key in keys if key.purpose is Purpose.DATA}
        return cls(node, keys, signing, macs, data, by_id)

    def plus(self, *more: Key) -> Keyring:
        """This ring and more keys."""
        return Keyring.of(self.node, (*self.keys, *more), ready=self._ready())

    def without(self, log: str, key_id: bytes) -> Keyring:
        """This ring without one data key; unknown ids change nothing."""
        kept = [key for key in self.keys if (key.purpose, key.owner, key.id) != (Purpose.DATA, log, key_id)]
        return Keyring.of(self.node, kept, ready=self._ready())

    def _ready(self) -> dict[bytes, SigningPair]:
        return {pair.id: pair for pairs in self.signing.values() for pair in pairs}

    def encode(self) -> Secret:
        """Canonical bytes, secrets included."""
        keys = [
            (key.id, key.purpose.value, key.owner, key.month, key.created, key.until, key.secret.reveal())
            for key in self.keys
        ]  # fmt: skip
        body = {"version": _VERSION, "node": self.node, "keys": [dict(zip(_KEY_FIELDS, key, strict=True)) for key in keys]}
        return Secret(msgpack.packb(body))


def decode(encoded: bytes) -> Keyring:
    """The ring that encodes to exactly these bytes; ``VerificationError`` if there is none."""
    try:
        body = msgpack.unpackb(encoded, strict_map_key=True)
        ring = Keyring.of(body["node"], [_key(fields) for fields in body["keys"]])
        same = body["version"] == _VERSION and ring.encode() == Secret(encoded)
    except (ValueError, TypeError, KeyError, msgpack.exceptions.UnpackException):
        same = False
        ring = Keyring.of("", ())
    if not same:
        raise VerificationError("the keystore opens, but what it holds is not a set of keys of this version")
    return ring


def _key(fields: dict[str, Any]) -> Key:
    if tuple(fields) != _KEY_FIELDS or len(fields["secret"]) != KEY_BYTES or len(fields["id"]) != ID_BYTES:
        raise ValueError("not a key")
    return Key(
        id=fields["id"],
        purpose=Purpose(fields["purpose"]),
        owner=fields["owner"],
        month=fields["month"],
        created=fields["created"],
        until=fields["until"],
        secret=Secret(fields["secret"]),
    )


def _pair(key: Key) -> SigningPair:
    public, secret = sodium.crypto_sign_seed_keypair(key.secret.reveal())
    return SigningPair(key.id, public, Secret(secret))
