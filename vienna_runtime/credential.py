"""NAME.vienna: how a member reaches its node and proves who it is, in a file that nobody else can read.

    version, address, server_name, node_key, tenant, principal, role    readable, so that the holder can see what it is
    ca                                                                  the certificate to trust, PEM
    api_key, signing_key                                                in the clear (mode 0600) for machines, or
    sealed                                                              both, under argon2id(passphrase), for people

The readable fields are associated data of the seal: a sealed credential whose address or certificate somebody exchanged
does not open, so its key is never used with another server.
"""

from __future__ import annotations

import base64
import binascii
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import msgpack

from vienna_runtime import private_file
from vienna_runtime.errors import CredentialError
from vienna_runtime.sealing import MODERATE, Cost, Passphrase, new_seal, unseal
from vienna_runtime.secret import Secret

KIND = "vienna/credential/1"
SUFFIX = ".vienna"
LARGEST = 64 * 1024  # ours have about 2 KiB; certificates vary
SEED_BYTES = 32  # an Ed25519 private key as RFC 8032 has it

_VERSION = 1
_OPEN_FIELDS = ("version", "address", "server_name", "node_key", "tenant", "principal", "role", "ca")
_PLAIN_FIELDS = (*_OPEN_FIELDS, "api_key", "signing_key")
_SEALED_FIELDS = (*_OPEN_FIELDS, "sealed")


@attrs.frozen(kw_only=True, eq=False)
class Credential:
    """Everything a member needs to connect.  ``signing_key`` is an Ed25519 seed, ``None`` for who never signs."""

    address: str  # host:port
    server_name: str  # what the server's certificate must be for
    ca: str  # PEM
    node_key: str  # the node's verifier key in its standard text: the one root of trust
    tenant: str
    principal: str
    role: str
    api_key: Secret
    signing_key: Secret | None


def write(path: Path, credential: Credential, *, passphrase: Secret | None, cost: Cost = MODERATE, force: bool = False) -> None:
    """The file, mode 0600 from its first moment; ``FileTakenError`` if there is one and ``force`` was not asked for."""
    signing = credential.signing_key.reveal() if credential.signing_key is not None else b""
    fields = _open_fields(credential)
    if passphrase is None:
        secrets = {"api_key": credential.api_key.reveal().decode(), "signing_key": base64.b64encode(signing).decode()}
    else:
        seal = new_seal(KIND, Passphrase(passphrase), cost=cost)
        packed: bytes = msgpack.packb([credential.api_key.reveal(), signing])
        secrets = {"sealed": base64.b64encode(seal.seal(packed, context=_context(fields))).decode()}
    text = "".join(f"{name} = {_toml(value)}\n" for name, value in {**fields, **secrets}.items())
    content = f"# A Vienna credential: whoever can read this file can act as {credential.principal}.\n{text}".encode()
    (private_file.replace if force else private_file.create)(path, content)


def read(path: Path, *, ask: Callable[[], Secret]) -> Credential:
    """The credential in that file; ``ask`` is called for the passphrase if it is sealed.

    ``UnsafeFileError`` if others can read it, ``CredentialError`` if it is none, ``VerificationError`` if it does not open.
    """
    fields = _parsed(path, private_file.read(path, largest=LARGEST))
    if "sealed" in fields:
        context = _context({name: fields[name] for name in _OPEN_FIELDS})
        _, packed = unseal(KIND, _base64(path, fields["sealed"]), Passphrase(ask()), context=context)
        api_key, signing = msgpack.unpackb(packed)
    else:
        api_key, signing = fields["api_key"].encode(), _base64(path, fields["signing_key"])
    if len(signing) not in (0, SEED_BYTES):
        raise CredentialError(f"{path} is damaged: its signing key has another length than {SEED_BYTES} bytes")
    return Credential(
        address=fields["address"],
        server_name=fields["server_name"],
        ca=fields["ca"],
        node_key=fields["node_key"],
        tenant=fields["tenant"],
        principal=fields["principal"],
        role=fields["role"],
        api_key=Secret(api_key),
        signing_key=Secret(signing) if signing else None,
    )


def is_sealed(path: Path) -> bool:
    """Whether opening it will need a passphrase."""
    return "sealed" in _parsed(path, private_file.read(path, largest=LARGEST))


def _open_fields(credential: Credential) -> dict[str, str | int]:
    named = {name: getattr(credential, name) for name in _OPEN_FIELDS[1:]}
    return {"version": _VERSION, **named}


def _context(fields: dict[str, Any]) -> bytes:
    packed: bytes = msgpack.packb([fields[name] for name in _OPEN_FIELDS])
    return packed


def _parsed(path: Path, content: bytes) -> dict[str, Any]:
    try:
        fields = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise CredentialError(f"{path} is not a credential file") from None  # the parser's own text may quote a secret
    if fields.get("version") != _VERSION or isinstance(fields["version"], bool):
        raise CredentialError(f"{path} is not a credential of version {_VERSION}")
    if set(fields) not in ({*_PLAIN_FIELDS}, {*_SEALED_FIELDS}):
        raise CredentialError(f"{path} has other fields than a credential has")
    if wrong := [name for name in fields if name != "version" and not isinstance(fields[name], str)]:
        raise CredentialError(f"{path}: {wrong[0]} must be text")
    return fields


def _base64(path: Path, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise CredentialError(f"{path} is damaged: a key in it is not base64") from None


def _toml(value: str | int) -> str:
    """A TOML value; of text only what needs no escape is written, and line ends in a multi-line literal."""
    if isinstance(value, int):
        return str(value)
    if "'" in value or any(ord(character) < 32 or ord(character) == 127 for character in value.replace("\n", "")):
        raise CredentialError("a credential's fields hold no quotation marks or control characters")
    return f"'''\n{value}'''" if "\n" in value else f"'{value}'"
