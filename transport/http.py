"""HTTP/1.1 on one stream, bounded in everything: whatever the peer sends, it gets a well-formed answer or the end.

    stream ─ head ─┬─ 400 408 431 501 ── close
                   └─ body ─┬─ 408 413 ─ close
                            └─ handler ─▶ answer ─▶ next request, or close after the last one allowed

h11 reads and writes (RFC 9112), so that smuggling, bare line feeds and doubled lengths meet one strict parser.  A handler
sees GET, HEAD and POST with the whole body, and answers with a whole body.  One that fails, or does not answer in time,
is a 500 or 503 without a word of why: that goes to the log.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import TypeAlias

import attrs
import h11
import trio

_log = logging.getLogger(__name__)

KIB = 1024
METHODS = ("GET", "HEAD", "POST")
_READ = 16 * KIB

_SENTENCES = {
    400: "Bad request.\n",
    404: "Not found.\n",
    405: "Method not allowed.\n",
    408: "The request took too long.\n",
    413: "The request's body is too large.\n",
    417: "No such expectation is met here.\n",
    431: "The request's header is too large.\n",
    500: "The server failed.\n",
    501: "Not implemented: GET, HEAD and POST are.\n",
    503: "Not available now.\n",
}


@attrs.frozen(kw_only=True)
class HttpLimits:
    """What one connection may take; each has its reason."""

    # A request of ours is 300 bytes; a browser's with cookies about 2 KiB. The same for each of its later requests.
    head_bytes: int = 16 * KIB
    # The largest body known is a witness's request: a checkpoint and at most 63 hashes, under 10 KiB.
    body_bytes: int = 64 * KIB
    # From a request's first byte to the end of its head, and as long again for its body: seconds on a bad mobile line.
    head_seconds: float = 10.0
    body_seconds: float = 10.0
    # How long a handler may think: a reader waits for a disk, a witness for an fsync.
    handler_seconds: float = 20.0
    # How long the peer may take to accept an answer; the largest, a full bundle of entries, is 1 MiB.
    answer_seconds: float = 60.0
    # Silence between two requests; a mirror that follows a log asks again within seconds.
    idle_seconds: float = 15.0
    # Then the connection ends in good order, so that a place is never held for ever.
    requests: int = 10_000
    # How long a closing side reads on, so that the kernel does not destroy its last words by a reset.
    linger_seconds: float = 1.0


DEFAULT = HttpLimits()


@attrs.frozen(kw_only=True)
class Request:
    """One whole request.  ``target`` begins with a slash and is as it came, percent signs and query included."""

    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...] = ()  # names in lower case
    body: bytes = b""

    def header(self, name: bytes) -> str | None:
        """The value of a header that was sent exactly once; ``name`` is in lower case."""
        found = [value for key, value in self.headers if key == name]
        return found[0].decode("latin-1").strip() if len(found) == 1 else None


@attrs.frozen(kw_only=True)
class Response:
    """One whole answer; its length, the date and the connection's fate are added."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


def plain(status: int, sentence: str | None = None, *headers: tuple[str, str]) -> Response:
    """A short answer in words, never kept by a cache."""
    text = sentence if sentence is not None else _SENTENCES.get(status, "Refused.\n")
    return Response(
        status=status,
        headers=(("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store"), *headers),
        body=text.encode(),
    )


async def handle(stream: trio.abc.Stream, handler: Handler, *, limits: HttpLimits = DEFAULT) -> None:
    """Answer the requests that come on ``stream`` until either side has done, then close it.

    What `serve` hands to its ``http`` hook has the request put back into the stream, and is read again here.
    """
    async with stream:  # whatever happens; cancelled, at once
        try:
            await _Exchange(stream, handler, limits).run()
            await _close(stream, limits.linger_seconds)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the peer left: the commonest end


class _Refused(Exception):
    """The request is answered with ``status`` and the connection ends."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Exchange:
    """One connection."""

    def __init__(self, stream: trio.abc.Stream, handler: Handler, limits: HttpLimits) -> None:
        self._stream, self._handler, self._limits = stream, handler, limits
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.head_bytes)
        self._method = "GET"  # of the request that is being read: an answer to HEAD has no content, a refusal neither

    async def run(self) -> None:
        for left in range(self._limits.requests - 1, -1, -1):
            try:
                request = await self._read()
            except _Refused as refused:
                await self._answer(self._method, plain(refused.status), last=True)
                return
            if request is None:
                return
            response = await self._handled(request)
            await self._answer(request.method, response, last=not left or response.status >= 500)
            if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                return
            self._http.start_next_cycle()

    async def _read(self) -> Request | None:
        """The next request; None where the peer has ended, or keeps silent."""
        try:
            head = await self._read_head()
            if head is None:
                return None
            self._judge(head)
            return Request(
                method=head.method.decode("ascii"),
                target=head.target.decode("ascii"),
                headers=tuple(head.headers),
                body=await self._read_body(),
            )
        except h11.RemoteProtocolError as error:
            raise _Refused(error.error_status_hint if error.error_status_hint in (431, 501) else 400) from None

    async def _read_head(self) -> h11.Request | None:
        self._method = "GET"
        event = self._http.next_event()
        if event is h11.NEED_DATA and not self._http.trailing_data[0]:
            with trio.move_on_after(self._limits.idle_seconds) as silence:
                await self._receive()
            if silence.cancelled_caught:
                return None
            event = self._http.next_event()
        with trio.move_on_after(self._limits.head_seconds):
            while event is h11.NEED_DATA:
                await self._receive()
                event = self._http.next_event()
        match event:
            case h11.Request():
                self._method = event.method.decode("ascii")
                return event
            case h11.NEED_DATA:
                raise _Refused(408)
            case _:
                return None  # the peer closed between two requests

    def _judge(self, head: h11.Request) -> None:
        """What no handler needs to see."""
        if head.method.decode("ascii") not in METHODS:
            raise _Refused(501)
        if not head.target.startswith(b"/"):
            raise _Refused(400)  # the forms for proxies, RFC 9112 §3.2.2-4
        for name, value in head.headers:
            # h11 has checked that it is one number; a body that is announced too large is not waited for.
            if name == b"content-length" and (len(value) > 18 or int(value) > self._limits.body_bytes):
                raise _Refused(413)
            if name == b"expect" and value.lower() != b"100-continue":
                raise _Refused(417)  # RFC 9110 §10.1.1

    async def _read_body(self) -> bytes:
        parts, size = list[bytes](), 0
        with trio.move_on_after(self._limits.body_seconds):
            if self._http.they_are_waiting_for_100_continue:
                await self._send(self._http.send(h11.InformationalResponse(status_code=100, headers=[])))
            while not isinstance(event := self._http.next_event(), h11.EndOfMessage):
                if isinstance(event, h11.Data):
                    size += len(event.data)
                    if size > self._limits.body_bytes:
                        raise _Refused(413)
                    parts.append(bytes(event.data))
                else:
                    await self._receive()
            return b"".join(parts)
        raise _Refused(408)

    async def _receive(self) -> None:
        self._http.receive_data(bytes(await self._stream.receive_some(_READ)))

    async def _handled(self, request: Request) -> Response:
        try:
            with trio.move_on_after(self._limits.handler_seconds):
                return await self._handler(request)
        except Exception:  # noqa: BLE001  # the wall between a handler and its peer: logged, and said without a word of why
            _log.exception("a handler of HTTP requests failed")
            return plain(500)
        _log.error("a handler of HTTP requests took longer than %s s", self._limits.handler_seconds)
        return plain(503)

    async def _answer(self, method: str, response: Response, *, last: bool) -> None:
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return  # an answer to nothing: the peer's bytes went wrong after an answer
        headers = [*response.headers, ("Date", formatdate(usegmt=True))]
        if response.status not in (204, 304):  # these have no content, and a length would be that of another answer
            headers.append(("Content-Length", str(len(response.body))))
        if last:
            headers.append(("Connection", "close"))
        said = self._http.send(h11.Response(status_code=response.status, headers=headers)) or b""
        if method != "HEAD" and response.body:
            said += self._http.send(h11.Data(data=response.body)) or b""
        said += self._http.send(h11.EndOfMessage()) or b""
        await self._send(said)

    async def _send(self, data: bytes | None) -> None:
        with trio.move_on_after(self._limits.answer_seconds) as late:
            await self._stream.send_all(data or b"")
        if late.cancelled_caught:
            raise trio.BrokenResourceError("the peer did not take the answer in time")


async def _close(stream: trio.abc.Stream, linger: float) -> None:
    """Close so that the peer can read our last words: unread bytes of its own would make the kernel reset the connection."""
    with trio.move_on_after(linger):
        if isinstance(stream, trio.SocketStream):
            await stream.send_eof()
            while await stream.receive_some(_READ):
                pass
        else:
            await stream.aclose()  # says goodbye in TLS, and lingers by itself; a peer that does not read holds it no longer
