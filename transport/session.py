"""The words of a session, who may say them when, and what each must hold.

    client                                server
      │ hello {versions, agent}             │   nothing else is read before it
      │────────────────────────────────────▶│
      │      challenge {nonce, principal, origin, certificate}   only for principals that sign
      │◀────────────────────────────────────│
      │ prove {signature}                   │
      │────────────────────────────────────▶│
      │      welcome {session, principal, limits, heartbeat}
      │◀────────────────────────────────────│
      │ <any call> {id, …}                  │   ids rise strictly
      │────────────────────────────────────▶│
      │      reply | refused | indeterminate {id, …}             exactly one to each call
      │◀────────────────────────────────────│
      │      event | lagging | ceased {sub, …}                   to a call that gave `credit`
      │◀────────────────────────────────────│
      │ credit {sub, more}, cease {sub}     │
      │────────────────────────────────────▶│
      │◀────── ping {n} / pong {n} ────────▶│
      │◀────── bye {code, why} ────────────▶│   the last word of either side

The tables below are the rule; `ServerSession` and `ClientSession` look every message up in them.  Any tag that is not a
word of the session is a call, and what it means is not judged here.
"""

from __future__ import annotations

from enum import Enum

from transport.errors import ProtocolError
from transport.packing import Message

SUBPROTOCOL = "vienna.v1.msgpack"
VERSION = 1

# How a session ends: the code of `bye`, for programs.  The sentence beside it is for people.
DONE = "done"
STOPPING = "stopping"
PROTOCOL = "protocol"
LAGGING = "lagging"
UNPROVEN = "unproven"
SILENT = "silent"
CRASHED = "crashed"
LOST = "lost"  # never said: how a side calls an end without a word


class ServerState(Enum):
    AWAITS_HELLO = "awaits hello"
    AWAITS_PROOF = "awaits proof"
    OPEN = "open"
    CLOSED = "closed"


class ClientState(Enum):
    GREETED = "greeted"
    PROVED = "proved"
    OPEN = "open"
    CLOSED = "closed"


CALL = "<call>"  # stands for every tag that is not a word of the session

SAID_BY_CLIENT: dict[ServerState, frozenset[str]] = {
    ServerState.AWAITS_HELLO: frozenset({"hello", "bye"}),
    ServerState.AWAITS_PROOF: frozenset({"prove", "bye"}),
    ServerState.OPEN: frozenset({CALL, "credit", "cease", "ping", "pong", "bye"}),
    ServerState.CLOSED: frozenset(),
}

SAID_BY_SERVER: dict[ClientState, frozenset[str]] = {
    ClientState.GREETED: frozenset({"challenge", "welcome", "bye"}),
    ClientState.PROVED: frozenset({"welcome", "bye"}),
    ClientState.OPEN: frozenset({"reply", "refused", "indeterminate", "event", "lagging", "ceased", "ping", "pong", "bye"}),
    ClientState.CLOSED: frozenset(),
}

WORDS: frozenset[str] = frozenset().union(*SAID_BY_CLIENT.values(), *SAID_BY_SERVER.values()) - {CALL}

# tag -> (required fields, optional fields), each with its type.  A field that is not listed is refused.
FIELDS: dict[str, tuple[dict[str, type], dict[str, type]]] = {
    "hello": ({"versions": list, "agent": str}, {}),
    "challenge": ({"nonce": bytes, "principal": str, "origin": str, "certificate": bytes}, {}),
    "prove": ({"signature": bytes}, {}),
    "welcome": ({"session": str, "principal": str, "limits": dict, "heartbeat": int}, {}),
    "reply": ({"id": int, "value": dict}, {}),
    "refused": ({"id": int, "code": str, "why": str}, {"retry_after": int, "detail": dict}),
    "indeterminate": ({"id": int, "why": str}, {}),
    "event": ({"sub": int, "at": int, "value": dict}, {}),
    "lagging": ({"sub": int, "at": int}, {}),
    "ceased": ({"sub": int, "why": str}, {}),
    "credit": ({"sub": int, "more": int}, {}),
    "cease": ({"sub": int}, {}),
    "ping": ({"n": int}, {}),
    "pong": ({"n": int}, {}),
    "bye": ({"code": str, "why": str}, {}),
}


def require_fields(tag: str, message: Message) -> None:
    """Returns if ``message`` has exactly the fields of ``tag``, of their types; raises ProtocolError naming the first that is wrong."""
    required, optional = FIELDS[tag]
    for name, kind in required.items():
        if type(message.get(name)) is not kind:  # exact: True is an int to isinstance
            raise ProtocolError(f"{tag}: `{name}` must be {kind.__name__}")
    for name in message.keys() - required.keys() - {"t"}:
        if name not in optional:
            raise ProtocolError(f"{tag}: a field it does not have")
        if type(message[name]) is not optional[name]:
            raise ProtocolError(f"{tag}: `{name}` must be {optional[name].__name__}")


def tag_of(message: Message) -> str:
    tag = message.get("t")
    if type(tag) is not str or not tag:
        raise ProtocolError("a message without its tag `t`")
    return tag
