"""Which keys a node holds, found by what they are for; a value that is replaced whole, so that readers need no lock.

Every key has an id, a purpose, the log or tenant it belongs to, the time it was made and until when it signs.  Keys of
one purpose and owner are kept newest first.

    prepared ──▶ counts ──┬──▶ retired         its secret is gone; what it signed still verifies
                          └──▶ compromised     likewise, and no warrant of its is taken any more

The encoding is the canonical msgpack that the keystore seals: what does not encode again to the same bytes is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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

_VERSION = 2
_FIRST = ("id", "purpose", "owner", "month", "created", "until", "secret")  # the fields of version 1, whose keys all count
_KEY_FIELDS = (*_FIRST, "state", "public")


class Purpose(Enum):
    """What a key may do; a key never does two things."""

    CHECKPOINT = "checkpoint"  # signs a log's tree heads
    ISSUER = "issuer"  # signs a tenant's warrants
    WARRANT_MAC = "warrant-mac"  # HMAC over a tenant's warrants, never leaves the node
    DATA = "data"  # seals a log's bodies of one month


class State(Enum):
    """How far a key has come; data keys count until they are destroyed."""

    PREPARED = "prepared"  # on disk, so that it can be announced; it signs nothing yet
    COUNTS = "counts"
    RETIRED = "retired"
    COMPROMISED = "compromised"
    FORMER = "former"  # a MAC key by which no warrant counts any more; a canary that was made by it is still known by it


@attrs.frozen(kw_only=True, eq=False)
class Key:
    """One key.  ``owner`` is a log: a tenant's id, or empty for the node's own."""

    id: bytes
    purpose: Purpose
    owner: str
    month: str  # "2026-11" for data keys, empty otherwise
    created: int  # µs
    until: int  # µs, FOREVER while nothing has taken over from it
    secret: Secret  # empty once it is retired
    state: State = State.COUNTS
    public: bytes = b""  # kept when the secret is not


@attrs.frozen(eq=False)
class SigningPair:
    """An Ed25519 key ready to sign: libsodium's 64-byte form is derived once, not at each signature."""

    id: bytes
    public: bytes
    secret: Secret
    until: int = FOREVER  # µs

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature."""
        signed: bytes = sodium.crypto_sign(message, self.secret.reveal())
        return signed[:64]


@attrs.frozen(eq=False)
class Keyring:
    """All keys of one node, indexed."""

    node: str
    keys: tuple[Key, ...]
    signing: Mapping[tuple[Purpose, str], tuple[SigningPair, ...]] = attrs.field(repr=False)  # what counts, newest first
    prepared: Mapping[tuple[Purpose, str], SigningPair] = attrs.field(repr=False)
    issuers: Mapping[str, tuple[bytes, ...]] = attrs.field(repr=False)  # what a live warrant may be signed with, newest first
    macs: Mapping[str, tuple[Secret, ...]] = attrs.field(repr=False)  # newest first
    former_macs: Mapping[str, tuple[Secret, ...]] = attrs.field(repr=False)
    data: Mapping[tuple[str, str], Key] = attrs.field(repr=False)
    data_by_id: Mapping[tuple[str, bytes], Key] = attrs.field(repr=False)

    @classmethod
    def of(cls, node: str, keys: Iterable[Key], *, ready: Mapping[bytes, SigningPair] = MappingProxyType({})) -> Keyring:
        """The ring of these keys; the later of two for the same thing comes first.  ``ready`` saves deriving pairs again."""
        keys = tuple(keys)
        signing: dict[tuple[Purpose, str], tuple[SigningPair, ...]] = {}
        prepared: dict[tuple[Purpose, str], SigningPair] = {}
        issuers: dict[str, tuple[bytes, ...]] = {}
        macs: dict[str, tuple[Secret, ...]] = {}
        former_macs: dict[str, tuple[Secret, ...]] = {}
        data: dict[tuple[str, str], Key] = {}
        for key in keys:
            place = (key.purpose, key.owner)
            match key.purpose, key.state:
                case Purpose.CHECKPOINT | Purpose.ISSUER, State.COUNTS:
                    signing[place] = (pair := _ready_pair(key, ready), *signing.get(place, ()))
                    if key.purpose is Purpose.ISSUER:
                        issuers[key.owner] = (pair.public, *issuers.get(key.owner, ()))
                case Purpose.CHECKPOINT | Purpose.ISSUER, State.PREPARED:
                    prepared[place] = _ready_pair(key, ready)
                case Purpose.ISSUER, State.RETIRED:
                    issuers[key.owner] = (key.public, *issuers.get(key.owner, ()))
                case Purpose.WARRANT_MAC, State.COUNTS:
                    macs[key.owner] = (key.secret, *macs.get(key.owner, ()))
                case Purpose.WARRANT_MAC, State.FORMER:
                    former_macs[key.owner] = (key.secret, *former_macs.get(key.owner, ()))
                case Purpose.DATA, _:
                    data[key.owner, key.month] = key
                case _:
                    pass  # over: its public half is all that is left, and verifies through the node's log
        by_id = {(key.owner, key.id): key for key in keys if key.purpose is Purpose.DATA}
        return cls(node, keys, signing, prepared, issuers, macs, former_macs, data, by_id)

    def plus(self, *more: Key) -> Keyring:
        """This ring and more keys."""
        return Keyring.of(self.node, (*self.keys, *more), ready=self._ready())

    def without(self, log: str, key_id: bytes) -> Keyring:
        """This ring without one data key; unknown ids change nothing."""
        kept = [key for key in self.keys if (key.purpose, key.owner, key.id) != (Purpose.DATA, log, key_id)]
        return Keyring.of(self.node, kept, ready=self._ready())

    def where(self, change: Callable[[Key], Key | None]) -> Keyring:
        """This ring with every key as ``change`` leaves it; None leaves it out."""
        changed = [after for key in self.keys if (after := change(key)) is not None]
        return Keyring.of(self.node, changed, ready=self._ready())

    def _ready(self) -> dict[bytes, SigningPair]:
        pairs = [pair for pairs in self.signing.values() for pair in pairs]
        return {pair.id: pair for pair in (*pairs, *self.prepared.values())}

    def encode(self) -> Secret:
        """Canonical bytes, secrets included."""
        keys = [
            (key.id, key.purpose.value, key.owner, key.month, key.created, key.until, key.secret.reveal(), key.state.value, key.public)
            for key in self.keys
        ]
        body = {"version": _VERSION, "node": self.node, "keys": [dict(zip(_KEY_FIELDS, key, strict=True)) for key in keys]}
        return Secret(msgpack.packb(body))


def decode(encoded: bytes) -> Keyring:
    """The ring that encodes to exactly these bytes; ``VerificationError`` if there is none."""
    try:
        body = msgpack.unpackb(encoded, strict_map_key=True)
        old = body["version"] == 1
        ring = Keyring.of(body["node"], [_key({**fields, "state": "counts", "public": b""} if old else fields) for fields in body["keys"]])
        same = body["version"] in (1, _VERSION) and Secret(_again(ring, body["version"])) == Secret(encoded)
    except (ValueError, TypeError, KeyError, msgpack.exceptions.UnpackException):
        same = False
        ring = Keyring.of("", ())
    if not same:
        raise VerificationError("the keystore opens, but what it holds is not a set of keys of this version")
    return ring


def _again(ring: Keyring, version: int) -> bytes:
    """How that version encodes it."""
    encoded = ring.encode().reveal()
    if version == _VERSION:
        return encoded
    body = msgpack.unpackb(encoded)
    keys = [{name: fields[name] for name in _FIRST} for fields in body["keys"]]
    packed: bytes = msgpack.packb({"version": version, "node": body["node"], "keys": keys})
    return packed


def _key(fields: dict[str, Any]) -> Key:
    state, secret, public = State(fields["state"]), fields["secret"], fields["public"]
    gone = state in (State.RETIRED, State.COMPROMISED)
    if tuple(fields) != _KEY_FIELDS or len(fields["id"]) != ID_BYTES:
        raise ValueError("not a key")
    if (len(secret), len(public)) != ((0, KEY_BYTES) if gone else (KEY_BYTES, 0)):
        raise ValueError("not a key: it has a secret, or its public half once that is gone")
    return Key(
        id=fields["id"],
        purpose=Purpose(fields["purpose"]),
        owner=fields["owner"],
        month=fields["month"],
        created=fields["created"],
        until=fields["until"],
        secret=Secret(secret),
        state=state,
        public=public,
    )


def _ready_pair(key: Key, ready: Mapping[bytes, SigningPair]) -> SigningPair:
    pair = ready.get(key.id) or _pair(key)
    return pair if pair.until == key.until else attrs.evolve(pair, until=key.until)


def _pair(key: Key) -> SigningPair:
    public, secret = sodium.crypto_sign_seed_keypair(key.secret.reveal())
    return SigningPair(key.id, public, Secret(secret), key.until)
