"""A node on a loopback port with its own certificates, and its twin in memory, for the tests of this room."""

from __future__ import annotations

import datetime
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from nacl.signing import SigningKey
from trio.testing import MockClock

from transport.client import connect
from transport.connection import Connection
from transport.gate import Admission, Rejection
from transport.limits import Limits
from transport.link import ClientConnection
from transport.memory import serve_in_memory
from transport.server import serve
from transport.tls import ServerTls, client_context, server_context

ORIGIN = "vienna.example"
ADA = SigningKey(b"a" * 32)
BEARERS = {"vk_belvedere_ada": ("ada", bytes(ADA.verify_key)), "vk_belvedere_emil": ("emil", None)}


class Doorkeeper:
    """Knows two members of belvedere: ada proves her key, emil needs none.  `busy` is told to wait; `stuck` never ends."""

    async def admit(self, bearer: str | None, remote: str) -> Admission | Rejection:
        if bearer == "vk_busy":
            return Rejection(status=429, retry_after=2500)
        if bearer == "vk_stuck":
            await trio.sleep_forever()
        if bearer == "vk_bug":
            raise KeyError("the doorkeeper stumbles")
        if bearer not in BEARERS:
            return Rejection(status=401)
        principal, key = BEARERS[bearer]
        return Admission(principal=principal, public_key=key, identity=("belvedere", principal))


async def reception(connection: Connection) -> None:
    """Answers `echo`, refuses `refuse`, leaves `ponder` unanswered, feeds `tail` by credit, fails on `crash`."""
    sent: dict[int, int] = {}
    while True:
        for message in await connection.receive():
            match message:
                case {"t": "echo", "id": number, "say": say}:
                    connection.post({"t": "reply", "id": number, "value": {"say": say, "who": connection.principal}})
                case {"t": "refuse", "id": number}:
                    connection.post(
                        {"t": "refused", "id": number, "code": "quorum.unmet", "why": "one voice is missing", "retry_after": 40}
                    )
                case {"t": "doubt", "id": number}:
                    connection.post({"t": "indeterminate", "id": number, "why": "the commit failed"})
                case {"t": "tail", "id": number, "until": until}:
                    connection.post({"t": "reply", "id": number, "value": {"until": until}})
                    connection.post({"t": "lagging", "sub": number, "at": 0})
                    sent[number] = 0
                    feed(connection, number, sent, until)
                case {"t": "credit", "sub": number}:
                    feed(connection, number, sent, 100)
                case {"t": "crash"}:
                    raise ArithmeticError("the handler stumbles")
                case {"t": "leave"}:
                    return


def feed(connection: Connection, sub: int, sent: dict[int, int], until: int) -> None:
    while connection.credit(sub) and sent[sub] < until:
        sent[sub] += 1
        connection.post({"t": "event", "sub": sub, "at": sent[sub], "value": {"n": sent[sub]}})
    if sent[sub] == until:
        connection.post({"t": "ceased", "sub": sub, "why": "that was all"})


@attrs.frozen(kw_only=True)
class Pki:
    ca: Path
    chain: Path
    key: Path

    def server(self) -> ServerTls:
        return server_context(self.chain, self.key)

    def client(self) -> ssl.SSLContext:
        return client_context(self.ca)


@attrs.frozen(kw_only=True)
class Node:
    """A running server: `connect` as a member, or `dial` TLS by hand as mallory does."""

    connect: Callable[..., AbstractAsyncContextManager[ClientConnection]]
    port: int = 0
    tls: ssl.SSLContext | None = None

    @asynccontextmanager
    async def dial(self) -> AsyncIterator[trio.SSLStream[trio.SocketStream]]:
        assert self.tls is not None
        tcp = await trio.open_tcp_stream("127.0.0.1", self.port)
        stream = trio.SSLStream(tcp, self.tls, server_hostname="localhost", https_compatible=True)
        try:
            with trio.fail_after(120):  # beyond every deadline of the server's
                yield stream
        finally:
            await trio.aclose_forcefully(stream)


def issue(directory: Path) -> Pki:
    today = datetime.datetime.now(datetime.UTC)
    issuer, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the test's authority")])

    def builder(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder(subject_name=subject, issuer_name=name, public_key=public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(today - datetime.timedelta(days=1))
            .not_valid_after(today + datetime.timedelta(days=2))
        )

    ca = builder(name, issuer.public_key()).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    leaf = builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), key.public_key()).add_extension(
        x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False
    )
    pem = serialization.Encoding.PEM
    pki = Pki(ca=directory / "ca.pem", chain=directory / "chain.pem", key=directory / "key.pem")
    pki.ca.write_bytes(ca.sign(issuer, hashes.SHA256()).public_bytes(pem))
    pki.chain.write_bytes(leaf.sign(issuer, hashes.SHA256()).public_bytes(pem) + pki.ca.read_bytes())
    pki.key.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return pki


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return issue(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def other_pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """Mallory's, of the same names under another authority."""
    return issue(tmp_path_factory.mktemp("other_pki"))


@pytest.fixture
def real_node(pki: Pki) -> Callable[..., AbstractAsyncContextManager[Node]]:
    @asynccontextmanager
    async def run(**how: Any) -> AsyncIterator[Node]:
        async with trio.open_nursery() as nursery:
            (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
            settings = {"gate": Doorkeeper(), "handle": reception, "origin": ORIGIN, "limits": CALM} | how
            await nursery.start(partial(serve, [listener], tls=pki.server(), **settings))
            port = listener.socket.getsockname()[1]
            member = {"server_hostname": "localhost", "tls": pki.client(), "limits": CALM} | MEMBER
            yield Node(
                connect=lambda **more: connect(more.pop("address", ("127.0.0.1", port)), **(member | more)),
                port=port,
                tls=pki.client(),
            )
            nursery.cancel_scope.cancel()

    return run


@pytest.fixture
def memory_node() -> Callable[..., AbstractAsyncContextManager[Node]]:
    @asynccontextmanager
    async def run(**how: Any) -> AsyncIterator[Node]:
        settings = {"gate": Doorkeeper(), "handle": reception, "origin": ORIGIN, "limits": CALM} | how
        async with serve_in_memory(**settings) as server:
            yield Node(connect=lambda **more: server.connect(**({"limits": CALM} | MEMBER | more)))

    return run


@pytest.fixture(params=["real", "memory"])
def node(request: pytest.FixtureRequest) -> Callable[..., AbstractAsyncContextManager[Node]]:
    """Either door: what holds for one must hold for the other."""
    found: Callable[..., AbstractAsyncContextManager[Node]] = request.getfixturevalue(f"{request.param}_node")
    return found


@asynccontextmanager
async def hastened(clock: MockClock) -> AsyncIterator[None]:
    """In a test whose clock stands still, time flies in this block: however slow the machine, a deadline passes here and not before."""

    async def hurry() -> None:
        while True:
            await trio.to_thread.run_sync(time.sleep, 0.001)  # the sockets' time, which no clock of ours hastens
            clock.jump(0.1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hurry)
        yield
        nursery.cancel_scope.cancel()


MEMBER: dict[str, Any] = {"bearer": "vk_belvedere_ada", "sign": lambda data: ADA.sign(data).signature, "origin": ORIGIN}
# Deadlines that a stalled machine does not miss.  Who closes in order waits for none of them.
CALM = Limits(handshake_seconds=30.0, closing_seconds=10.0, linger_seconds=10.0)
