"""The client's half of a session: takes frames and the time, gives answers and frames.  No socket, no clock, no randomness.

It signs the server's challenge only after checking that the challenge is for this very connection.  An answer to a call
never made, a second answer, an event beyond the credit: each raises ProtocolError and changes nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import TypeAlias

import attrs

from transport.answers import Answer, Ceased, Event, Indeterminate, Lagging, Push, Refused, Reply
from transport.errors import IllegalMessage, ProtocolError, VerificationError
from transport.heartbeat import Heartbeat
from transport.limits import Limits
from transport.packing import Message, decode_frame, encode_one, require_plain
from transport.proof import NONCE_BYTES, Challenge, challenge_bytes
from transport.server_session import Bye
from transport.session import SAID_BY_SERVER, VERSION, WORDS, ClientState, require_fields, tag_of

Heard: TypeAlias = tuple[int, Answer | Push]  # the call's or subscription's id, and what came for it


@attrs.frozen(kw_only=True)
class Dialled:
    """Which server this connection reached: what the client asked for, and what it saw."""

    origin: str
    certificate: bytes  # SHA-256 of the leaf certificate seen in this connection's own TLS


class ClientSession:
    def __init__(self, *, agent: str, dialled: Dialled, sign: Callable[[bytes], bytes] | None, limits: Limits, now: float) -> None:
        self.state = ClientState.GREETED
        self.ended: Bye | None = None
        self.session_id = ""
        self.principal = ""
        self._dialled = dialled
        self._sign = sign
        self._limits = limits
        self._heartbeat = Heartbeat(limits.heartbeat_seconds, limits.heartbeat_patience, now)
        self._open: set[int] = set()
        self._credit: dict[int, int] = {}  # subscription -> events the server may still send
        self._ceasing: set[int] = set()  # asked to cease: what is still under way is dropped
        self._last_id = 0
        self._outgoing = [encode_one({"t": "hello", "versions": [VERSION], "agent": agent})]

    @property
    def calls_left(self) -> int:
        """How many more calls may be in flight now."""
        return self._limits.calls_in_flight - len(self._open)

    def call(self, tag: str, fields: Message, *, credit: int | None = None) -> tuple[int, bytes]:
        """The id of a new call and its bytes; with ``credit`` it asks for a subscription."""
        if self.state is not ClientState.OPEN:
            raise IllegalMessage("a call on a session that is not open")
        if tag in WORDS:
            raise IllegalMessage(f"`{tag}` is a word of the session, not a call")
        if not fields.keys().isdisjoint(("t", "id", "credit")):
            raise IllegalMessage("`t`, `id` and `credit` are set by the session")
        if self.calls_left < 1:
            raise IllegalMessage(f"more than {self._limits.calls_in_flight} calls in flight")
        number = self._last_id + 1
        message = {"t": tag, "id": number, **fields}
        if credit is not None:
            if not 0 < credit <= self._limits.max_credit:
                raise IllegalMessage(f"credit must be between 1 and {self._limits.max_credit}")
            if len(self._credit) >= self._limits.subscriptions:
                raise IllegalMessage(f"more than {self._limits.subscriptions} subscriptions")
            message["credit"] = credit
        packed = require_plain(message, self._limits)
        self._last_id = number
        self._open.add(number)
        if credit is not None:
            self._credit[number] = credit
        return number, packed

    def give_credit(self, sub: int, more: int) -> bytes | None:
        """The bytes that let the server send ``more`` events; None when the subscription is over."""
        credit = self._credit.get(sub)
        if credit is None or sub in self._ceasing:
            return None
        if more < 1 or credit + more > self._limits.max_credit:
            raise IllegalMessage(f"credit beyond {self._limits.max_credit}, or none")
        self._credit[sub] = credit + more
        return encode_one({"t": "credit", "sub": sub, "more": more})

    def cease(self, sub: int) -> bytes | None:
        """The bytes that end a subscription; None when it is over already."""
        if sub not in self._credit or sub in self._ceasing or self.state is not ClientState.OPEN:
            return None
        self._ceasing.add(sub)
        return encode_one({"t": "cease", "sub": sub})

    def receive(self, data: bytes, now: float) -> list[Heard]:
        """What one frame holds for the callers, in order."""
        self._heartbeat.heard(now)
        heard: list[Heard] = []
        for message in decode_frame(data, self._limits):
            tag = tag_of(message)
            if tag not in SAID_BY_SERVER[self.state]:
                raise ProtocolError(f"`{tag if tag in WORDS else 'an unknown tag'}` from the server while {self.state.value}")
            require_fields(tag, message)
            match tag:
                case "reply" | "refused" | "indeterminate":
                    heard.append(self._answer(tag, message))
                case "event" | "lagging" | "ceased":
                    self._push(tag, message, heard)
                case _:
                    self._word(tag, message)
        return heard

    def take(self) -> list[bytes]:
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def bye(self, code: str, why: str) -> bytes:
        self.state = ClientState.CLOSED
        return encode_one({"t": "bye", "code": code, "why": why})

    def tick(self, now: float) -> bool:
        """Whether the server is still alive; pings it when it has been silent."""
        if now >= self._heartbeat.dead_at():
            return False
        if self.state is ClientState.OPEN and (number := self._heartbeat.ping_due(now)) is not None:
            self._outgoing.append(encode_one({"t": "ping", "n": number}))
        return True

    def next_ping_at(self) -> float | None:
        return self._heartbeat.next_ping_at()

    def dead_at(self) -> float:
        return self._heartbeat.dead_at()

    def _answer(self, tag: str, message: Message) -> Heard:
        number: int = message["id"]
        if number not in self._open:
            raise ProtocolError("an answer to a call that was not made or has its answer")
        self._open.remove(number)
        if tag == "reply":
            return number, Reply(message["value"])
        self._credit.pop(number, None)
        self._ceasing.discard(number)
        if tag == "indeterminate":
            return number, Indeterminate(message["why"])
        return number, Refused(
            code=message["code"], why=message["why"], retry_after=message.get("retry_after"), detail=message.get("detail")
        )

    def _push(self, tag: str, message: Message, heard: list[Heard]) -> None:
        sub: int = message["sub"]
        credit = self._credit.get(sub)
        if credit is None:
            raise ProtocolError(f"`{tag}` for a subscription that is not open")
        if tag == "ceased":
            del self._credit[sub]
            self._ceasing.discard(sub)
            heard.append((sub, Ceased(why=message["why"])))
            return
        if tag == "event":
            if credit < 1:
                raise ProtocolError("an event beyond the credit")
            self._credit[sub] = credit - 1
        if sub not in self._ceasing:
            heard.append((sub, Event(at=message["at"], value=message["value"]) if tag == "event" else Lagging(at=message["at"])))

    def _word(self, tag: str, message: Message) -> None:
        match tag:
            case "ping":
                self._outgoing.append(encode_one({"t": "pong", "n": message["n"]}))
            case "pong":
                self._heartbeat.ponged(message["n"])
            case "bye":
                self.ended = Bye(code=message["code"], why=message["why"])
                self.state = ClientState.CLOSED
            case "challenge":
                self._prove(message)
            case "welcome":
                self._welcome(message)
            case _:
                raise AssertionError(f"the tables let `{tag}` through and nothing follows it")

    def _prove(self, message: Message) -> None:
        """Sign, in this order: the challenge is well-formed, it is for the server dialled, and for the connection it came on."""
        challenge = Challenge(
            nonce=message["nonce"], principal=message["principal"], origin=message["origin"], certificate=message["certificate"]
        )
        if len(challenge.nonce) != NONCE_BYTES:
            raise ProtocolError(f"challenge: `nonce` must be {NONCE_BYTES} bytes")
        if challenge.origin != self._dialled.origin:
            raise VerificationError(
                "the challenge names another server than the one dialled: something stands in between, nothing was signed"
            )
        if not hmac.compare_digest(challenge.certificate, self._dialled.certificate):
            raise VerificationError(
                "the challenge names another certificate than this connection's: something stands in between, nothing was signed"
            )
        if self._sign is None:
            raise VerificationError("the server asks for a proof of possession, and this client was given no signing key")
        signature = self._sign(challenge_bytes(challenge))
        self.state = ClientState.PROVED
        self._outgoing.append(encode_one({"t": "prove", "signature": signature}))

    def _welcome(self, message: Message) -> None:
        """Take over the server's own limits where they are tighter, and its heartbeat."""
        offered = message["limits"]
        limits = self._limits
        tighter = {}
        for name, field in _OFFERED.items():
            value = offered.get(name)
            if type(value) is not int or value < 1:
                raise ProtocolError(f"welcome: limit `{name}` must be a positive int")
            tighter[field] = min(value, getattr(limits, field))
        if message["heartbeat"] < 1:
            raise ProtocolError("welcome: `heartbeat` must be positive")
        self._limits = attrs.evolve(limits, **tighter)
        self._heartbeat.every(message["heartbeat"] / 1000)
        self.session_id = message["session"]
        self.principal = message["principal"]
        self.state = ClientState.OPEN


# What `welcome` calls a limit, and which of ours it tightens.  How much we read ourselves stays our own affair (`max_frame`).
_OFFERED = {
    "message": "max_message",
    "calls": "calls_in_flight",
    "subscriptions": "subscriptions",
    "credit": "max_credit",
}
