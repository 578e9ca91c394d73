"""C2SP signed-note: a text that stands under one or more Ed25519 signatures, each by a named key.

    note          text ending in a newline, an empty line, then one line a signature
    signature     "— " name " " base64(key id (4) ‖ signature)
    key id        SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4]
    verifier key  name "+" hex(key id) "+" base64(type ‖ public key)

A note opens when at least one given key signed it and none of them signed it wrongly; signatures of unknown keys are
ignored, as the specification demands.  Parsing is strict: Python's own number and base64 readers take too much.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import NoReturn

import attrs
from nacl.bindings import crypto_core_ed25519_is_valid_point
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from ledger import postquantum
from ledger.errors import VerificationError

ED25519 = 0x01  # signed-note: a plain signature over the text
COSIGNATURE = 0x04  # tlog-cosignature: a timestamped one over a checkpoint
POSTQUANTUM = 0x06  # tlog-cosignature: the same by ML-DSA-44, see ``ledger.postquantum``
COSIGNATURES = (COSIGNATURE, POSTQUANTUM)
LATEST = 2**63 - 1  # s; tlog-cosignature: a time "MUST NOT exceed 2^63 - 1"
MOST_SIGNATURES = 100  # the specification asks for 16 at least; more is somebody wasting our time
LARGEST_NOTE = 1_000_000  # bytes; a checkpoint has a few hundred

_KEY_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_NAME = re.compile(r"[^\s+]+")
_DASH = "\N{EM DASH} "


@attrs.frozen
class NoteSignature:
    """Somebody's signature; whether it is true is not known yet."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """As it stands in a note."""
        return f"{_DASH}{self.name} {b64encode(self.key_id + self.signature).decode()}\n"


@attrs.frozen
class VerifierKey:
    """A public key and its name; one that exists is a point of full order, or an ML-DSA-44 key."""

    name: str
    public: bytes
    type: int = ED25519

    def __attrs_post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise VerificationError("a key's name has no spaces and no plus")
        if self.type == POSTQUANTUM:
            postquantum.check_public_key(self.public)
            return
        if self.type not in (ED25519, COSIGNATURE):
            raise VerificationError(f"key type {self.type} is not known")
        if len(self.public) != 32 or not crypto_core_ed25519_is_valid_point(self.public):
            raise VerificationError("not an Ed25519 public key of full order")

    @property
    def id(self) -> bytes:
        """The four bytes by which a signature names it."""
        return _key_id(self.name, self.type, self.public)

    @property
    def text(self) -> str:
        """The standard text, for people to compare and copy."""
        return f"{self.name}+{self.id.hex()}+{b64encode(bytes([self.type]) + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """The key of a standard text, or VerificationError."""
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        if not _KEY_ID.fullmatch(key_id):
            raise VerificationError("not a verifier key: name+id+key is expected")
        data = strict_base64(encoded)
        if len(data) != 1 + (postquantum.PUBLIC_BYTES if data[:1] == bytes([POSTQUANTUM]) else 32):
            raise VerificationError("not a verifier key: its key has another length")
        key = cls(name, data[1:], data[0])
        if key.id.hex() != key_id:
            raise VerificationError("not a verifier key: the id is another key's")
        return key

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether the holder of the key signed ``message``."""
        if self.type in COSIGNATURES and int.from_bytes(signature[:8], "big") > LATEST:
            return False
        if self.type == POSTQUANTUM:
            head = _head(message)
            return head is not None and postquantum.verifies(self.name, self.public, head, signature)
        if self.type == COSIGNATURE:
            if len(signature) != 8 + 64:
                return False
            time = int.from_bytes(signature[:8], "big")
            message, signature = f"cosignature/v1\ntime {time}\n".encode() + message, signature[8:]
        if len(signature) != 64:
            return False
        try:
            VerifyKey(self.public).verify(message, signature)
        except BadSignatureError:
            return False
        return True


class NoteSigner:
    """Signs notes under a name.  Shows its public half only, and is not pickled."""

    def __init__(self, name: str, seed: bytes) -> None:
        self._key = SigningKey(seed)
        self.verifier = VerifierKey(name, bytes(self._key.verify_key))
        self._id = self.verifier.id

    def sign(self, message: bytes) -> NoteSignature:
        """A signature over the note's text."""
        return NoteSignature(self.verifier.name, self._id, self._key.sign(message).signature)

    def __repr__(self) -> str:
        return f"NoteSigner({self.verifier.text})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signing key is not pickled")


@attrs.frozen
class Note:
    """An opened note: the text is under every signature in ``verified``."""

    text: str
    verified: tuple[NoteSignature, ...]
    unverified: tuple[NoteSignature, ...]


def compose(text: str, signatures: Sequence[NoteSignature]) -> bytes:
    """The note's bytes; raises ValueError for a text that no note may have."""
    if not text.endswith("\n") or _has_control(text) or not signatures:
        raise ValueError("a note is a text of whole lines without control characters under at least one signature")
    return (text + "\n" + "".join(signature.line() for signature in signatures)).encode()


def open_note(data: bytes, keys: Sequence[VerifierKey]) -> Note:
    """The note, if a key of ``keys`` signed it and none of them wrongly; else VerificationError."""
    text, signatures = _split(data)
    known = {(key.name, key.id): key for key in keys}
    if len(known) != len(keys):
        raise VerificationError("two verifier keys of the same name and id")
    verified, unverified, message = dict[tuple[str, bytes], NoteSignature](), list[NoteSignature](), text.encode()
    for signature in signatures:
        place = (signature.name, signature.key_id)
        if place not in known:
            unverified.append(signature)
        elif place not in verified:
            if not known[place].verifies(message, signature.signature):
                raise VerificationError(f"the signature of {signature.name} is not over this note")
            verified[place] = signature
    if not verified:
        raise VerificationError("signed by none of the known keys")
    return Note(text, tuple(verified.values()), tuple(unverified))


def unverified_note(data: bytes) -> Note:
    """What a well-formed note says, whoever signed it: every signature counts as unverified; else VerificationError."""
    text, signatures = _split(data)
    return Note(text, (), tuple(signatures))


def unverified_signers(data: bytes) -> frozenset[tuple[str, bytes]]:
    """The names and key ids of whoever seems to have signed; none where it is no note.  Which keys to look for, and no more."""
    try:
        return frozenset((signature.name, signature.key_id) for signature in _split(data)[1])
    except VerificationError:
        return frozenset()


def strict_base64(text: str) -> bytes:
    """What ``text`` is the one standard encoding of, padding and trailing bits included; else VerificationError."""
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise VerificationError("not base64") from None
    if b64encode(data).decode() != text:
        raise VerificationError("not base64 in its standard form")
    return data


def _split(data: bytes) -> tuple[str, list[NoteSignature]]:
    if len(data) > LARGEST_NOTE:
        raise VerificationError("a note that is too large")
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise VerificationError("a note that is not UTF-8") from None
    if _has_control(whole):
        raise VerificationError("a note with control characters")
    split = whole.rfind("\n\n")
    text, block = whole[: split + 1], whole[split + 2 :]
    if split < 0 or not block.endswith("\n"):
        raise VerificationError("not a note: no signatures")
    lines = block[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise VerificationError("a note with too many signatures")
    return text, [_parse_line(line) for line in lines]


def _parse_line(line: str) -> NoteSignature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not _NAME.fullmatch(name):
        raise VerificationError("not a signature line")
    data = strict_base64(encoded)
    if len(data) < 5:  # a key id and at least something
        raise VerificationError("not a signature line: too short")
    return NoteSignature(name, data[:4], data[4:])


def _head(message: bytes) -> tuple[str, int, bytes] | None:
    """Origin, size and root of a checkpoint's text (tlog-checkpoint), or None: no such cosignature is over anything else."""
    origin, size, root, *_ = [*message.decode(errors="replace").split("\n"), "", ""]
    try:
        found = strict_base64(root)
    except VerificationError:
        return None
    return (origin, int(size), found) if _SIZE.fullmatch(size) and len(found) == 32 else None


def _key_id(name: str, kind: int, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def _has_control(text: str) -> bool:
    return any(char < " " and char != "\n" for char in text)
