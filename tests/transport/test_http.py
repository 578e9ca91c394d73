"""HTTP on real sockets: what is right is answered, what is slow, large or hostile gets one well-formed answer and the end."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import attrs
import h11
import pytest
import trio

from transport.http import Handler, HttpLimits, Request, Response, handle, plain

# No deadline ends what a test is about, unless the test shortens it: a stalled machine misses none of these.
CALM = HttpLimits(head_seconds=30, body_seconds=30, handler_seconds=30, answer_seconds=30, idle_seconds=30, linger_seconds=10)
RunNode = Callable[..., AbstractAsyncContextManager[Any]]


async def echo(request: Request) -> Response:
    """Says back what it was asked; stumbles, sleeps and talks at length on demand."""
    match request.target:
        case "/crash":
            raise ArithmeticError("the secret is 7")
        case "/sleep":
            await trio.sleep_forever()
        case "/long":
            return Response(body=b"x" * 50_000_000)
        case "/unchanged":
            return Response(status=304)
        case "/missing":
            return plain(404)
        case _:
            pass
    return Response(headers=(("Content-Type", "text/plain"),), body=f"{request.method} {request.target} ".encode() + request.body)


@asynccontextmanager
async def server(handler: Handler = echo, limits: HttpLimits = CALM) -> AsyncIterator[Callable[[], Any]]:
    """Serves on a loopback port; gives what dials it."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]

    async def one(stream: trio.SocketStream) -> None:
        await handle(stream, handler, limits=limits)

    with trio.fail_after(120):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, one, [listener])
            yield partial(trio.open_tcp_stream, "127.0.0.1", port)
            nursery.cancel_scope.cancel()


async def to_end(stream: trio.abc.ReceiveStream) -> bytes:
    got = b""
    with contextlib.suppress(trio.BrokenResourceError):
        while data := await stream.receive_some(65536):
            got += bytes(data)
    return got


def answers(data: bytes, *methods: str) -> list[tuple[int, bytes]]:
    """(status, body) of every answer, read by an h11 client that sent ``methods``; anything malformed or left over raises."""
    client, found = h11.Connection(h11.CLIENT), list[tuple[int, bytes]]()
    for number, method in enumerate(methods):
        client.send(h11.Request(method=method, target="/", headers=[("Host", "h")]))
        client.send(h11.EndOfMessage())
        client.receive_data(data) if not number else None
        status, body = 0, b""
        while not isinstance(event := client.next_event(), h11.EndOfMessage):
            assert event is not h11.NEED_DATA, "the answer is cut off"
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
        found.append((status, body))
        if number + 1 < len(methods):
            client.start_next_cycle()
    assert not client.trailing_data[0]
    return found


async def asked(data: bytes, *methods: str, limits: HttpLimits = CALM, eof: bool = False) -> list[tuple[int, bytes]]:
    """What comes back for ``data``, and our own end where ``eof``, until the server ends the connection."""
    async with server(limits=limits) as dial, await dial() as stream:
        await stream.send_all(data)
        if eof:
            await stream.send_eof()
        return answers(await to_end(stream), *(methods or ("GET",)))


async def test_one_connection_carries_many_requests_in_order() -> None:
    data = b"GET /a?b=%20 HTTP/1.1\r\nHost: h\r\n\r\nPOST /c HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nxyz"
    data += b"GET /d HTTP/1.1\r\nHost: h\r\n\r\n"
    found = await asked(data, "GET", "POST", "GET", eof=True)
    assert found == [(200, b"GET /a?b=%20 "), (200, b"POST /c xyz"), (200, b"GET /d ")]


async def test_a_head_has_the_length_and_not_the_body() -> None:
    async with server() as dial, await dial() as stream:
        await stream.send_all(b"HEAD /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        got = await to_end(stream)
    assert b"\r\ncontent-length: 8\r\n" in got.lower()
    assert got.endswith(b"\r\n\r\n")


async def test_what_has_no_content_states_no_length() -> None:
    async with server() as dial, await dial() as stream:
        await stream.send_all(b"GET /unchanged HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        got = await to_end(stream)
    assert got.startswith(b"HTTP/1.1 304")
    assert b"content-length" not in got.lower()


async def test_a_chunked_body_is_put_together_and_one_that_waits_is_asked_for() -> None:
    head = b"POST /c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
    assert await asked(head + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", "POST") == [(200, b"POST /c abc")]
    async with server() as dial, await dial() as stream:
        await stream.send_all(head + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert (await stream.receive_some(100)).startswith(b"HTTP/1.1 100")
        await stream.send_all(b"ok")
        assert answers(await to_end(stream), "POST") == [(200, b"POST /c ok")]


async def test_the_old_version_of_http_is_answered_once() -> None:
    assert await asked(b"GET /old HTTP/1.0\r\n\r\n") == [(200, b"GET /old ")]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # no Host
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # a TLS hello where none belongs
        (b"GET /\x00 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"DELETE / HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        (b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: h\r\nExpect: miracles\r\n\r\n", 417),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
        (
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n8000\r\n" + b"a" * 0x8000 + b"\r\n8001\r\n" + b"a" * 0x8001,
            413,
        ),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 40_000, 431),
        (b"G" * 40_000, 431),
    ],
)
async def test_what_is_wrong_is_refused_by_its_own_status_and_ends_the_connection(data: bytes, status: int) -> None:
    ((found, sentence),) = await asked(data)
    assert found == status
    assert sentence.endswith(b".\n")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n", 413),
        (b"HEAD / HTTP/1.1\r\nHost: h\r\nExpect: miracles\r\n\r\n", 417),
        (b"HEAD * HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", 408),
        (b"HEAD / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    ],
)
async def test_a_head_that_is_wrong_is_refused_without_content_as_any_answer_to_it(data: bytes, status: int) -> None:
    limits = attrs.evolve(CALM, body_seconds=0.3)
    assert await asked(data, "HEAD", limits=limits) == [(status, b"")]  # a refusal with content would break the rules, and the whole server


async def test_a_refusal_after_a_head_has_its_sentence_again() -> None:
    found = await asked(b"HEAD /a HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\n\r\n", "HEAD", "GET")
    assert found == [(200, b""), (400, b"Bad request.\n")]


@pytest.mark.parametrize("data", [b"GET / HT", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nab"])
async def test_a_request_that_does_not_end_in_time_is_told_so(data: bytes) -> None:
    ((status, _),) = await asked(data, limits=attrs.evolve(CALM, head_seconds=0.3, body_seconds=0.3))
    assert status == 408


async def test_a_trickle_is_cut_off_by_the_clock_not_by_its_own_steps() -> None:
    async with server(limits=attrs.evolve(CALM, head_seconds=0.3)) as dial, await dial() as stream, trio.open_nursery() as nursery:

        async def trickle() -> None:
            with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                while True:
                    await stream.send_all(b"G")
                    await trio.sleep(0.02)

        nursery.start_soon(trickle)
        await to_end(stream)  # by its own steps it would go on for minutes, and `server` would not wait for that
        nursery.cancel_scope.cancel()


async def test_silence_ends_the_connection_without_a_word() -> None:
    async with server(limits=attrs.evolve(CALM, idle_seconds=0.3)) as dial, await dial() as stream:
        assert await to_end(stream) == b""


async def test_a_peer_that_leaves_in_the_middle_disturbs_nobody() -> None:
    async with server(limits=CALM) as dial:
        for data in (b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na"):
            stream = await dial()
            await stream.send_all(data)
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # closing resets
            await stream.aclose()
        async with await dial() as stream:
            await stream.send_all(b"GET /still HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            assert answers(await to_end(stream), "GET") == [(200, b"GET /still ")]


async def test_a_handler_that_fails_or_sleeps_says_nothing_about_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL + 1, logger="transport.http"):
        assert await asked(b"GET /crash HTTP/1.1\r\nHost: h\r\n\r\n") == [(500, b"The server failed.\n")]
        limits = attrs.evolve(CALM, handler_seconds=0.3)
        assert await asked(b"GET /sleep HTTP/1.1\r\nHost: h\r\n\r\n", limits=limits) == [(503, b"Not available now.\n")]


async def test_an_answer_that_nobody_takes_does_not_hold_its_place() -> None:
    ended = trio.Event()

    async def one(stream: trio.SocketStream) -> None:
        await handle(stream, echo, limits=attrs.evolve(CALM, answer_seconds=0.5))
        ended.set()

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, one, [listener])
        stream = await trio.open_tcp_stream("127.0.0.1", listener.socket.getsockname()[1])
        await stream.send_all(b"GET /long HTTP/1.1\r\nHost: h\r\n\r\n")
        with trio.fail_after(60):
            await ended.wait()
        nursery.cancel_scope.cancel()
    await stream.aclose()


async def test_a_connection_has_so_many_requests_and_says_when_it_is_the_last() -> None:
    limits = attrs.evolve(CALM, requests=2)
    async with server(limits=limits) as dial, await dial() as stream:
        await stream.send_all(b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\n" * 5)
        got = await to_end(stream)
    assert got.count(b"HTTP/1.1 200") == 2
    assert got.lower().count(b"connection: close") == 1


async def test_a_missing_page_does_not_end_the_connection() -> None:
    data = b"GET /missing HTTP/1.1\r\nHost: h\r\n\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n"
    assert [status for status, _ in await asked(data, "GET", "GET", eof=True)] == [404, 200]


async def test_the_hook_of_the_server_reads_the_request_again_over_tls(real_node: RunNode) -> None:
    async def hook(stream: Any, _: Any) -> None:
        await handle(stream, echo, limits=CALM)

    async with real_node(http=hook) as node, node.dial() as stream:
        await stream.send_all(b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
        await stream.send_all(b"GET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert answers(await to_end(stream), "POST", "GET") == [(200, b"POST /a hi"), (200, b"GET /b ")]


def test_a_header_that_was_sent_twice_has_no_value() -> None:
    request = Request(method="GET", target="/", headers=((b"a", b" 1 "), (b"b", b"2"), (b"b", b"3")))
    assert (request.header(b"a"), request.header(b"b"), request.header(b"c")) == ("1", None, None)
