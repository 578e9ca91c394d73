"""Opens one session with the credential's node, or says in one sentence why there is none."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
from nacl.signing import SigningKey

from ledger import VerificationError as LedgerVerificationError
from ledger.note import VerifierKey
from transport import errors as wire
from transport.client import connect as connect_wire
from transport.link import ClientConnection
from transport.tls import client_context
from vienna_runtime.client.errors import NotAdmitted, Unreachable, Untrusted
from vienna_runtime.errors import CredentialError
from vienna_runtime.secret import Secret

DEFAULT_PORT = 7443  # where an address names none


@attrs.frozen(kw_only=True, eq=False)
class Door:
    """Where a node is, how to know it, and what to show there."""

    address: str  # host:port
    server_name: str
    ca: str  # PEM
    node_key: str  # verifier key text
    bearer: Secret
    signing_key: Secret | None

    @property
    def origin(self) -> str:
        """The node's name: what the proof of possession is made out to."""
        try:
            return VerifierKey.parse(self.node_key).name
        except LedgerVerificationError as error:
            raise CredentialError(f"the node's key in this credential is damaged: {error}") from None


def host_and_port(address: str) -> tuple[str, int]:
    """``host:port``, ``[::1]:port`` or a host alone; raises ``CredentialError``."""
    host, colon, port = address.rpartition(":")
    if not colon or host.endswith(":") or (":" in host and not host.startswith("[")):
        host, port = address, str(DEFAULT_PORT)
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise CredentialError(f"{address!r} is not an address: host:port is expected")
    return host.removeprefix("[").removesuffix("]"), int(port)


@asynccontextmanager
async def dial(door: Door) -> AsyncIterator[ClientConnection]:
    """An open session; raises ``Unreachable`` or one of its kinds when none comes about."""
    key = None if door.signing_key is None else SigningKey(door.signing_key.reveal())
    opened = False
    try:
        async with connect_wire(
            host_and_port(door.address),
            tls=_trusting(door.ca),
            server_hostname=door.server_name,
            bearer=door.bearer.reveal().decode("ascii"),
            sign=None if key is None else lambda data: key.sign(data).signature,
            origin=door.origin,
        ) as link:
            opened = True
            yield link
    except (wire.CannotConnect, wire.VerificationError) as error:
        if opened:  # not of this session, then
            raise
        raise said(error, door) from error


def _trusting(ca: str) -> ssl.SSLContext:
    try:
        return client_context(pem=ca)
    except ssl.SSLError:
        raise CredentialError("the certificate to trust in this credential is damaged") from None


def said(error: wire.TransportError, door: Door) -> Unreachable:
    """The same failure as a sentence about this node."""
    match error:
        case wire.Unauthenticated():
            return NotAdmitted(
                f"{door.address} does not accept this credential: its key is unknown there, not confirmed yet, revoked or used up ({error})"
            )
        case wire.Throttled():
            soon = "" if error.retry_after is None else f"; try again in {max(1, error.retry_after // 1000)} s"
            return Unreachable(f"{door.address} takes no connection from here now{soon} ({error})")
        case wire.VerificationError():
            return Untrusted(f"{door.address} is not the node of this credential: {error}")
        case wire.NotVienna():
            return Unreachable(f"what answers at {door.address} is not a Vienna node: {error}")
        case _:
            certificate = _certificate_error(error)
            return Unreachable(unanswered(error, door.address)) if certificate is None else Untrusted(_about(certificate, door))


def unanswered(error: BaseException, address: str) -> str:
    """Why there is no connection, in the operating system's one word for it where there is one."""
    causes: list[BaseException] = [error]
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return f"nothing answers at {address}: no address is known for this name"
        if isinstance(cause, ConnectionRefusedError):
            return f"nothing answers at {address}: connection refused; is the node running, and is this its port?"
        causes += cause.exceptions if isinstance(cause, BaseExceptionGroup) else []
        causes += [cause.__cause__] if cause.__cause__ is not None else []
    return str(error)


def _certificate_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error
        error = error.__cause__ or error.__context__
    return None


# X.509 verification results as OpenSSL numbers them (x509_vfy.h).
_EXPIRED, _NOT_YET, _OTHER_NAME, _OTHER_ADDRESS = 10, 9, 62, 64


def _about(error: ssl.SSLCertVerificationError, door: Door) -> str:
    match error.verify_code:
        case code if code == _EXPIRED:
            return f"the certificate of {door.address} has expired: its operator must renew it (or this machine's clock is wrong)"
        case code if code == _NOT_YET:
            return f"the certificate of {door.address} is not valid yet: is this machine's clock right?"
        case code if code in (_OTHER_NAME, _OTHER_ADDRESS):
            return f"the certificate of {door.address} is for another name than {door.server_name}: this is another server"
        case _:
            return (
                f"the certificate of {door.address} was not issued by the authority this credential trusts: another server answers there, "
                f"or the node was set up anew and its members must enrol again ({error.verify_message})"
            )
