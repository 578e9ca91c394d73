from __future__ import annotations

import array
import fcntl
import termios
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from transport.stream import TlsStream

RECORD = 5 + 1 + 16  # bytes that TLS 1.3 puts around the content of a record: header, type, tag (RFC 8446, section 5.2)


@asynccontextmanager
async def pair(pki: Any, linger: float = 10.0) -> AsyncIterator[tuple[TlsStream, TlsStream]]:
    """A client's and a server's stream, after their handshake.  A stalled machine needs a moment to linger, too."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        near = await trio.open_tcp_stream("127.0.0.1", listener.socket.getsockname()[1])
        far = await listener.accept()
        client = TlsStream(near, pki.client(), server_hostname="localhost", linger=linger)
        server = TlsStream(far, pki.server().context, linger=linger)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.do_handshake)
            nursery.start_soon(server.do_handshake)
        try:
            yield client, server
        finally:
            client.abort()
            server.abort()


async def read_all(stream: TlsStream) -> bytes:
    got = b""
    while data := await stream.receive_some():
        got += data
    return got


async def arrived(stream: TlsStream, size: int) -> None:
    """Wait until ``size`` bytes lie in the socket: what was sent over loopback need not be there yet."""
    waiting = array.array("i", [0])
    with trio.fail_after(60):
        while waiting[0] < size:
            await trio.sleep(0.001)
            fcntl.ioctl(stream._socket, termios.FIONREAD, waiting)
    assert waiting[0] == size


async def test_many_records_come_in_one_read(pki: Any) -> None:
    async with pair(pki) as (client, server):
        for n in range(100):
            await client.send_all(b"%03d" % n)
        await arrived(server, 100 * (3 + RECORD))
        assert await server.receive_some() == b"".join(b"%03d" % n for n in range(100))


async def test_a_read_gives_no_more_than_asked_for_and_keeps_the_rest(pki: Any) -> None:
    async with pair(pki) as (client, server):
        await client.send_all(b"belvedere")
        assert await server.receive_some(3) == b"bel"
        server.unread(b"bel")
        assert await server.receive_some(4) == b"bel"
        assert await server.receive_some() == b"vedere"


async def test_megabytes_go_both_ways_at_once(pki: Any) -> None:
    data = bytes(range(256)) * 8192
    got: dict[str, bytes] = {}

    async def send(stream: TlsStream) -> None:
        await stream.send_all(data)

    async def take(name: str, stream: TlsStream) -> None:
        got[name] = b""
        while len(got[name]) < len(data):
            got[name] += await stream.receive_some()

    async with pair(pki) as (client, server), trio.open_nursery() as nursery:
        for name, stream in (("client", client), ("server", server)):
            nursery.start_soon(send, stream)
            nursery.start_soon(take, name, stream)
    assert got == {"client": data, "server": data}


async def test_a_close_that_another_task_cuts_short_ends_like_any_other(pki: Any) -> None:
    async with pair(pki) as (client, _), trio.open_nursery() as nursery:
        nursery.start_soon(client.aclose)
        await trio.testing.wait_all_tasks_blocked()  # it lingers: the server has not closed
        client.abort()


async def test_last_words_are_read_though_the_closing_side_had_not_read_ours(pki: Any) -> None:
    async with pair(pki) as (client, server):
        await client.send_all(b"x" * 100_000)
        await server.send_all(b"last words")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.aclose)
            assert await read_all(client) == b"last words"
            await client.aclose()


@pytest.mark.parametrize("end", [TlsStream.aclose, TlsStream.abort])
async def test_closing_wakes_who_waits_and_refuses_who_comes(pki: Any, end: Callable[[TlsStream], Awaitable[None] | None]) -> None:
    async def wait(stream: TlsStream) -> None:
        with pytest.raises(trio.ClosedResourceError):
            await stream.receive_some()

    async with pair(pki, linger=0.1) as (client, _server):  # which does not answer
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait, client)
            await trio.testing.wait_all_tasks_blocked(0.01)
            if (closing := end(client)) is not None:
                await closing
        with pytest.raises(trio.ClosedResourceError):
            await client.send_all(b"x")
        with pytest.raises(trio.ClosedResourceError):
            await client.receive_some()
        await client.aclose()


async def test_a_cut_connection_reads_as_its_end(pki: Any) -> None:
    async with pair(pki) as (client, server):
        client.abort()
        assert await server.receive_some() == b""


async def test_bytes_that_are_no_tls_break_the_stream(pki: Any) -> None:
    async with pair(pki) as (client, server):
        client._socket.send(b"not a record at all")
        with pytest.raises(trio.BrokenResourceError):
            await server.receive_some()
        with pytest.raises(trio.BrokenResourceError):
            await server.send_all(b"x")


async def test_a_second_sender_is_refused_and_a_cancelled_one_breaks_the_stream(pki: Any) -> None:
    async def send(stream: TlsStream) -> None:
        await stream.send_all(b"x" * 50_000_000)

    async with pair(pki) as (client, _server), trio.open_nursery() as nursery:
        nursery.start_soon(send, client)
        await trio.testing.wait_all_tasks_blocked(0.01)
        with pytest.raises(trio.BusyResourceError):
            await client.send_all(b"x")
        nursery.cancel_scope.cancel()
    with pytest.raises((trio.BrokenResourceError, trio.ClosedResourceError)):
        await client.send_all(b"x")


async def test_the_peers_address_and_certificate_are_known(pki: Any) -> None:
    async with pair(pki) as (client, server):
        assert server.remote == "127.0.0.1"
        assert len(client.peer_certificate()) > 200
        assert server.peer_certificate() == b""
