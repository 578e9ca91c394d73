"""``GET /health`` and ``GET /health/ready``, over TLS, for whoever asks: balancers, and whatever starts the node again.

    /health         200 while the event loop answers, whatever else is the matter
    /health/ready   200 while commands are taken, 503 while the node is read-only; both with the same small JSON

It says two truth values and no more: no name, no version, no reason, nothing of a tenant.  Anything else goes to ``otherwise``.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import attrs

from transport.http import HttpLimits, Request, Response, handle, plain
from transport.server import Http
from transport.stream import TlsStream
from transport.upgrade import PATH, OtherRequest, refusal

LIVE, READY = "/health", "/health/ready"
MOST = 64  # connections at once; a prober needs one, and the others find the connection closed, which says that somebody is there
LIMITS = HttpLimits(head_bytes=8 * 1024, body_bytes=0, idle_seconds=2.0, handler_seconds=2.0, requests=1)


@attrs.define(eq=False)
class Health:
    """``hook`` is what ``transport.server.serve`` takes as ``http``."""

    ready: Callable[[], bool]
    otherwise: Http | None = None
    _inside: int = attrs.field(default=0, init=False)

    async def hook(self, stream: TlsStream, first: OtherRequest) -> None:
        if first.path not in (LIVE, READY):
            if self.otherwise is not None:
                await self.otherwise(stream, first)
                return
            await stream.send_all(refusal(426 if first.path == PATH else 404))
            await stream.aclose()
        elif self._inside < MOST:
            self._inside += 1
            try:
                await handle(stream, self.answer, limits=LIMITS)
            finally:
                self._inside -= 1

    async def answer(self, request: Request) -> Response:
        if request.target not in (LIVE, READY):
            return plain(404)
        if request.method not in ("GET", "HEAD"):
            return plain(405, None, ("Allow", "GET, HEAD"))
        ready = self.ready()
        headers = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
        body = json.dumps({"live": True, "ready": ready}).encode() + b"\n"
        return Response(status=200 if ready or request.target == LIVE else 503, headers=headers, body=body)
