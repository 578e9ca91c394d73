"""A witness is somebody else: whatever comes from there is an answer, or it is none, and never more than that."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio

from ledger.checkpoint import Checkpoint
from ledger.cosignature import Cosigner, cosigned_at
from vienna_runtime.errors import ConfigError
from vienna_runtime.witness.asking import LARGEST_ANSWER, Address, Cosigned, Door, Knows, Rejected, Unreachable

TEXT = Checkpoint("hofburg.example/belvedere", 7, bytes(32)).text()
NOTE = TEXT.encode() + b"\n\xe2\x80\x94 hofburg.example/belvedere AAAAAAAA\n"
WITNESS = Cosigner("witness.example/emil", b"\x05" * 32)
MALLORY = Cosigner("witness.example/emil", b"\x66" * 32)
LINE = WITNESS.cosign(TEXT, 9).line().encode()


def http(status: int, body: bytes, *, kind: str = "text/plain", more: str = "") -> bytes:
    return f"HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


class Peer:
    """Says the same to everybody, after having heard a whole request; or nothing at all."""

    def __init__(self, *said: bytes, hang_up: bool = False, silent: bool = False) -> None:
        self._said, self._hang_up, self._silent = list(said), hang_up, silent
        self.heard: list[bytes] = []
        self.connections = 0

    async def __call__(self, stream: trio.SocketStream) -> None:
        self.connections += 1
        async with stream:
            while True:
                heard = b""
                while not heard.endswith(b"AAAAAAAA\n"):
                    more = await stream.receive_some()
                    if not more:
                        return
                    heard += more
                self.heard.append(heard)
                if self._silent:
                    await trio.sleep_forever()
                await stream.send_all(self._said.pop(0) if len(self._said) > 1 else self._said[0])
                if self._hang_up:
                    return


@asynccontextmanager
async def door_to(peer: Peer, *, patience: float = 60.0, path: str = "") -> AsyncIterator[Door]:
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, peer, 0, host="127.0.0.1"))
        port = listener.socket.getsockname()[1]
        door = Door(f"http://127.0.0.1:{port}{path}", WITNESS.verifier, tls=ssl.create_default_context(), patience=patience)
        yield door
        await door.close()
        nursery.cancel_scope.cancel()


async def test_a_cosignature_is_taken_when_it_verifies_over_what_was_sent() -> None:
    async with door_to(Peer(http(200, LINE)), path="/prefix/") as door:
        answer = await door.ask(TEXT, 0, (), NOTE)
    assert isinstance(answer, Cosigned)
    assert cosigned_at(answer.signature) == 9


async def test_one_connection_serves_many_requests_and_is_dialled_anew_when_it_went() -> None:
    kept, gone = Peer(http(200, LINE)), Peer(http(200, LINE), hang_up=True)
    for peer, connections in ((kept, 1), (gone, 3)):
        async with door_to(peer) as door:
            for _ in range(3):
                assert isinstance(await door.ask(TEXT, 0, (), NOTE), Cosigned)
        assert (peer.connections, len(peer.heard)) == (connections, 3)
    assert kept.heard[0].startswith(b"POST /add-checkpoint HTTP/1.1\r\n")
    assert kept.heard[0].endswith(b"\r\n\r\nold 0\n\n" + NOTE)


async def test_a_size_is_taken_from_a_conflict_of_the_right_type_alone() -> None:
    async with door_to(
        Peer(http(409, b"12\n", kind="text/x.tlog.size"), http(409, b"12\n"), http(409, b"-12\n", kind="text/x.tlog.size"))
    ) as door:
        assert await door.ask(TEXT, 0, (), NOTE) == Knows(12)
        assert await door.ask(TEXT, 0, (), NOTE) == Rejected(409, "12")
        assert await door.ask(TEXT, 0, (), NOTE) == Rejected(409, "-12")


@pytest.mark.parametrize("status", [400, 403, 404, 422])
async def test_a_refusal_by_the_rules_is_told_with_its_status(status: int) -> None:
    async with door_to(Peer(http(status, b"because\n"))) as door:
        assert await door.ask(TEXT, 0, (), NOTE) == Rejected(status, "because")


@pytest.mark.parametrize(
    "said",
    [
        http(200, b""),
        http(200, b"nonsense\n"),
        http(200, MALLORY.cosign(TEXT, 9).line().encode()),
        http(200, WITNESS.cosign("another\n", 9).line().encode()),
        http(200, WITNESS.cosign(TEXT, 9).line().encode().replace(b"emil", b"fritz")),
        http(200, b"more\n\n" + LINE),
        http(500, LINE),
        http(302, b"", more="Location: http://127.0.0.1:1/\r\n"),
        http(200, b"x" * (LARGEST_ANSWER + 1)),
        b"HTTP/1.1 200 x\r\nContent-Length: 9\r\nContent-Length: 8\r\n\r\n12345678",
        b"HTTP/1.1 200 x\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 200 x\r\nContent-Length: 900\r\n\r\nshort",
    ],
)
async def test_what_is_no_answer_of_a_witness_is_as_if_none_came(said: bytes) -> None:
    async with door_to(Peer(said, hang_up=True)) as door:
        with pytest.raises(Unreachable):
            await door.ask(TEXT, 0, (), NOTE)


async def test_a_witness_that_says_nothing_is_left_after_a_while() -> None:
    async with door_to(Peer(b"", silent=True), patience=0.2) as door:
        with pytest.raises(Unreachable, match=r"no answer within 0\.2 s"):
            await door.ask(TEXT, 0, (), NOTE)


async def test_nobody_there_is_unreachable() -> None:
    door = Door("http://127.0.0.1:1", WITNESS.verifier, tls=ssl.create_default_context(), patience=5)
    with pytest.raises(Unreachable):
        await door.ask(TEXT, 0, (), NOTE)


async def test_a_plain_peer_where_tls_was_asked_for_is_unreachable() -> None:
    peer = Peer(http(200, LINE))
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, peer, 0, host="127.0.0.1"))
        url = f"https://127.0.0.1:{listener.socket.getsockname()[1]}"
        with pytest.raises(Unreachable):
            await Door(url, WITNESS.verifier, tls=ssl.create_default_context(), patience=0.5).ask(TEXT, 0, (), NOTE)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://witness.example", Address("witness.example", 80, False, "")),
        ("https://witness.example/", Address("witness.example", 443, True, "")),
        ("https://witness.example:8443/a/b/", Address("witness.example", 8443, True, "/a/b")),
        ("http://[::1]:7480", Address("::1", 7480, False, "")),
    ],
)
def test_a_submission_prefix_is_read(url: str, address: Address) -> None:
    assert Address.parse(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "witness.example",
        "ftp://witness.example",
        "http://",
        "http://a:b@witness.example",
        "http://w/?q",
        "http://w/#f",
        "http://w:x",
        "http://w/\u00e4",
    ],
)
def test_what_is_no_submission_prefix_is_told(url: str) -> None:
    with pytest.raises(ConfigError):
        Address.parse(url)
