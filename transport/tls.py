"""TLS 1.3 or nothing, on both sides, and the hash by which a certificate is named in the handshake.

TLS 1.3 has no renegotiation and no compression.  Ed25519 leaf certificates are disliked by browsers, Go and curl: use P-256.
"""

from __future__ import annotations

import hashlib
import ssl
from os import PathLike
from typing import TypeAlias

import attrs

Path: TypeAlias = str | PathLike[str]


@attrs.frozen(kw_only=True)
class ServerTls:
    context: ssl.SSLContext
    certificate: bytes  # certificate_hash of the leaf it presents


def server_context(cert_chain: Path, key: Path) -> ServerTls:
    """The server's side, from PEM files: the leaf first in ``cert_chain``, then its issuers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION  # moot in 1.3; stated, so that a later version stays without
    context.num_tickets = 0  # no resumption: a ticket would let a session begin without the certificate being shown again
    context.load_cert_chain(cert_chain, key)
    with open(cert_chain, encoding="ascii", errors="replace") as file:
        return ServerTls(context=context, certificate=certificate_hash(_leaf(file.read())))


def client_context(ca: Path | None = None, *, pem: str | None = None) -> ssl.SSLContext:
    """The client's side: trusts exactly the given authorities (a PEM file or text), and checks the name it dialled."""
    if (ca is None) == (pem is None):
        raise ValueError("name the authorities to trust: either a PEM file or PEM text")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # certificate required, name checked
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.load_verify_locations(cafile=ca, cadata=pem)
    return context


def certificate_hash(der: bytes) -> bytes:
    """SHA-256 of a certificate's DER."""
    return hashlib.sha256(der).digest()


def _leaf(chain: str) -> bytes:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    start = chain.index(begin)
    return ssl.PEM_cert_to_DER_cert(chain[start : chain.index(end, start) + len(end)])
