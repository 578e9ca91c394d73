"""A key hands over to another: an entry of the node's log, signed by both, before the new key signs anything else.

The public part of ``log.rotated/1`` is a canonical map: ``kind`` ("checkpoint": signs the log's tree heads, "issuer": signs
a tenant's warrants), ``tenant`` (the log's name), ``origin``, ``previous`` and ``key`` (Ed25519, 32 bytes each), ``size`` (where the
log ended), ``compromised`` (whether the old key may be in other hands), and the two signatures, each over

    "vienna/rotation/1" ‖ 0x00 ‖ canonical map of all the other fields

``signed_by_previous`` is the old key's consent, ``signed_by_key`` the new one's proof that somebody holds it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TypeAlias

import attrs
from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_open
from nacl.exceptions import CryptoError

from ledger import canonical, node_index
from ledger.entry import NODE, Draft
from ledger.errors import BadDraft, VerificationError
from ledger.note import VerifierKey

TAG = "log.rotated/1"
PURPOSE = b"vienna/rotation/1\0"  # no checkpoint begins so: a note has no zero byte, and every other purpose another name

Sign: TypeAlias = Callable[[bytes], bytes]


class Kind(Enum):
    """What the key that is replaced does."""

    CHECKPOINT = "checkpoint"
    ISSUER = "issuer"


@attrs.frozen(kw_only=True)
class Rotation:
    """Which key takes over from which.  One that ``parse`` returned is signed by both."""

    kind: Kind
    log: str
    origin: str
    previous: bytes
    key: bytes
    size: int  # of the log at that moment, this entry not counted
    compromised: bool = False

    @property
    def bound(self) -> int:
        """The largest size that the old key may sign alone: this entry lengthens the node's own log before the new one can."""
        return self.size + (self.log == NODE)

    @property
    def verifier(self) -> VerifierKey:
        """The new key of a log's checkpoints."""
        return VerifierKey(self.origin, self.key)

    def message(self) -> bytes:
        """What both keys sign."""
        return PURPOSE + canonical.encode(self._fields())

    def _fields(self) -> dict[str, canonical.Value]:
        return {
            "compromised": self.compromised,
            "key": self.key,
            "kind": self.kind.value,
            "origin": self.origin,
            "previous": self.previous,
            "size": self.size,
            "tenant": self.log,
        }


def compose(rotation: Rotation, *, by_previous: Sign, by_key: Sign) -> bytes:
    """The public part of the entry; raises VerificationError when a signer is another than it says."""
    message = rotation.message()
    signed = {"signed_by_key": by_key(message), "signed_by_previous": by_previous(message)}
    public = canonical.encode({**rotation._fields(), **signed})
    parse(public)
    return public


def parse(public: bytes) -> Rotation:
    """The rotation of a public part, both of its signatures checked, or VerificationError."""
    fields = canonical.decode_map(public) if public else {}
    match fields:
        case {
            "kind": ("checkpoint" | "issuer") as kind,
            "tenant": str(log),
            "origin": str(origin),
            "previous": bytes(previous),
            "key": bytes(key),
            "size": int(size),
            "compromised": bool(compromised),
            "signed_by_previous": bytes(by_previous),
            "signed_by_key": bytes(by_key),
        } if len(fields) == 9 and type(size) is int and size >= 0:
            rotation = Rotation(kind=Kind(kind), log=log, origin=origin, previous=previous, key=key, size=size, compromised=compromised)
        case _:
            raise VerificationError("a rotation whose fields are not the declared ones")
    if previous == key:
        raise VerificationError("a key that takes over from itself")
    if len(key) != 32 or not crypto_core_ed25519_is_valid_point(key):
        raise VerificationError("a rotation to what is no Ed25519 public key of full order")
    for signer, signature, whose in ((previous, by_previous, "old"), (key, by_key, "new")):
        if not _verifies(signer, rotation.message(), signature):
            raise VerificationError(f"a rotation that the {whose} key did not sign")
    return rotation


def log_of(public: bytes) -> str:
    """The log whose key a public part hands over; BadDraft where it is no rotation."""
    try:
        return parse(public).log
    except VerificationError as error:
        raise BadDraft(f"the rotation: {error}") from None


def draft(public: bytes, *, size: int, current: VerifierKey, last: int | None, time: int, actor: str) -> Draft:
    """The entry, if it is the next link at a log of ``size`` whose checkpoints ``current`` signs; else BadDraft.

    ``last`` is the entry of the node's log that said before which keys the log has.
    """
    try:
        found = parse(public)
    except VerificationError as error:
        raise BadDraft(f"the rotation: {error}") from None
    if found.size != size or found.origin != current.name:
        raise BadDraft(f"a rotation of {found.origin} at size {found.size}; the log is {current.name} and has {size} entries")
    if found.kind is Kind.CHECKPOINT and found.previous != current.public:
        raise BadDraft("a rotation from a key that does not sign the log's checkpoints")
    follows = () if last is None else (last,)
    return Draft(TAG, time, actor, b"", follows=follows, public=public, keys=(node_index.keys(found.log),))


def _verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    if len(public) != 32 or len(signature) != 64:
        return False
    try:
        crypto_sign_open(signature + message, public)
    except (CryptoError, ValueError):
        return False
    return True
