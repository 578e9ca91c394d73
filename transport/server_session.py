"""The server's half of a session: takes frames and the time, gives calls and frames.  No socket, no clock, no randomness.

A message that may not be said raises ProtocolError and changes nothing; the owner then ends the connection, since it can
no longer be trusted to be in step.  An answer or event of our own that the session does not allow raises IllegalMessage
and changes nothing either.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs

from transport.errors import IllegalMessage, ProtocolError
from transport.heartbeat import Heartbeat
from transport.limits import Limits
from transport.packing import Message, decode_frame, encode_one
from transport.proof import Challenge, verify_proof
from transport.session import CALL, SAID_BY_CLIENT, VERSION, WORDS, ServerState, require_fields, tag_of

_ANSWERS = frozenset({"reply", "refused", "indeterminate"})
_MAX_AGENT = 200  # a software name and version, for the node's log
_MAX_ID = 2**63 - 1  # what every client language counts to


@attrs.frozen(kw_only=True)
class Bye:
    code: str
    why: str


@attrs.frozen(kw_only=True)
class Proof:
    """What the peer must sign before it is let in, and with which key."""

    challenge: Challenge
    public_key: bytes


Frames: TypeAlias = list[bytes]


class ServerSession:
    def __init__(self, *, principal: str, session_id: str, proof: Proof | None, limits: Limits, now: float) -> None:
        self.state = ServerState.AWAITS_HELLO
        self.ended: Bye | None = None  # set when the peer said bye
        self.agent = ""  # what the peer's software calls itself; unverified
        self._principal = principal
        self._session_id = session_id
        self._proof = proof
        self._limits = limits
        self._heartbeat = Heartbeat(limits.heartbeat_seconds, limits.heartbeat_patience, now)
        self._open: set[int] = set()  # asked and not answered
        self._last_id = 0
        self._credit: dict[int, int] = {}  # subscription -> events it still takes
        self._outgoing: Frames = []

    def receive(self, data: bytes, now: float) -> list[Message]:
        """The calls in one frame, in order; with them `credit` and `cease`, which tell a sender of events to go on or stop."""
        if self.state is not ServerState.OPEN and len(data) > self._limits.greeting_bytes:
            raise ProtocolError(f"more than {self._limits.greeting_bytes} bytes before the session is open")
        self._heartbeat.heard(now)
        heard: list[Message] = []
        for message in decode_frame(data, self._limits):
            tag = tag_of(message)
            if tag in WORDS:
                if tag not in SAID_BY_CLIENT[self.state]:
                    raise ProtocolError(f"`{_known(tag)}` while the session {self.state.value}")
                require_fields(tag, message)
                if self._word(tag, message):
                    heard.append(message)
            else:
                self._call(message)
                heard.append(message)
        return heard

    def post(self, message: Message) -> bytes | None:
        """The bytes of an answer, event, lagging or ceased that the session allows now; it counts as said from here on.

        None for a subscription that is over: the peer may have ceased it while the event was under way.
        """
        if self.state is not ServerState.OPEN:
            raise IllegalMessage(f"`{message['t']}` while the session {self.state.value}")
        tag = message["t"]
        if tag in _ANSWERS:
            return self._answer(tag, message)
        if tag not in ("event", "lagging", "ceased"):
            raise IllegalMessage(f"a server does not say `{tag}` by itself")
        sub = message["sub"]
        credit = self._credit.get(sub)
        if credit is None:
            if 0 < sub <= self._last_id:
                return None
            raise IllegalMessage(f"`{tag}` for a subscription that was never asked for")
        if tag == "event" and credit < 1:
            raise IllegalMessage("an event without credit for it")
        packed = self._pack(message)
        if tag == "event":
            self._credit[sub] = credit - 1
        elif tag == "ceased":
            del self._credit[sub]
        return packed

    def credit(self, sub: int) -> int:
        """How many events the subscription takes now; none when it is over."""
        return self._credit.get(sub, 0)

    def take(self) -> Frames:
        """The session's own messages to send, packed: challenge, welcome, pong, ceased, ping."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def bye(self, code: str, why: str) -> bytes:
        """The last word of this side.  Nothing is said or read after it."""
        self.state = ServerState.CLOSED
        return encode_one({"t": "bye", "code": code, "why": why})

    def tick(self, now: float) -> bool:
        """Whether the peer is still alive; pings it when it has been silent."""
        if now >= self._heartbeat.dead_at():
            return False
        if self.state is ServerState.OPEN and (number := self._heartbeat.ping_due(now)) is not None:
            self._say({"t": "ping", "n": number})
        return True

    def next_ping_at(self) -> float | None:
        return self._heartbeat.next_ping_at()

    def dead_at(self) -> float:
        return self._heartbeat.dead_at()

    def waiting(self) -> int:
        """Calls asked and not answered."""
        return len(self._open)

    def _word(self, tag: str, message: Message) -> bool:
        """Follow a word of the session; whether the handler must hear of it."""
        match tag:
            case "credit":
                return self._more_credit(message["sub"], message["more"])
            case "cease":
                return self._cease(message["sub"])
            case "ping":
                self._say({"t": "pong", "n": message["n"]})
            case "pong":
                self._heartbeat.ponged(message["n"])
            case "bye":
                self.ended = Bye(code=message["code"], why=message["why"])
                self.state = ServerState.CLOSED
            case "hello":
                self._hello(message)
            case "prove":
                assert self._proof is not None
                verify_proof(self._proof.public_key, self._proof.challenge, message["signature"])
                self._welcome()
            case _:
                raise AssertionError(f"the tables let `{tag}` through and nothing follows it")
        return False

    def _hello(self, message: Message) -> None:
        if VERSION not in message["versions"]:
            raise ProtocolError(f"hello: this server speaks version {VERSION} only")
        if len(message["agent"]) > _MAX_AGENT:
            raise ProtocolError(f"hello: `agent` is longer than {_MAX_AGENT}")
        self.agent = message["agent"]
        if self._proof is None:
            self._welcome()
            return
        challenge = self._proof.challenge
        self.state = ServerState.AWAITS_PROOF
        self._say(
            {
                "t": "challenge",
                "nonce": challenge.nonce,
                "principal": challenge.principal,
                "origin": challenge.origin,
                "certificate": challenge.certificate,
            }
        )

    def _welcome(self) -> None:
        self.state = ServerState.OPEN
        limits = self._limits
        self._say(
            {
                "t": "welcome",
                "session": self._session_id,
                "principal": self._principal,
                "limits": {
                    "message": limits.max_message,
                    "frame": limits.max_frame,
                    "calls": limits.calls_in_flight,
                    "subscriptions": limits.subscriptions,
                    "credit": limits.max_credit,
                },
                "heartbeat": int(limits.heartbeat_seconds * 1000),
            }
        )

    def _call(self, message: Message) -> None:
        if self.state is not ServerState.OPEN:
            raise ProtocolError(f"a call while the session {self.state.value}")
        number = message.get("id")
        if type(number) is not int or not self._last_id < number <= _MAX_ID:
            raise ProtocolError("a call whose `id` does not rise")
        if len(self._open) >= self._limits.calls_in_flight:
            raise ProtocolError(f"more than {self._limits.calls_in_flight} calls in flight")
        if "credit" in message:
            credit = message["credit"]
            if type(credit) is not int or not 0 < credit <= self._limits.max_credit:
                raise ProtocolError(f"`credit` must be between 1 and {self._limits.max_credit}")
            if len(self._credit) >= self._limits.subscriptions:
                raise ProtocolError(f"more than {self._limits.subscriptions} subscriptions")
            self._credit[number] = credit
        self._last_id = number
        self._open.add(number)

    def _answer(self, tag: str, message: Message) -> bytes:
        number = message["id"]
        if number not in self._open:
            raise IllegalMessage(f"`{tag}` to a call that was not asked or has its answer")
        packed = self._pack(message)
        self._open.remove(number)
        if tag != "reply":
            self._credit.pop(number, None)  # a subscription that was refused never began
        return packed

    def _pack(self, message: Message) -> bytes:
        try:
            packed = encode_one(message)
        except (TypeError, ValueError, OverflowError) as error:
            raise IllegalMessage(f"this cannot be sent: {error}") from None
        if len(packed) > self._limits.max_message:
            raise IllegalMessage(f"a message of {len(packed)} bytes; the limit is {self._limits.max_message}")
        return packed

    def _more_credit(self, sub: int, more: int) -> bool:
        self._require_asked(sub)
        credit = self._credit.get(sub)
        if credit is None:  # it ended while this was under way
            return False
        if more < 1 or credit + more > self._limits.max_credit:
            raise ProtocolError(f"credit: more than {self._limits.max_credit}, or none")
        self._credit[sub] = credit + more
        return True

    def _cease(self, sub: int) -> bool:
        self._require_asked(sub)
        if self._credit.pop(sub, None) is None:
            return False
        self._say({"t": "ceased", "sub": sub, "why": ""})
        return True

    def _require_asked(self, sub: int) -> None:
        if not 0 < sub <= self._last_id:
            raise ProtocolError("a subscription that was never asked for")

    def _say(self, message: Message) -> None:
        self._outgoing.append(encode_one(message))


def _known(tag: str) -> str:
    return tag if tag in WORDS else CALL
