"""A wire to a node that can be held in either direction and cut: bytes wait in it, none are lost but with their connection.

It hears nothing of what passes: TLS goes through it end to end.
"""

from __future__ import annotations

from functools import partial

import attrs
import trio

_CHUNK = 1 << 16


@attrs.define(eq=False)
class Way:
    """One direction, of all connections."""

    held: bool = False
    waiting: trio.Event = attrs.field(factory=trio.Event)  # set while bytes wait
    _open: trio.Event = attrs.field(factory=trio.Event)
    _allowed: int = 0  # chunks that may pass although it is held

    def hold(self) -> None:
        self.held, self._open, self._allowed, self.waiting = True, trio.Event(), 0, trio.Event()

    def release(self) -> None:
        self.held = False
        self.waiting = trio.Event()
        self._open.set()

    def let_one_pass(self) -> None:
        """What waits now, and nothing after it."""
        self._allowed += 1
        gate, self._open, self.waiting = self._open, trio.Event(), trio.Event()
        gate.set()

    async def passing(self) -> None:
        """Returns when the next chunk may go on."""
        while self.held:
            if self._allowed:
                self._allowed -= 1
                return
            self.waiting.set()
            await self._open.wait()


@attrs.define(eq=False)
class Valve:
    """``up`` is towards the node."""

    node: tuple[str, int]
    up: Way = attrs.field(factory=Way)
    down: Way = attrs.field(factory=Way)
    address: str = ""
    _open: set[trio.CancelScope] = attrs.field(factory=set)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(trio.serve_tcp, self._attend, 0, host="127.0.0.1"))
            host, port = listeners[0].socket.getsockname()
            self.address = f"{host}:{port}"
            task_status.started()

    def release(self) -> None:
        self.up.release()
        self.down.release()

    def cut(self) -> None:
        """Ends every connection; new ones may come."""
        for scope in list(self._open):
            scope.cancel()

    async def _attend(self, stream: trio.SocketStream) -> None:
        with trio.CancelScope() as scope:
            self._open.add(scope)
            try:
                async with await trio.open_tcp_stream(*self.node) as node, trio.open_nursery() as nursery:
                    nursery.start_soon(_pump, stream, node, self.up, nursery)
                    nursery.start_soon(_pump, node, stream, self.down, nursery)
            except OSError:
                pass  # the node is down: whoever dialled finds the connection closed
            finally:
                self._open.discard(scope)


async def _pump(source: trio.SocketStream, sink: trio.SocketStream, way: Way, nursery: trio.Nursery) -> None:
    try:
        async for chunk in source:
            await way.passing()
            await sink.send_all(chunk)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass  # either end is gone
    nursery.cancel_scope.cancel()
