"""The one door to trio-websocket: it carries frames, and nothing it does to one connection reaches another.

Its reader task dies of some hostile frames, and a nursery would carry that to every other connection; `Backstage` holds
it.  It stops reading when messages wait unread, which is the back-pressure wanted here.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import cast

import trio
import trio_websocket
from wsproto.utilities import LocalProtocolError

from transport.errors import ConnectionClosed, NotVienna, ProtocolError, Throttled, Unauthenticated
from transport.limits import Limits
from transport.session import CRASHED, DONE, LAGGING, LOST, PROTOCOL, SILENT, STOPPING, SUBPROTOCOL, UNPROVEN
from transport.stream import TlsStream
from transport.upgrade import PATH

_log = logging.getLogger(__name__)

# RFC 6455 §7.4.1.  The session's `bye` says more; this is for whatever looks at WebSocket only.
_CLOSE_CODES = {DONE: 1000, STOPPING: 1001, PROTOCOL: 1002, LAGGING: 1008, UNPROVEN: 1008, SILENT: 1008, CRASHED: 1011}
_WHY = {
    1000: "the peer closed the connection",
    1001: "the peer is going away",
    1002: "a WebSocket protocol error",
    1006: "the connection broke",
    1007: "text that is not UTF-8",
    1009: "a message above the limit",
}


class Backstage:
    """Runs a connection's background tasks: apart from the cancellation of those who talk, and apart from their failures.

    They must outlive a cancelled handler by a moment, or nobody could say goodbye; `end` ends them.
    """

    def __init__(self, nursery: trio.Nursery, *, on_exit: Callable[[], None], on_failure: Callable[[], None]) -> None:
        """``on_exit`` hears of every task that ends, ``on_failure`` first of one that failed."""
        self._nursery = nursery
        self._on_exit = on_exit
        self._on_failure = on_failure
        self._scopes: list[trio.CancelScope] = []
        self.failure: Exception | None = None

    def start_soon(self, task: Callable[..., Awaitable[object]], *args: object) -> None:
        scope = trio.CancelScope(shield=True)
        self._scopes.append(scope)
        self._nursery.start_soon(self._run, scope, task, args)

    def end(self) -> None:
        for scope in self._scopes:
            scope.cancel()

    async def _run(self, scope: trio.CancelScope, task: Callable[..., Awaitable[object]], args: tuple[object, ...]) -> None:
        with scope:
            try:
                await task(*args)
            except trio_websocket.ConnectionRejected as rejected:
                self.failure = rejected
                self._on_failure()
            except Exception as error:  # noqa: BLE001  # a peer's frame made the library fail: this connection ends, the server does not
                self.failure = error
                self._on_failure()
                _log.info("a connection's background task ended with %s", type(error).__name__)
        self._on_exit()


class WebSocketCarrier:
    """Between two messages a peer may send what the read-ahead holds and no more.

    The library bounds a message by its size and not by its parts: empty fragments, or pings, would pile up without end.
    """

    def __init__(self, websocket: trio_websocket.WebSocketConnection, stream: TlsStream, limits: Limits) -> None:
        self._websocket = websocket
        self._stream = stream
        self._receive = websocket.get_message
        self._send = websocket.send_message
        self._allowance = (limits.read_ahead + 2) * limits.max_frame  # besides those waiting: one in the making, one in its overhead
        stream.allow(self._allowance)

    async def read(self) -> bytes:
        try:
            message = await self._receive()
        except trio_websocket.ConnectionClosed as closed:
            raise _closed(closed) from None
        self._stream.allow(self._allowance)
        if type(message) is not bytes:
            raise ProtocolError("a text frame: messages are binary")
        return message

    async def write(self, frame: bytes) -> None:
        try:
            await self._send(frame)
        except trio_websocket.ConnectionClosed as closed:
            raise _closed(closed) from None
        except LocalProtocolError:
            raise ConnectionClosed(LOST, "the peer is closing the connection") from None

    async def close(self, code: str) -> None:
        try:
            await self._websocket.aclose(_CLOSE_CODES.get(code, 1000), code)
        except LocalProtocolError:
            pass  # both sides closed at once
        finally:
            await self._stream.aclose()  # after an oversized message the library leaves the stream open

    def abort(self) -> None:
        self._stream.abort()


def _closed(closed: trio_websocket.ConnectionClosed) -> ConnectionClosed:
    code = closed.reason.code if closed.reason is not None else 1006
    return ConnectionClosed(LOST, _WHY.get(int(code), f"the peer closed the connection with code {int(code)}"))


async def accept(stream: TlsStream, backstage: Backstage, limits: Limits) -> WebSocketCarrier:
    """Answer an upgrade request that was read and judged already.  The caller sets the deadline."""
    request = await trio_websocket.wrap_server_stream(
        cast(trio.Nursery, backstage),  # all the library does with it is start_soon
        stream,
        message_queue_size=limits.read_ahead,
        max_message_size=limits.max_frame,
        receive_buffer_size=None,  # whatever the stream has
    )
    return WebSocketCarrier(await request.accept(subprotocol=SUBPROTOCOL), stream, limits)


async def request(stream: TlsStream, backstage: Backstage, host: str, bearer: str | None, limits: Limits) -> WebSocketCarrier:
    """Ask for the upgrade.  The caller sets the deadline, and cancels when `backstage` reports an exit."""
    headers = [] if bearer is None else [(b"Authorization", b"Bearer " + bearer.encode("ascii"))]
    websocket = await trio_websocket.wrap_client_stream(
        cast(trio.Nursery, backstage),
        cast(trio.SocketStream, stream),  # any stream serves, as on the server's side
        host,
        PATH,
        subprotocols=[SUBPROTOCOL],
        extra_headers=headers,
        message_queue_size=limits.read_ahead,
        max_message_size=limits.max_frame,
        receive_buffer_size=None,
    )
    if websocket.subprotocol != SUBPROTOCOL:
        raise NotVienna(f"this server does not speak {SUBPROTOCOL}")
    return WebSocketCarrier(websocket, stream, limits)


def why_not_connected(failure: Exception | None) -> NotVienna | Throttled | Unauthenticated:
    """What to tell the caller whose upgrade was not granted."""
    if not isinstance(failure, trio_websocket.ConnectionRejected):
        return NotVienna("the server closed the connection instead of answering the upgrade; it may be full, or another kind of server")
    status = failure.status_code
    if status in (401, 403):
        return Unauthenticated("the server refused the key: it is unknown, expired or suspended")
    if status in (429, 503):
        return Throttled(f"the server takes no connection from here now (HTTP {status})", _retry_after(failure))
    return NotVienna(f"the server answered the upgrade with HTTP {status}: wrong address, or another version")


def _retry_after(rejected: trio_websocket.ConnectionRejected) -> int | None:
    for name, value in rejected.headers or ():
        if name.lower() == b"retry-after" and value.isdigit() and len(value) < 9:
            return int(value) * 1000
    return None
