"""Why there is no session, in one clear sentence each; and what a client does with a server that is out of step."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import msgpack
import pytest
import trio
from trio.testing import MockClock

from tests.transport.conftest import hastened
from transport.client import connect, open_link
from transport.client_session import Dialled
from transport.errors import CannotConnect, ConnectionLost, NotVienna, ProtocolError
from transport.limits import Limits
from transport.link import ClientConnection
from transport.memory import MemoryCarrier, memory_pair

LIMITS = Limits(handshake_seconds=30.0, closing_seconds=10.0, linger_seconds=10.0)
DIALLED = Dialled(origin="vienna.example", certificate=b"c" * 32)
WELCOME = {
    "t": "welcome",
    "session": "s1",
    "principal": "ada",
    "limits": {"message": 9999, "frame": 9999, "calls": 9, "subscriptions": 9, "credit": 9},
    "heartbeat": 15000,
}


@asynccontextmanager
async def impostor(pki: Any, answer: Callable[[trio.abc.Stream], Awaitable[None]], *, tls: bool = True) -> AsyncIterator[tuple[str, int]]:
    """A server that is not ours: it gives every peer the same answer."""

    async def serve(tcp: trio.SocketStream) -> None:
        stream = trio.SSLStream(tcp, pki.server().context, server_side=True, https_compatible=True) if tls else tcp
        try:
            await answer(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the client has gone
        finally:
            await trio.aclose_forcefully(stream)

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, serve, [listener])
        yield ("127.0.0.1", listener.socket.getsockname()[1])
        nursery.cancel_scope.cancel()


def dial(pki: Any, address: tuple[str, int]) -> AbstractAsyncContextManager[ClientConnection]:
    return connect(
        address, tls=pki.client(), server_hostname="localhost", bearer="vk_belvedere_ada", sign=None, origin="vienna.example", limits=LIMITS
    )


async def test_nothing_at_the_address(pki: Any, port: int) -> None:
    with pytest.raises(CannotConnect, match="nothing answers at"):
        async with dial(pki, ("127.0.0.1", port)):
            pytest.fail("connected")


async def test_a_certificate_of_another_authority(pki: Any, other_pki: Any) -> None:
    async def hold(stream: trio.abc.Stream) -> None:
        await stream.receive_some(1)

    async with impostor(other_pki, hold) as address:
        with pytest.raises(CannotConnect, match="CERTIFICATE_VERIFY_FAILED"):
            async with dial(pki, address):
                pytest.fail("connected")


@pytest.mark.parametrize("tls", [True, False], ids=["after TLS", "before TLS"])
async def test_a_server_that_says_nothing(pki: Any, tls: bool, mock_clock: MockClock) -> None:
    async def silent(stream: trio.abc.Stream) -> None:
        while await stream.receive_some(1000):
            pass

    async with impostor(pki, silent, tls=tls) as address, hastened(mock_clock):
        with pytest.raises(CannotConnect, match="did not finish the handshake within"):
            async with dial(pki, address):
                pytest.fail("connected")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 302 Found\r\nLocation: https://mallory.example/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
    ],
)
async def test_a_server_of_another_kind(pki: Any, answer: bytes) -> None:
    async def other(stream: trio.abc.Stream) -> None:
        await stream.receive_some(4096)
        await stream.send_all(answer)

    async with impostor(pki, other) as address:
        with pytest.raises(NotVienna):
            async with dial(pki, address):
                pytest.fail("connected")


@asynccontextmanager
async def facing_a_bare_server(limits: Limits = LIMITS) -> AsyncIterator[tuple[ClientConnection, MemoryCarrier]]:
    near, far = memory_pair(limits)
    async with trio.open_nursery() as nursery:
        await far.write(msgpack.packb(WELCOME))
        link = await open_link(near, nursery.start_soon, dialled=DIALLED, sign=None, agent="test/1", limits=limits)
        await far.read()
        yield link, far
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x81",
        msgpack.packb({"t": "reply", "id": 7, "value": {}}),
        msgpack.packb({"t": "reply", "id": 1, "value": {}, "extra": 1}),
        msgpack.packb({"t": "event", "sub": 1, "at": 1, "value": {}}),
        msgpack.packb(WELCOME),
        msgpack.packb({"t": "propose", "id": 1}),
    ],
)
async def test_a_server_out_of_step_is_told_and_left_and_no_caller_waits_for_ever(nonsense: bytes) -> None:
    async with facing_a_bare_server() as (link, far), trio.open_nursery() as nursery:

        async def ask() -> None:
            with pytest.raises(ConnectionLost, match="protocol"):
                await link.call("echo", {}, timeout=60)

        nursery.start_soon(ask)
        assert msgpack.unpackb(await far.read()) == {"t": "echo", "id": 1}
        await far.write(nonsense)
        bye = msgpack.unpackb(await far.read())
        assert (bye["t"], bye["code"]) == ("bye", "protocol")


async def test_a_server_out_of_step_at_the_greeting_is_named_as_such() -> None:
    near, far = memory_pair(LIMITS)
    await far.write(msgpack.packb({"t": "reply", "id": 1, "value": {}}))
    async with trio.open_nursery() as nursery:
        with pytest.raises(ProtocolError, match="`reply` from the server while greeted"):
            await open_link(near, nursery.start_soon, dialled=DIALLED, sign=None, agent="test/1", limits=LIMITS)


async def test_calls_of_one_tick_travel_in_one_frame() -> None:
    async with facing_a_bare_server() as (link, far), trio.open_nursery() as nursery:
        for n in range(5):
            nursery.start_soon(lambda n=n: link.call("echo", {"n": n}, timeout=60))
        unpacker = msgpack.Unpacker()
        unpacker.feed(await far.read())
        calls = list(unpacker)
        assert sorted(call["n"] for call in calls) == [0, 1, 2, 3, 4]
        assert [call["id"] for call in calls] == [1, 2, 3, 4, 5]
        await far.write(b"".join(msgpack.packb({"t": "reply", "id": call["id"], "value": {}}) for call in calls))


async def test_a_silent_server_is_pinged_and_then_given_up(autojump_clock: MockClock) -> None:
    async with facing_a_bare_server() as (link, far):
        began = trio.current_time()
        assert msgpack.unpackb(await far.read()) == {"t": "ping", "n": 1}
        assert trio.current_time() - began == pytest.approx(15, abs=1)
        with pytest.raises(ConnectionLost, match="silent"):
            await link.call("echo", {}, timeout=100)
        assert trio.current_time() - began == pytest.approx(45, abs=1)
