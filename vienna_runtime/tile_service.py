"""The node's logs as C2SP tlog-tiles over HTTPS, read-only, on the port it has anyway, for whoever may read all of a log.

    GET /<tenant>/checkpoint    GET /<tenant>/tile/<L>/<N>[.p/<W>]    GET /<tenant>/tile/entries/<N>[.p/<W>]
    GET /checkpoint             the same without a tenant: the node's own log

Off unless the settings name a tenant.  Then its admins, approvers, auditors and the node's operators, by their API key
(``Authorization: Bearer``); anyone only where the settings say *public*.  Without a key that holds, every other path is a
401, whatever there is; with one, whatever is not for its holder is a 404.  Every tile of every size the log has had is
made from what is stored, so a reader of an old checkpoint finds its partial tiles too.
"""

from __future__ import annotations

import gzip
import math
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

import attrs
import structlog
import trio

from actors.gate import Identity
from actors.governance import kinds
from actors.sight import WHOLE_LOG
from ledger import NODE, Closed, Ledger, UnknownLog, VerificationError
from ledger.tile_paths import ENTRIES, Tile
from transport.gate import Gate, Rejection
from transport.http import HttpLimits, Request, Response, handle, plain
from transport.stream import TlsStream
from transport.upgrade import OtherRequest
from vienna_runtime.settings import Tiles

log = structlog.get_logger(__name__)
Runner: TypeAlias = Callable[[Callable[[], Response]], Awaitable[Response]]

MOST_CONNECTIONS = 256  # at once, so that mirrors never take the places of those who work; a mirror needs one
MOST_OF_ADDRESS = 32  # of those, from one address
CHECKPOINT = "checkpoint"
FRESH = 2  # seconds a checkpoint may be kept ("Checkpoints": prevent caching beyond a few)
FOREVER = 31_536_000  # seconds, a year: a tile never changes
LIMITS = HttpLimits(head_bytes=8 * 1024, body_bytes=0)  # GET has no body; a bearer is under 600 bytes

_BEARER = re.compile(r"[Bb]earer ([\x21-\x7e]{1,512})")
_GZIP = re.compile(r"(?:^|,)\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[0-9.]+\s*)?(?:,|$)", re.ASCII)
_TWO = trio.CapacityLimiter(2)  # threads for tiles: enough for a disk, and the event loop keeps most of the processor


async def in_a_thread(work: Callable[[], Response]) -> Response:
    """Where a node makes its tiles: one of a higher level takes hundreds of reads."""
    return await trio.to_thread.run_sync(work, limiter=_TWO)


@attrs.define(eq=False)
class TileService:
    """See the module.  ``hook`` is what ``transport.server.serve`` takes as ``http``."""

    ledger: Ledger
    gate: Gate
    settings: Tiles
    cosigned: bool = False  # the checkpoint that witnesses signed is shown where there is one, else the newest
    run: Runner = in_a_thread
    _inside: Counter[str] = attrs.field(factory=Counter, init=False)

    async def hook(self, stream: TlsStream, _first: OtherRequest) -> None:
        """Serve one connection to its end."""
        remote = stream.remote
        full = self._inside.total() >= MOST_CONNECTIONS or self._inside[remote] >= MOST_OF_ADDRESS
        self._inside[remote] += 1
        try:
            await handle(stream, _busy if full else partial(self.answer, remote), limits=LIMITS)
        finally:
            self._inside[remote] -= 1
            if not self._inside[remote]:
                del self._inside[remote]

    async def answer(self, remote: str, request: Request) -> Response:
        """One request."""
        found = _place(request.target)
        public = found is not None and self._is_public(found[0])
        if not public and (refused := await self._authenticate(remote, request, None if found is None else found[0])) is not None:
            return refused
        if found is None:
            return plain(404)
        if request.method not in ("GET", "HEAD"):
            return plain(405, None, ("Allow", "GET, HEAD"))
        name, what = found
        zipped = _GZIP.search(request.header(b"accept-encoding") or "") is not None
        try:
            return await self.run(partial(self._read, name, what, public=public, zipped=zipped))
        except (UnknownLog, ValueError):
            return plain(404)
        except Closed:
            return plain(503)
        except VerificationError as error:
            log.error("a tile cannot be served", log=name, path=request.target, why=str(error))
            return plain(503)

    async def _authenticate(self, remote: str, request: Request, name: str | None) -> Response | None:
        """None for somebody who may read all of that log, where it is served."""
        bearer = _BEARER.fullmatch(request.header(b"authorization") or "")
        admission = Rejection(status=401) if bearer is None else await self.gate.admit(bearer.group(1), remote)
        if isinstance(admission, Rejection):
            headers = [("WWW-Authenticate", "Bearer")] if admission.status == 401 else []
            if admission.retry_after is not None:
                headers.append(("Retry-After", str(math.ceil(admission.retry_after / 1000))))
            return plain(admission.status, "Unauthenticated.\n" if admission.status == 401 else "Not available now.\n", *headers)
        assert isinstance(admission.identity, Identity)
        return None if name is not None and self._may_read(admission.identity, name) else plain(404)

    def _may_read(self, who: Identity, name: str) -> bool:
        if who.kind == kinds.OPERATOR:
            return self.settings.node != "off" if name == NODE else name in self.settings.tenants
        return name != NODE and name in self.settings.tenants and who.tenant == name and not who.invitation and who.kind in WHOLE_LOG

    def _is_public(self, name: str) -> bool:
        return self.settings.node == "public" if name == NODE else name in self.settings.public

    def _read(self, name: str, what: str | Tile, *, public: bool, zipped: bool) -> Response:
        who = "public" if public else "private"
        vary = ("Vary", "Accept-Encoding" if public else "Authorization, Accept-Encoding")
        if not isinstance(what, Tile):
            fresh = (("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", f"{who}, max-age={FRESH}"), vary)
            return Response(headers=fresh, body=self._checkpoint(name))
        data = self.ledger.tile(name, what)
        headers = [("Content-Type", "application/octet-stream"), ("Cache-Control", f"{who}, max-age={FOREVER}, immutable"), vary]
        if zipped and what.level == ENTRIES:  # hashes do not shrink
            data = gzip.compress(data, 1, mtime=0)
            headers.append(("Content-Encoding", "gzip"))
        return Response(headers=tuple(headers), body=data)

    def _checkpoint(self, name: str) -> bytes:
        head = self.ledger.head(name)
        note = self.ledger.witnessed(name) if self.cosigned else None
        return head.checkpoint if note is None else note


def _place(target: str) -> tuple[str, str | Tile] | None:
    """(log, checkpoint or tile) of a path; None for any other, with a query too: a tile has one address."""
    path = target.removeprefix("/")
    for name, rest in ((NODE, path), path.partition("/")[::2]):
        if rest == CHECKPOINT:
            return name, rest
        if (tile := Tile.parse(rest)) is not None:
            return name, tile
    return None


async def _busy(_: Request) -> Response:
    return plain(503)
