"""Who gets a place at the server and who does not: addresses, slots, TLS, a relay.  The next member is always served."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import attrs
import pytest
import trio

from transport.answers import Reply
from transport.errors import CannotConnect, NotVienna, VerificationError
from transport.limits import Limits

RunNode = Callable[..., AbstractAsyncContextManager[Any]]
CALM = Limits(handshake_seconds=30.0, closing_seconds=10.0, linger_seconds=10.0)


async def serves_on(running: Any) -> bool:
    async with running.connect() as link:
        return bool(await link.call("echo", {"say": 1}, timeout=60) == Reply({"say": 1, "who": "ada"}))


async def test_a_client_of_tls_1_2_is_turned_away(real_node: RunNode) -> None:
    async with real_node(limits=CALM) as running:
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(CannotConnect, match="PROTOCOL_VERSION"):
            async with running.connect(tls=old):
                pytest.fail("let in")
        assert await serves_on(running)


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff", bytes(range(256)), b""])
async def test_what_speaks_no_tls_is_dropped(real_node: RunNode, garbage: bytes) -> None:
    async with real_node(limits=CALM) as running:
        tcp = await trio.open_tcp_stream("127.0.0.1", running.port)
        async with tcp:
            if garbage:
                await tcp.send_all(garbage)
            await tcp.send_eof()
            with trio.fail_after(60):
                try:
                    while await tcp.receive_some(1000):
                        pass
                except trio.BrokenResourceError:
                    pass  # a reset is an end too
        assert await serves_on(running)


async def test_a_gate_that_fails_lets_nobody_in_and_hurts_nobody(real_node: RunNode, caplog: pytest.LogCaptureFixture) -> None:
    async with real_node(limits=CALM) as running:
        with pytest.raises(NotVienna):
            async with running.connect(bearer="vk_bug"):
                pytest.fail("let in")
        assert await serves_on(running)
    assert "the doorkeeper stumbles" in caplog.text


async def test_beyond_the_slots_a_peer_is_closed_at_once_and_a_freed_slot_serves_again(real_node: RunNode) -> None:
    async with real_node(limits=attrs.evolve(CALM, slots=1)) as running:
        async with running.connect() as link:
            with pytest.raises(CannotConnect):
                async with running.connect():
                    pytest.fail("let in")
            assert await link.call("echo", {"say": 1}, timeout=60)
        with trio.fail_after(60):
            while True:
                try:
                    assert await serves_on(running)
                    break
                except CannotConnect:
                    await trio.lowlevel.checkpoint()  # the first one's goodbye is still under way


async def test_strangers_of_one_address_are_few_and_members_do_not_count(real_node: RunNode) -> None:
    tight = attrs.evolve(CALM, handshakes_per_address=1)
    async with real_node(limits=tight) as running, running.connect() as one, running.connect() as two:
        async with running.dial() as stranger:
            await stranger.do_handshake()
            with pytest.raises(CannotConnect):
                async with running.connect():
                    pytest.fail("let in")
        assert await one.call("echo", {"say": 1}, timeout=60)
        assert await two.call("echo", {"say": 1}, timeout=60)


async def test_an_address_may_be_turned_away_before_tls(real_node: RunNode) -> None:
    async with real_node(limits=CALM, knock=lambda address: address != "127.0.0.1") as running:
        with pytest.raises(CannotConnect):
            async with running.connect():
                pytest.fail("let in")


async def test_a_relay_gets_no_signature_for_the_server_behind_it(real_node: RunNode, other_pki: Any, pki: Any) -> None:
    """Mallory owns another certificate that the client trusts, and passes the real server's challenge on."""
    signed: list[bytes] = []

    def sign(data: bytes) -> bytes:
        signed.append(data)
        return b"x" * 64

    async def pump(source: trio.abc.Stream, sink: trio.abc.Stream) -> None:
        try:
            while data := await source.receive_some(65536):
                await sink.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # one side has gone

    async with real_node(limits=CALM) as running:

        async def relay(tcp: trio.SocketStream) -> None:
            front = trio.SSLStream(tcp, other_pki.server().context, server_side=True, https_compatible=True)
            async with running.dial() as back, trio.open_nursery() as pumps:
                pumps.start_soon(pump, front, back)
                await pump(back, front)
                await trio.aclose_forcefully(front)
                pumps.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
            nursery.start_soon(trio.serve_listeners, relay, [listener])
            address = ("127.0.0.1", listener.socket.getsockname()[1])
            with pytest.raises(VerificationError, match="another certificate"):
                async with running.connect(address=address, tls=other_pki.client(), sign=sign):
                    pytest.fail("relayed")
            nursery.cancel_scope.cancel()
        assert await serves_on(running)
    assert signed == []
