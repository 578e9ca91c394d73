"""A witness on a socket: plain, behind somebody's TLS, or with TLS of its own; bounded in connections and in patience."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from functools import partial

import trio

from transport import http
from vienna_runtime.witness.service import Witness

_log = logging.getLogger(__name__)

PLACES = 256  # connections at once; a log keeps one, and each costs some tens of KiB
HANDSHAKE = 10.0  # s for TLS; the peer of a slow line needs two or three


async def serve(witness: Witness, host: str, port: int, ready: Callable[[str], None], *, tls: ssl.SSLContext | None = None) -> None:
    """Answers until cancelled; ``ready`` is told the address."""
    listeners = await trio.open_tcp_listeners(port, host=host)
    shown = listeners[0].socket.getsockname()
    places = trio.CapacityLimiter(PLACES)
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(trio.serve_listeners, partial(_connection, witness, places, tls), listeners))
        ready(f"[{shown[0]}]:{shown[1]}" if ":" in shown[0] else f"{shown[0]}:{shown[1]}")
        await trio.sleep_forever()


async def _connection(witness: Witness, places: trio.CapacityLimiter, tls: ssl.SSLContext | None, stream: trio.SocketStream) -> None:
    """One peer.  Whatever it does ends its own connection and nothing else."""
    try:
        places.acquire_nowait()
    except trio.WouldBlock:
        await stream.aclose()
        return
    try:
        if tls is None:
            await http.handle(stream, witness.handle)
            return
        secured = trio.SSLStream(stream, tls, server_side=True, https_compatible=True)
        with trio.move_on_after(HANDSHAKE) as patience:
            try:
                await secured.do_handshake()
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                patience.cancel()
        if patience.cancel_called:
            await trio.aclose_forcefully(secured)
            return
        await http.handle(secured, witness.handle)
    except* Exception:  # noqa: BLE001  # the wall between peers: logged, and the others go on being cosigned
        _log.exception("a connection to the witness failed")
    finally:
        places.release()
