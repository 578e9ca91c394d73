"""Dials a server and gives an open session, or says in one clear sentence why there is none."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import trio

from transport.carrier import Carrier
from transport.client_session import ClientSession, Dialled
from transport.errors import CannotConnect
from transport.limits import DEFAULT, Limits
from transport.link import ClientConnection
from transport.stream import TlsStream
from transport.tls import certificate_hash
from transport.websocket import Backstage, WebSocketCarrier, request, why_not_connected

AGENT = "vienna-runtime"


@asynccontextmanager
async def connect(
    address: tuple[str, int],
    *,
    tls: ssl.SSLContext,
    server_hostname: str,
    bearer: str | None,
    sign: Callable[[bytes], bytes] | None,
    origin: str,
    agent: str = AGENT,
    limits: Limits = DEFAULT,
) -> AsyncIterator[ClientConnection]:
    """An open session with the server at ``address``; closed, with `bye`, at the end of the block.

    ``origin`` is the name under which the server is known to its members; the proof of possession is made out to it and
    to the certificate of this very connection.  ``sign`` gives the Ed25519 signature of the bytes it is handed.
    Raises CannotConnect or VerificationError when no session comes about: nothing was asked then.
    """
    raised: Exception | None = None
    async with trio.open_nursery() as nursery:
        stream: TlsStream | None = None
        backstage: Backstage | None = None
        # Caught and raised again outside, so that the caller gets its own exception and not a group around it.
        try:
            with _in_time(address, limits):
                stream = await _reach(address, tls, server_hostname, limits)
                waiting = trio.CancelScope()
                backstage = Backstage(nursery, on_exit=waiting.cancel, on_failure=stream.abort)
                carrier: WebSocketCarrier | None = None
                with waiting:
                    carrier = await request(stream, backstage, server_hostname, bearer, limits)
                if carrier is None:
                    raise why_not_connected(backstage.failure)
                dialled = Dialled(origin=origin, certificate=certificate_hash(stream.peer_certificate()))
                link = await open_link(carrier, backstage.start_soon, dialled=dialled, sign=sign, agent=agent, limits=limits)
            try:
                yield link
            finally:
                with trio.CancelScope(shield=True):  # bounded by closing_seconds
                    await link.aclose()
        except Exception as error:  # noqa: BLE001  # raised again below
            raised = error
        finally:
            if backstage is not None:
                backstage.end()
            if stream is not None:
                stream.abort()
    if raised is not None:
        raise raised


async def open_link(
    carrier: Carrier,
    start_soon: Callable[[Callable[[], Awaitable[None]]], None],
    *,
    dialled: Dialled,
    sign: Callable[[bytes], bytes] | None,
    agent: str,
    limits: Limits,
) -> ClientConnection:
    """Greet and prove over a carrier that is open; the same for a WebSocket and for memory."""
    session = ClientSession(agent=agent, dialled=dialled, sign=sign, limits=limits, now=trio.current_time())
    link = ClientConnection(carrier=carrier, session=session, limits=limits)
    start_soon(link.write_out)
    try:
        await link.establish()
    except BaseException:
        with trio.CancelScope(shield=True):  # bounded by closing_seconds
            await link.aclose()
        raise
    start_soon(link.read_in)
    start_soon(link.keep_alive)
    return link


async def _reach(address: tuple[str, int], tls: ssl.SSLContext, server_hostname: str, limits: Limits) -> TlsStream:
    host, port = address
    try:
        tcp = await trio.open_tcp_stream(host, port)
    except OSError as error:
        raise CannotConnect(f"nothing answers at {host}:{port}: {error}") from error
    stream = TlsStream(tcp, tls, server_hostname=server_hostname, linger=limits.linger_seconds)
    try:
        await stream.do_handshake()
    except trio.BrokenResourceError as error:
        stream.abort()
        raise CannotConnect(f"no TLS 1.3 connection to {host}:{port} as {server_hostname}: {error}") from error
    except BaseException:
        stream.abort()
        raise
    return stream


@contextmanager
def _in_time(address: tuple[str, int], limits: Limits) -> Iterator[None]:
    try:
        with trio.fail_after(limits.handshake_seconds):
            yield
    except trio.TooSlowError:
        host, port = address
        raise CannotConnect(f"the server at {host}:{port} did not finish the handshake within {limits.handshake_seconds:g} s") from None
