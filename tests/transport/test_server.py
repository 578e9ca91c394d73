"""What hostile and broken peers do to the server: each gets a clear end, and the next one is served as if nothing had been."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import attrs
import msgpack
import pytest
import trio
from trio.testing import MockClock

from tests.transport.conftest import hastened
from transport.answers import Reply
from transport.connection import Connection
from transport.errors import ConnectionClosed
from transport.limits import Limits
from transport.session import LAGGING, SUBPROTOCOL

RunNode = Callable[..., AbstractAsyncContextManager[Any]]
CALM = Limits(handshake_seconds=30.0, closing_seconds=10.0, linger_seconds=10.0)  # no deadline ends what a test is about, unless it says so

UPGRADE = {
    "Host": "localhost",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": SUBPROTOCOL,
    "Authorization": "Bearer vk_belvedere_emil",
}
BINARY, TEXT, CLOSE = 2, 1, 8
SEED = 20261118


def request(path: str = "/vienna", method: str = "GET", **changed: str | None) -> bytes:
    headers = UPGRADE | {name.replace("_", "-"): value for name, value in changed.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items() if value is not None)]
    return "\r\n".join([*lines, "", ""]).encode()


def frame(payload: bytes, opcode: int = BINARY, *, mask: bytes = b"\0\0\0\0", fin: bool = True) -> bytes:
    """One WebSocket frame as a client must send it; the mask of zeros keeps the payload readable."""
    size = len(payload)
    length = (
        bytes([0x80 | size])
        if size < 126
        else struct.pack("!BH", 0x80 | 126, size)
        if size < 65536
        else struct.pack("!BQ", 0x80 | 127, size)
    )
    return bytes([(0x80 if fin else 0) | opcode]) + length + mask + payload


def said(*messages: dict[str, Any]) -> bytes:
    return b"".join(msgpack.packb(message) for message in messages)


HELLO = said({"t": "hello", "versions": [1], "agent": "mallory/0"})


class Peer:
    """Mallory's end: an upgraded connection, and what the server sent on it."""

    def __init__(self, stream: trio.SSLStream[trio.SocketStream]) -> None:
        self._stream = stream
        self._got = b""

    async def upgrade(self, **changed: str | None) -> None:
        await self._stream.send_all(request(**changed))
        while b"\r\n\r\n" not in self._got:
            self._got += await self._stream.receive_some(4096)
        head, self._got = self._got.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 101"), head

    async def send(self, data: bytes) -> None:
        await self._stream.send_all(data)

    async def frames(self) -> list[tuple[int, bytes]]:
        """All frames until the server ends the connection; its close is answered, or it would wait for that."""
        found = list[tuple[int, bytes]]()
        try:
            while data := await self._stream.receive_some(65536):
                self._got += data
                found += self._parsed()
                if found and found[-1][0] == CLOSE:
                    await self.send(frame(struct.pack("!H", 1000), CLOSE))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # it has ended, or the test has ended this side
        await trio.aclose_forcefully(self._stream)
        return found

    def _parsed(self) -> list[tuple[int, bytes]]:
        """The whole frames, taken out of what was got."""
        found = []
        while len(self._got) >= 2:
            opcode, size, start = self._got[0] & 15, self._got[1], 2
            if size == 126:
                size, start = int.from_bytes(self._got[2:4]), 4
            if len(self._got) < start + size:
                break
            found.append((opcode, self._got[start : start + size]))
            self._got = self._got[start + size :]
        return found

    async def messages(self) -> list[dict[str, Any]]:
        """All messages until the end."""
        unpacker = msgpack.Unpacker()
        for opcode, payload in await self.frames():
            if opcode == BINARY:
                unpacker.feed(payload)
        return list(unpacker)


async def serves_on(running: Any) -> bool:
    async with running.connect() as link:
        return bool(await link.call("echo", {"say": 1}, timeout=60) == Reply({"say": 1, "who": "ada"}))


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (said({"t": "hello", "versions": [1], "agent": "m"}) + b"\x81", "a truncated message at the end of the frame"),
        (b"", "an empty frame"),
        (b"\xc1", "bytes that are not msgpack"),
        (said({"t": "echo", "id": 1, "say": 1}), "a call while the session awaits hello"),
        (said({"t": "ping", "n": 1}), "`ping` while the session awaits hello"),
        (said({"t": "prove", "signature": b""}), "`prove` while the session awaits hello"),
        (said({"t": "hello", "versions": [2], "agent": "m"}), "hello: this server speaks version 1 only"),
        (said({"t": "hello", "versions": [1]}), "hello: `agent` must be str"),
        (said({"t": "hello", "versions": [1], "agent": "m", "admin": True}), "hello: a field it does not have"),
        (said({"t": "hello", "versions": [1], "agent": "m" * 201}), "hello: `agent` is longer than 200"),
        (b"\xa5hello" * 500, "more than 2048 bytes before the session is open"),
    ],
)
async def test_nothing_but_a_good_hello_is_read_before_the_welcome(real_node: RunNode, payload: bytes, why: str) -> None:
    async with real_node() as running:
        async with running.dial() as stream:
            peer = Peer(stream)
            await peer.upgrade()
            await peer.send(frame(payload))
            assert await peer.messages() == [{"t": "bye", "code": "protocol", "why": why}]
        assert await serves_on(running)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (HELLO, "`hello` while the session open"),
        (said({"t": "reply", "id": 1, "value": {}}), "`reply` while the session open"),
        (said({"t": "echo", "say": 1}), "a call whose `id` does not rise"),
        (said({"t": "ponder", "id": 2}, {"t": "ponder", "id": 2}), "a call whose `id` does not rise"),
        (said({"t": "ponder", "id": 2}, {"t": "ponder", "id": 1}), "a call whose `id` does not rise"),
        (said({"t": "echo", "id": True}), "a call whose `id` does not rise"),
        (said({"t": "echo", "id": 0}), "a call whose `id` does not rise"),
        (said({"t": "tail", "id": 1, "credit": 0}), "`credit` must be between 1 and 4096"),
        (said({"t": "ponder", "id": 1, "credit": 4096}, {"t": "credit", "sub": 1, "more": 1}), "credit: more than 4096, or none"),
        (said({"t": "ponder", "id": 1, "credit": 1}, {"t": "credit", "sub": 1, "more": -1}), "credit: more than 4096, or none"),
        (said({"t": "credit", "sub": 9, "more": 1}), "a subscription that was never asked for"),
        (said({"t": "cease", "sub": 9}), "a subscription that was never asked for"),
        (said({"t": "pong", "n": 1}), "a pong to no ping"),
        (said(*({"t": "ponder", "id": n} for n in range(1, 1026))), "more than 1024 calls in flight"),
        (said(*({"t": "ponder", "id": n, "credit": 1} for n in range(1, 66))), "more than 64 subscriptions"),
        (said({"t": "echo", "id": 1, "say": 0.5}), "a float: amounts and times are integers"),
        (b"\x82\xa1t\xa4echo\xa1t\xa4echo", "a duplicate key"),
    ],
)
async def test_a_peer_out_of_step_is_told_what_was_wrong_and_ended(real_node: RunNode, payload: bytes, why: str) -> None:
    async with real_node() as running:
        async with running.dial() as stream:
            peer = Peer(stream)
            await peer.upgrade()
            await peer.send(frame(HELLO) + frame(payload))
            welcome, *_, bye = await peer.messages()
            assert welcome["t"] == "welcome"
            assert bye == {"t": "bye", "code": "protocol", "why": why}
        assert await serves_on(running)


async def test_a_text_frame_is_refused(real_node: RunNode) -> None:
    async with real_node() as running:
        async with running.dial() as stream:
            peer = Peer(stream)
            await peer.upgrade()
            await peer.send(frame(b"hello", TEXT))
            assert await peer.messages() == [{"t": "bye", "code": "protocol", "why": "a text frame: messages are binary"}]
        assert await serves_on(running)


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(b"\x82\x05hello", id="unmasked"),
        pytest.param(frame(b"\xff\xfe", TEXT), id="bad utf-8"),
        pytest.param(frame(b"x", opcode=3), id="reserved opcode"),
        pytest.param(b"\xf2" + frame(b"x")[1:], id="reserved bits"),
        pytest.param(frame(b"x" * 200, opcode=9), id="oversized ping"),
        pytest.param(frame(b"x", opcode=9, fin=False), id="fragmented ping"),
        pytest.param(frame(b"x", opcode=0), id="continuation of nothing"),
        pytest.param(frame(b"\x03", CLOSE), id="half a close code"),
        pytest.param(frame(struct.pack("!H", 1005), CLOSE), id="forbidden close code"),
        pytest.param(frame(struct.pack("!H", 1000) + b"\xff", CLOSE), id="close reason not utf-8"),
        pytest.param(frame(struct.pack("!H", 1000), CLOSE) * 3, id="three closes"),
        pytest.param(frame(HELLO) + frame(b"", CLOSE) + frame(HELLO), id="words after the close"),
        pytest.param(b"\x82\xff" + b"\xff" * 8 + b"\0" * 4, id="length beyond 63 bits"),
        pytest.param(frame(b"x" * (1024 * 1024 + 1)), id="oversized"),
        pytest.param(frame(b"x" * 700_000, fin=False) + frame(b"x" * 700_000, opcode=0), id="oversized in parts"),
    ],
)
async def test_a_broken_frame_ends_its_own_connection_only(real_node: RunNode, hostile: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with real_node() as running:
        async with running.dial() as stream:
            peer = Peer(stream)
            await peer.upgrade()
            with contextlib.suppress(trio.BrokenResourceError):  # the server did not wait for all of it
                await peer.send(hostile)
            assert all(payload.get("t") != "reply" for payload in await peer.messages())
        assert await serves_on(running)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(b"\x82\xff" + struct.pack("!Q", 2**40) + b"\0" * 4 + b"x" * 100_000, id="terabyte announced"),
        pytest.param(frame(HELLO)[:9], id="truncated"),
    ],
)
async def test_a_frame_that_does_not_end_is_waited_for_until_the_deadline_only(
    real_node: RunNode, hostile: bytes, mock_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with real_node() as running:
        async with running.dial() as stream:
            peer = Peer(stream)
            await peer.upgrade()
            await peer.send(hostile)
            async with hastened(mock_clock):
                assert all(payload.get("t") != "reply" for payload in await peer.messages())
        assert await serves_on(running)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("opcode", [0, 9], ids=["empty parts", "pings"])
async def test_frames_without_end_and_without_a_message_are_cut_off(real_node: RunNode, opcode: int) -> None:
    filler = frame(b"", opcode, fin=opcode == 9) * 50_000

    async def send(peer: Peer) -> None:
        with contextlib.suppress(trio.BrokenResourceError):  # cut off in the middle, as it must be
            await peer.send(filler)

    async with real_node(limits=attrs.evolve(CALM, max_frame=10_000, max_message=10_000, closing_seconds=0.1)) as running:
        async with running.dial() as stream, trio.open_nursery() as nursery:
            peer = Peer(stream)
            await peer.upgrade()
            await peer.send(frame(HELLO) + frame(b"", fin=False))
            nursery.start_soon(send, peer)
            assert len(await peer.frames()) < 15_000  # pongs: of 50,000 pings those within the allowance
            nursery.cancel_scope.cancel()
        assert await serves_on(running)


async def test_random_bytes_after_the_upgrade_hurt_nobody(real_node: RunNode, caplog: pytest.LogCaptureFixture) -> None:
    dice = random.Random(SEED)
    async with real_node() as running:
        for round_ in range(30):
            async with running.dial() as stream:
                peer = Peer(stream)
                await peer.upgrade()
                noise = dice.randbytes(dice.randrange(1, 400))
                try:
                    await peer.send(frame(HELLO) + (frame(noise) if round_ % 2 else noise) + frame(b"", CLOSE))
                    await stream.transport_stream.send_eof()
                except trio.BrokenResourceError:
                    pass  # ended already
                await peer.frames()
        assert await serves_on(running)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request("/other"), 404),
        (request(Sec_WebSocket_Protocol="graphql-ws"), 400),
        (request(Sec_WebSocket_Protocol=None), 400),
        (request(Sec_WebSocket_Version="8"), 426),
        (request(Sec_WebSocket_Key=None), 400),
        (request(Content_Length="4"), 400),
        (request(method="POST"), 400),
        (request() + b"x", 400),
        (request(Authorization=None), 401),
        (request(Authorization="Bearer vk_mallory"), 401),
        (request(Authorization="Basic dmllbm5h"), 401),
        (request(Authorization="Bearer a b"), 401),
        (request(Authorization="Bearer " + "x" * 513), 401),
        (request()[:-2] + b"Authorization: Bearer vk_mallory\r\n\r\n", 401),
        (request(Authorization="Bearer vk_busy"), 429),
        (request(Upgrade=None, Connection=None), 426),
        (request("/", Upgrade=None), 404),
        (b"GET /vienna HTTP/1.1\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00" * 20 + b"\r\n\r\n", 400),
        (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", 400),
        (request(Cookie="x" * 9000), 431),
        (b"GET /" + b"a" * 9000, 431),
    ],
)
async def test_what_is_no_admissible_upgrade_gets_a_short_plain_answer(real_node: RunNode, sent: bytes, status: int) -> None:
    async with real_node() as running:
        async with running.dial() as stream:
            await stream.send_all(sent)
            answer = b""
            while data := await stream.receive_some(4096):
                answer += data
        head, body = answer.split(b"\r\n\r\n", 1)
        assert head.startswith(f"HTTP/1.1 {status} ".encode())
        assert len(body) < 120
        if status == 401:
            assert body == b"Unauthenticated.\n"
        if status == 429:
            assert b"retry-after: 3" in head.lower()
        assert await serves_on(running)


async def test_a_hook_gets_other_requests_with_nothing_lost(real_node: RunNode) -> None:
    async def console(stream: trio.abc.Stream, other: Any) -> None:
        assert await stream.receive_some(1000) == other.raw
        await stream.send_all(b"console " + other.path.encode())

    async with real_node(http=console) as running:
        async with running.dial() as stream:
            await stream.send_all(b"GET /cases HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert await stream.receive_some(100) == b"console /cases"
        assert await serves_on(running)


@pytest.mark.parametrize("stage", ["tls", "request", "hello", "gate"])
async def test_a_slow_peer_holds_its_place_no_longer_than_the_deadline(real_node: RunNode, stage: str, mock_clock: MockClock) -> None:
    async with real_node() as running:
        if stage == "tls":
            tcp = await trio.open_tcp_stream("127.0.0.1", running.port)
            async with tcp:
                await tcp.send_all(b"\x16")
                async with hastened(mock_clock):
                    assert await tcp.receive_some(10) == b""
        else:
            async with running.dial() as stream:
                peer = Peer(stream)
                if stage == "request":
                    await peer.send(b"GET /vie")
                    async with hastened(mock_clock):
                        assert await peer.frames() == []
                elif stage == "gate":
                    await peer.send(request(Authorization="Bearer vk_stuck"))
                    async with hastened(mock_clock):
                        assert (await stream.receive_some(100)).startswith(b"HTTP/1.1 503")
                else:
                    await peer.upgrade()
                    async with hastened(mock_clock):
                        (bye,) = await peer.messages()
                    assert bye == {"t": "bye", "code": "unproven", "why": "the handshake took too long"}
        assert await serves_on(running)


async def test_a_peer_that_never_reads_is_ended_before_it_costs_memory(real_node: RunNode) -> None:
    ended = []
    posted = 0

    async def flood(connection: Connection) -> None:
        nonlocal posted
        if connection.principal == "ada":
            (call,) = await connection.receive()
            connection.post({"t": "reply", "id": call["id"], "value": {"say": 1, "who": "ada"}})
        (call,) = await connection.receive()
        try:
            while connection.credit(call["id"]):
                connection.post({"t": "event", "sub": call["id"], "at": posted, "value": {"b": b"x" * 60_000}})
                posted += 60_000
                await trio.lowlevel.checkpoint()
            await connection.receive()
        except ConnectionClosed as closed:
            ended.append(closed.code)
            raise

    async with real_node(limits=attrs.evolve(CALM, outbox_bytes=1_000_000), handle=flood) as running:
        async with running.dial() as stream:
            stream.transport_stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
            peer = Peer(stream)
            await peer.upgrade()
            await peer.send(frame(HELLO) + frame(said({"t": "tail", "id": 1, "credit": 4096})))
            with trio.fail_after(60):
                while not ended:
                    await trio.lowlevel.checkpoint()
        assert ended == [LAGGING]
        assert posted < 20_000_000  # what the outbox and the kernel's buffers hold, of 245 MB that were asked for
        async with running.connect() as link:
            assert await link.call("echo", {}, timeout=60)


async def test_a_handler_that_does_not_receive_slows_its_peer_down(real_node: RunNode) -> None:
    resume = trio.Event()
    received = 0

    async def asleep(connection: Connection) -> None:
        nonlocal received
        await resume.wait()
        while True:
            received += len(await connection.receive())

    async with real_node(handle=asleep) as running, running.dial() as stream:
        peer = Peer(stream)
        await peer.upgrade()
        await peer.send(frame(HELLO))
        sent = 0
        with trio.move_on_after(0.5):
            for n in range(1, 200):
                await peer.send(frame(said({"t": "ponder", "id": n, "say": b"x" * 500_000})))
                sent += 1
        assert sent < 60  # the rest does not fit in the read-ahead and the kernel's buffers
        assert received == 0
