"""Serves sessions over TLS and WebSocket: whatever one peer does, the others are served.

    accept ─ slot? ─ TLS ─ request ─┬─ refusal (400, 401, 404, 426, 429, 431, 503) and close
                                    ├─ another HTTP request ─▶ `http`, or 404
                                    └─ upgrade ─ gate ─ WebSocket ─ greeting ─ proof ─▶ `handle`

Everything up to `handle` shares one deadline, and one bounded place per address.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import trio

from transport.attend import Handle, Place, attend, keep_alive
from transport.connection import Connection
from transport.gate import Admission, Gate, Rejection
from transport.limits import DEFAULT, Limits
from transport.stream import TlsStream
from transport.tls import ServerTls
from transport.upgrade import PATH, OtherRequest, RequestReader, Unacceptable, Upgrade, refusal
from transport.websocket import Backstage, accept

_log = logging.getLogger(__name__)

Http: TypeAlias = Callable[[TlsStream, OtherRequest], Awaitable[None]]


async def serve(
    listeners: Sequence[trio.SocketListener],
    *,
    tls: ServerTls,
    origin: str,
    gate: Gate,
    handle: Handle,
    limits: Limits = DEFAULT,
    http: Http | None = None,
    knock: Callable[[str], bool] | None = None,
    task_status: trio.TaskStatus[Sequence[trio.SocketListener]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled; then every open connection is told `stopping` and the listeners are closed.

    ``origin`` is the name clients dial, as they sign it.  ``knock`` may turn an address away before TLS.  ``http`` gets
    requests that ask for no upgrade, with the request put back into its stream, and must end by itself.
    """
    server = _Server(tls, origin, gate, handle, limits, http, knock)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_alive, server.alive, limits)
        await nursery.start(trio.serve_listeners, server.attend_stream, list(listeners))
        task_status.started(listeners)


class _Server:
    def __init__(
        self,
        tls: ServerTls,
        origin: str,
        gate: Gate,
        handle: Handle,
        limits: Limits,
        http: Http | None,
        knock: Callable[[str], bool] | None,
    ) -> None:
        self.alive: set[Connection] = set()
        self._tls = tls
        self._place = Place(origin=origin, certificate=tls.certificate)
        self._gate = gate
        self._handle = handle
        self._limits = limits
        self._http = http
        self._knock = knock
        self._taken = 0
        self._strangers: Counter[str] = Counter()  # peers of an address that are not let in yet

    async def attend_stream(self, socket_stream: trio.SocketStream) -> None:
        """One peer from TCP to its end.  Nothing gets out of here but cancellation: this is the wall between peers."""
        if self._taken >= self._limits.slots:
            await socket_stream.aclose()
            return
        self._taken += 1
        try:
            stream = TlsStream(socket_stream, self._tls.context, linger=self._limits.linger_seconds)
            try:
                await self._from_stranger(stream)
            finally:
                stream.abort()
        except* (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the peer left, or never spoke TLS: the commonest thing on an open port
        except* Exception:  # noqa: BLE001  # the wall between peers: logged, and the others go on
            _log.exception("a connection failed before its handler")
        finally:
            self._taken -= 1

    async def _from_stranger(self, stream: TlsStream) -> None:
        remote = stream.remote
        if self._strangers[remote] >= self._limits.handshakes_per_address or (self._knock is not None and not self._knock(remote)):
            return
        self._strangers[remote] += 1
        inside = False

        def let_in() -> None:
            nonlocal inside
            if not inside:
                inside = True
                self._strangers[remote] -= 1
                if not self._strangers[remote]:
                    del self._strangers[remote]

        try:
            await self._receive_request(stream, remote, let_in)
        finally:
            let_in()

    async def _receive_request(self, stream: TlsStream, remote: str, let_in: Callable[[], None]) -> None:
        deadline = trio.current_time() + self._limits.handshake_seconds
        outcome: Upgrade | OtherRequest | Unacceptable | None = None
        admission = None
        with trio.move_on_at(deadline):
            await stream.do_handshake()
            outcome = await self._read_request(stream)
            if isinstance(outcome, Upgrade):
                admission = await self._gate.admit(outcome.bearer, remote)
        match outcome:
            case None:
                return  # too slow, or gone
            case Unacceptable(status):
                await self._refuse(stream, status)
            case OtherRequest(path=path):
                if self._http is None:
                    await self._refuse(stream, 426 if path == PATH else 404)
                else:
                    stream.unread(outcome.raw)
                    let_in()
                    await self._http(stream, outcome)
            case Upgrade():
                match admission:
                    case None:
                        await self._refuse(stream, 503)  # the gate did not decide in time: nobody gets in undecided
                    case Rejection(status=status, retry_after=retry_after):
                        await self._refuse(stream, status, retry_after)
                    case _:
                        stream.unread(outcome.raw)
                        await self._converse(stream, admission, remote, deadline, let_in)

    async def _read_request(self, stream: TlsStream) -> Upgrade | OtherRequest | Unacceptable | None:
        reader = RequestReader(self._limits)
        while data := await stream.receive_some(self._limits.handshake_bytes):
            if (outcome := reader.feed(data)) is not None:
                return outcome
        return None

    async def _refuse(self, stream: TlsStream, status: int, retry_after: int | None = None) -> None:
        with trio.move_on_after(self._limits.closing_seconds):
            await stream.send_all(refusal(status, retry_after))
            await stream.aclose()

    async def _converse(self, stream: TlsStream, admission: Admission, remote: str, deadline: float, let_in: Callable[[], None]) -> None:
        async with trio.open_nursery() as nursery:
            waiting = trio.CancelScope(deadline=deadline)
            backstage = Backstage(nursery, on_exit=waiting.cancel, on_failure=stream.abort)
            try:
                carrier = None
                with waiting:
                    carrier = await accept(stream, backstage, self._limits)
                if carrier is not None:
                    await attend(
                        carrier,
                        admission,
                        place=self._place,
                        remote=remote,
                        limits=self._limits,
                        handle=self._handle,
                        start_soon=backstage.start_soon,
                        alive=self.alive,
                        deadline=deadline,
                        on_open=let_in,
                    )
            finally:
                backstage.end()
