"""One line that lets somebody enrol once: where the node is, how to know it, and a token that is used up by enrolling.

    vienna-invitation:<base64url(canonical msgpack ‖ checksum)>

The checksum (4 bytes of SHA-256) is for hands that paste half a line, not for attackers: an invitation is as trustworthy
as the way it came, which is why the admin compares the new key's fingerprint with the member afterwards.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path
from typing import Any

import attrs
import msgpack

from vienna_runtime import private_file
from vienna_runtime.errors import InvitationError
from vienna_runtime.secret import Secret

PREFIX = "vienna-invitation:"
LONGEST = 16 * 1024  # characters; ours have about 1,200

_VERSION = 1
_CHECKSUM = 4
_TEXTS = ("address", "server_name", "node_key", "tenant", "name", "role")
_FIELDS = ("version", *_TEXTS, "ca", "token", "expires")


@attrs.frozen(kw_only=True, eq=False)
class Invitation:
    """What the admin hands to a new member."""

    address: str  # host:port
    server_name: str
    ca: str  # PEM of one certificate
    node_key: str  # the node's verifier key in its standard text
    tenant: str
    name: str
    role: str
    token: Secret  # the text vi_…
    expires: int  # µs since 1970


def encode(invitation: Invitation) -> str:
    """The line, without its end."""
    texts = [getattr(invitation, name) for name in _TEXTS]
    values = (_VERSION, *texts, _der(invitation.ca), invitation.token.reveal(), invitation.expires)
    packed = msgpack.packb(dict(zip(_FIELDS, values, strict=True)))
    return PREFIX + base64.urlsafe_b64encode(packed + _checksum(packed)).decode().rstrip("=")


def decode(text: str, *, now: int) -> Invitation:
    """The invitation with exactly this text (white space around it aside); ``InvitationError`` if damaged or over at ``now``."""
    text = text.strip()
    if not text.startswith(PREFIX) or len(text) > LONGEST:
        raise InvitationError(f"this is not an invitation: one is a single line that begins with {PREFIX}")
    packed = _checked(text.removeprefix(PREFIX))
    fields = _fields(packed)
    if now >= fields["expires"]:
        raise InvitationError("this invitation has expired; ask the tenant's admin for a new one")
    return Invitation(
        **{name: fields[name] for name in _TEXTS},
        ca=_pem(fields["ca"]),
        token=Secret(fields["token"]),
        expires=fields["expires"],
    )


def write(path: Path, invitation: Invitation) -> None:
    """The line in a new file of mode 0600."""
    private_file.create(path, encode(invitation).encode() + b"\n")


def read(path: Path, *, now: int) -> Invitation:
    """The invitation in that file; ``UnsafeFileError`` if others can read it."""
    try:
        text = private_file.read(path, largest=LONGEST).decode("ascii")
    except UnicodeDecodeError:
        raise InvitationError(f"{path} holds no invitation") from None
    return decode(text, now=now)


def _checked(encoded: str) -> bytes:
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _damaged() from None
    packed, checksum = raw[:-_CHECKSUM], raw[-_CHECKSUM:]
    if checksum != _checksum(packed) or base64.urlsafe_b64encode(raw).decode().rstrip("=") != encoded:
        raise _damaged()
    return packed


def _fields(packed: bytes) -> dict[str, Any]:
    try:
        fields = msgpack.unpackb(packed, strict_map_key=True)
        if not isinstance(fields, dict) or fields.get("version") != _VERSION:
            raise InvitationError(f"this invitation is not of version {_VERSION}: the node runs another release of Vienna")
        types = [int, *[str] * len(_TEXTS), bytes, bytes, int]
        if tuple(fields) != _FIELDS or [type(value) for value in fields.values()] != types or msgpack.packb(fields) != packed:
            raise _damaged()
        _pem(fields["ca"])
    except (ValueError, TypeError, msgpack.exceptions.UnpackException):
        raise _damaged() from None
    return fields


def _der(pem: str) -> bytes:
    from cryptography import x509  # here and below: 40 ms of import that every command would wait for
    from cryptography.hazmat.primitives.serialization import Encoding

    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)


def _pem(der: bytes) -> str:
    """``ValueError`` if that is no certificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()


def _checksum(packed: bytes) -> bytes:
    return hashlib.sha256(b"vienna/invitation-text/1\0" + packed).digest()[:_CHECKSUM]


def _damaged() -> InvitationError:
    return InvitationError("this invitation is damaged: copy the whole line once more, or ask for a new one")
