"""One HTTP(S) request and its answer on a connection of its own, bounded in headers and body.

No cookie, no proxy, no redirect, no credential but what the caller gives.  Time is the caller's to bound.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence

import attrs
import h11
import trio

from vienna_runtime.executors.errors import NotStarted

_READ = 16 << 10
_MOST_HEAD = 64 << 10  # bytes of headers: h11 gives up beyond


@attrs.frozen(kw_only=True)
class Host:
    """Whom to ask."""

    tls: bool
    host: str
    port: int

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


@attrs.frozen
class Response:
    status: int
    headers: Mapping[str, str]  # by their names in small letters; of several of a name the first
    body: bytes


BROKEN = (OSError, ssl.SSLError, trio.BrokenResourceError, h11.ProtocolError, UnicodeError, ValueError)  # what an exchange can end in


async def exchange(
    host: Host, method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes = b"", *, tls: ssl.SSLContext, most: int
) -> Response:
    """Raises ``NotStarted`` or one of ``BROKEN`` where there is no whole answer of at most ``most`` bytes."""
    stream: trio.abc.Stream = await trio.open_tcp_stream(host.host, host.port)
    try:
        if host.tls:
            stream = trio.SSLStream(stream, tls, server_hostname=host.host, https_compatible=True)
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD)
        told = [("Host", host.origin.partition("//")[2]), ("Connection", "close"), *headers]
        sent = http.send(h11.Request(method=method, target=target, headers=told)) or b""
        if body:
            sent += http.send(h11.Data(data=body)) or b""
        await stream.send_all(sent + (http.send(h11.EndOfMessage()) or b""))
        status, found, answer = 0, dict[str, str](), bytearray()
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(bytes(await stream.receive_some(_READ)))
            elif isinstance(event, h11.Response):
                status = event.status_code
                for name, value in event.headers:
                    found.setdefault(name.decode("latin-1"), value.decode("latin-1"))
            elif isinstance(event, h11.Data):
                answer += event.data
                if len(answer) > most:
                    raise NotStarted(f"the answer has more than {most} bytes")
            elif isinstance(event, h11.EndOfMessage):
                return Response(status, found, bytes(answer))
            elif not isinstance(event, h11.InformationalResponse):
                raise NotStarted("the server hung up")
    finally:
        await trio.aclose_forcefully(stream)
