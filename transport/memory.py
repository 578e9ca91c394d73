"""The in-memory twin of server and client: the same sessions, bounds and goodbyes, without sockets or TLS.

For tests of whatever stands on top.  It passes the same conformance suite as the real door.  Needs no wall clock: under
an autojump clock its heartbeats and deadlines cost no time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio

from transport.attend import Handle, Place, attend, keep_alive
from transport.client import AGENT, open_link
from transport.client_session import Dialled
from transport.connection import Connection
from transport.errors import ConnectionClosed, NotVienna, Throttled, Unauthenticated
from transport.gate import Gate, Rejection
from transport.limits import DEFAULT, Limits
from transport.link import ClientConnection
from transport.session import LOST
from transport.websocket import Backstage

REMOTE = "memory"
CERTIFICATE = b"no certificate: this is memory  "  # 32 bytes, in the place of a hash


class MemoryCarrier:
    """One end of a pair.  What is written and not read is bounded as on the wire: the writer waits."""

    def __init__(self, send: trio.MemorySendChannel[bytes], receive: trio.MemoryReceiveChannel[bytes]) -> None:
        self._send = send
        self._receive = receive

    async def read(self) -> bytes:
        try:
            return await self._receive.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError):
            raise ConnectionClosed(LOST, "the peer closed the connection") from None

    async def write(self, frame: bytes) -> None:
        try:
            await self._send.send(frame)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ConnectionClosed(LOST, "the peer closed the connection") from None

    async def close(self, code: str) -> None:
        self.abort()
        await trio.lowlevel.checkpoint()

    def abort(self) -> None:
        self._send.close()
        self._receive.close()


class MemoryServer:
    def __init__(self, nursery: trio.Nursery, gate: Gate, handle: Handle, origin: str, limits: Limits) -> None:
        self._nursery = nursery
        self._gate = gate
        self._handle = handle
        self._place = Place(origin=origin, certificate=CERTIFICATE)
        self._limits = limits
        self._alive: set[Connection] = set()
        nursery.start_soon(keep_alive, self._alive, limits)

    @asynccontextmanager
    async def connect(
        self,
        *,
        bearer: str | None,
        sign: Callable[[bytes], bytes] | None,
        origin: str,
        agent: str = AGENT,
        limits: Limits = DEFAULT,
    ) -> AsyncIterator[ClientConnection]:
        """As `transport.client.connect`, to this server."""
        admission = await self._gate.admit(bearer, REMOTE)
        if isinstance(admission, Rejection):
            raise _rejected(admission)
        near, far = memory_pair(self._limits)

        async def serve_far() -> None:
            backstage = Backstage(self._nursery, on_exit=lambda: None, on_failure=far.abort)
            try:
                await attend(
                    far,
                    admission,
                    place=self._place,
                    remote=REMOTE,
                    limits=self._limits,
                    handle=self._handle,
                    start_soon=backstage.start_soon,
                    alive=self._alive,
                    deadline=trio.current_time() + self._limits.handshake_seconds,
                    on_open=lambda: None,
                )
            finally:
                backstage.end()

        self._nursery.start_soon(serve_far)
        backstage = Backstage(self._nursery, on_exit=lambda: None, on_failure=near.abort)
        dialled = Dialled(origin=origin, certificate=CERTIFICATE)
        try:
            link = await open_link(near, backstage.start_soon, dialled=dialled, sign=sign, agent=agent, limits=limits)
            try:
                yield link
            finally:
                with trio.CancelScope(shield=True):  # bounded by closing_seconds
                    await link.aclose()
        finally:
            near.abort()
            backstage.end()


@asynccontextmanager
async def serve_in_memory(*, gate: Gate, handle: Handle, origin: str, limits: Limits = DEFAULT) -> AsyncIterator[MemoryServer]:
    """A server without a network, for the time of the block."""
    async with trio.open_nursery() as nursery:
        yield MemoryServer(nursery, gate, handle, origin, limits)
        nursery.cancel_scope.cancel()


def memory_pair(limits: Limits = DEFAULT) -> tuple[MemoryCarrier, MemoryCarrier]:
    """Two carriers: what one writes the other reads."""
    to_far, from_near = trio.open_memory_channel[bytes](limits.read_ahead)
    to_near, from_far = trio.open_memory_channel[bytes](limits.read_ahead)
    return MemoryCarrier(to_far, from_far), MemoryCarrier(to_near, from_near)


def _rejected(rejection: Rejection) -> NotVienna | Throttled | Unauthenticated:
    if rejection.status in (401, 403):
        return Unauthenticated("the server refused the key: it is unknown, expired or suspended")
    if rejection.status in (429, 503):
        return Throttled(f"the server takes no connection from here now (HTTP {rejection.status})", rejection.retry_after)
    return NotVienna(f"the server refused the connection (HTTP {rejection.status})")
