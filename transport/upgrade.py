"""From the first bytes of a connection to one of: wait for more, an upgrade to our protocol, another HTTP request, a refusal.

Sans-IO.  h11 reads the request first, so that trio-websocket only ever sees an upgrade that is already in order: what a
stranger sends meets one strict parser, and a refusal is plain HTTP that any client understands.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import attrs
import h11

from transport.limits import Limits
from transport.session import SUBPROTOCOL

PATH = "/vienna"

_BEARER = re.compile(r"[Bb]earer ([\x21-\x7e]{1,512})")  # RFC 6750 §2.1; our keys are under 200 characters

_SENTENCES = {
    400: "Bad request: this is not a well-formed upgrade to vienna.v1.msgpack.\n",
    401: "Unauthenticated.\n",  # and no word more: the reason is for the node's log
    403: "Forbidden.\n",
    404: "Not found.\n",
    426: "Upgrade required: this address speaks WebSocket, version 13, subprotocol vienna.v1.msgpack.\n",
    429: "Too many requests.\n",
    431: "Request header too large.\n",
    503: "Not available now.\n",
}


@attrs.frozen(kw_only=True)
class Upgrade:
    bearer: str | None
    raw: bytes  # the request as it came, to be read again by the WebSocket library


@attrs.frozen(kw_only=True)
class OtherRequest:
    """An HTTP request that asks for no upgrade; ``raw`` is all that came of it so far."""

    path: str
    raw: bytes


@attrs.frozen
class Unacceptable:
    status: int


Outcome: TypeAlias = Upgrade | OtherRequest | Unacceptable


class RequestReader:
    """Feed it bytes until it gives an outcome."""

    def __init__(self, limits: Limits) -> None:
        self._limit = limits.handshake_bytes
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.handshake_bytes)
        self._raw = b""

    def feed(self, data: bytes) -> Outcome | None:
        self._raw += data
        if len(self._raw) > self._limit:
            return Unacceptable(431)
        try:
            self._http.receive_data(data)
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            return Unacceptable(431 if error.error_status_hint == 431 else 400)
        if event is h11.NEED_DATA:
            return None
        if not isinstance(event, h11.Request):
            return Unacceptable(400)  # the peer closed in the middle
        return _judge(event, self._raw, trailing=bool(self._http.trailing_data[0]))


def _judge(request: h11.Request, raw: bytes, *, trailing: bool) -> Outcome:
    path = request.target.decode("ascii", "replace")
    if "websocket" not in _tokens(request, b"upgrade"):
        return OtherRequest(path=path, raw=raw)
    if path != PATH:
        return Unacceptable(404)
    if request.method != b"GET" or request.http_version != b"1.1" or "upgrade" not in _tokens(request, b"connection"):
        return Unacceptable(400)
    if _all(request, b"content-length") or _all(request, b"transfer-encoding") or trailing:
        return Unacceptable(400)  # nothing may follow the request before it is answered
    if _all(request, b"sec-websocket-version") != ["13"]:
        return Unacceptable(426)
    if len(_all(request, b"sec-websocket-key")) != 1 or SUBPROTOCOL not in _tokens(request, b"sec-websocket-protocol"):
        return Unacceptable(400)
    match _all(request, b"authorization"):
        case []:
            return Upgrade(bearer=None, raw=raw)
        case [value] if found := _BEARER.fullmatch(value):
            return Upgrade(bearer=found.group(1), raw=raw)
        case _:
            return Unacceptable(401)


def refusal(status: int, retry_after: int | None = None) -> bytes:
    """A short plain answer that ends the connection.  ``retry_after`` is in milliseconds; HTTP counts seconds, rounded up."""
    body = _SENTENCES.get(status, "Refused.\n").encode("ascii")
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("Connection", "close"),
    ]
    if status == 401:
        headers.append(("WWW-Authenticate", "Bearer"))
    if status == 426:
        headers += [("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Protocol", SUBPROTOCOL)]
    if retry_after is not None:
        headers.append(("Retry-After", str(-(-retry_after // 1000))))
    http = h11.Connection(h11.SERVER)
    head = http.send(h11.Response(status_code=status, headers=headers))
    return (head or b"") + (http.send(h11.Data(data=body)) or b"")


def _all(request: h11.Request, name: bytes) -> list[str]:
    return [value.decode("latin-1").strip() for header, value in request.headers if header == name]


def _tokens(request: h11.Request, name: bytes) -> list[str]:
    tokens = [token.strip() for value in _all(request, name) for token in value.split(",")]
    return tokens if name == b"sec-websocket-protocol" else [token.lower() for token in tokens]
