"""The server's session as a script: what is said, and what comes of it.  No socket, no clock."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from nacl.signing import SigningKey

from transport.errors import IllegalMessage, ProtocolError, VerificationError
from transport.limits import Limits
from transport.proof import Challenge, challenge_bytes
from transport.server_session import Bye, Proof, ServerSession
from transport.session import SAID_BY_CLIENT, WORDS, ServerState

ADA = SigningKey(b"a" * 32)
CHALLENGE = Challenge(nonce=b"n" * 32, principal="ada", origin="vienna.example", certificate=b"c" * 32)
PROOF = Proof(challenge=CHALLENGE, public_key=bytes(ADA.verify_key))
LIMITS = Limits(calls_in_flight=3, subscriptions=2, max_credit=10)
HELLO = {"t": "hello", "versions": [1], "agent": "test/1"}
PROVE = {"t": "prove", "signature": ADA.sign(challenge_bytes(CHALLENGE)).signature}


def session(proof: Proof | None = None) -> ServerSession:
    return ServerSession(principal="ada", session_id="s1", proof=proof, limits=LIMITS, now=0)


def opened() -> ServerSession:
    fresh = session()
    hear(fresh, HELLO)
    fresh.take()
    return fresh


def hear(to: ServerSession, *messages: dict[str, Any], now: float = 1) -> list[dict[str, Any]]:
    return to.receive(b"".join(map(msgpack.packb, messages)), now)


def says(who: ServerSession) -> list[dict[str, Any]]:
    return [msgpack.unpackb(packed) for packed in who.take()]


def remembered(who: ServerSession) -> tuple[object, ...]:
    return (who.state, set(who._open), dict(who._credit), who._last_id, list(who._outgoing), who.ended)


def test_who_need_not_prove_is_welcomed_at_once() -> None:
    fresh = session()
    assert hear(fresh, HELLO) == []
    (welcome,) = says(fresh)
    assert welcome == {
        "t": "welcome",
        "session": "s1",
        "principal": "ada",
        "limits": {"message": 1048576, "frame": 1048576, "calls": 3, "subscriptions": 2, "credit": 10},
        "heartbeat": 15000,
    }
    assert fresh.state is ServerState.OPEN


def test_who_signs_is_challenged_and_welcomed_after_the_proof() -> None:
    fresh = session(PROOF)
    hear(fresh, HELLO)
    (challenge,) = says(fresh)
    assert challenge == {
        "t": "challenge",
        "nonce": b"n" * 32,
        "principal": "ada",
        "origin": "vienna.example",
        "certificate": b"c" * 32,
    }
    hear(fresh, PROVE)
    assert [message["t"] for message in says(fresh)] == ["welcome"]


@pytest.mark.parametrize("signature", [b"", b"x" * 64, SigningKey(b"m" * 32).sign(challenge_bytes(CHALLENGE)).signature])
def test_a_wrong_proof_opens_nothing(signature: bytes) -> None:
    fresh = session(PROOF)
    hear(fresh, HELLO)
    fresh.take()
    with pytest.raises(VerificationError):
        hear(fresh, {"t": "prove", "signature": signature})
    assert fresh.state is ServerState.AWAITS_PROOF
    assert says(fresh) == []


def test_a_call_in_the_same_frame_as_hello_is_too_early_for_who_must_prove() -> None:
    fresh = session(PROOF)
    with pytest.raises(ProtocolError, match="a call while the session awaits proof"):
        hear(fresh, HELLO, {"t": "echo", "id": 1})


@pytest.mark.parametrize("state", list(ServerState))
@pytest.mark.parametrize("tag", sorted(WORDS))
def test_a_word_out_of_its_turn_raises_and_changes_nothing(state: ServerState, tag: str) -> None:
    fresh = session(PROOF)
    if state is not ServerState.AWAITS_HELLO:
        hear(fresh, HELLO)
    if state in (ServerState.OPEN, ServerState.CLOSED):
        hear(fresh, PROVE)
    if state is ServerState.CLOSED:
        hear(fresh, {"t": "bye", "code": "done", "why": ""})
    assert fresh.state is state
    if tag in SAID_BY_CLIENT[state]:
        return
    before = remembered(fresh)
    with pytest.raises(ProtocolError):
        hear(fresh, {"t": tag})
    assert remembered(fresh) == before


@pytest.mark.parametrize(
    "message",
    [
        {"t": "echo"},
        {"t": "echo", "id": 2},
        {"t": "echo", "id": "3"},
        {"t": "echo", "id": 2**63},
        {"t": "echo", "id": 3, "credit": 11},
        {"t": "echo", "id": 3, "credit": "1"},
        {"t": "credit", "sub": 2, "more": 9},
        {"t": "credit", "sub": 2, "more": True},
        {"t": "credit", "sub": 2},
        {"t": "credit", "sub": 2, "more": 1, "and": 1},
        {"t": "pong", "n": 1},
        {"t": ""},
        {"t": 1},
        {"id": 3},
    ],
)
def test_a_message_that_may_not_be_said_raises_and_changes_nothing(message: dict[str, Any]) -> None:
    open_ = opened()
    hear(open_, {"t": "echo", "id": 1}, {"t": "tail", "id": 2, "credit": 2})
    before = remembered(open_)
    with pytest.raises(ProtocolError):
        hear(open_, message)
    assert remembered(open_) == before


def test_calls_come_in_order_and_words_of_the_session_stay_inside() -> None:
    open_ = opened()
    assert hear(open_, {"t": "b", "id": 1}, {"t": "ping", "n": 5}, {"t": "a", "id": 9}) == [{"t": "b", "id": 1}, {"t": "a", "id": 9}]
    assert says(open_) == [{"t": "pong", "n": 5}]


def test_each_call_gets_one_answer_and_then_makes_room() -> None:
    open_ = opened()
    hear(open_, *({"t": "a", "id": n} for n in (1, 2, 3)))
    with pytest.raises(ProtocolError, match="more than 3 calls in flight"):
        hear(open_, {"t": "a", "id": 4})
    assert open_.post({"t": "reply", "id": 2, "value": {}}) is not None
    with pytest.raises(IllegalMessage):
        open_.post({"t": "refused", "id": 2, "code": "x", "why": "y"})
    assert hear(open_, {"t": "a", "id": 4}) == [{"t": "a", "id": 4}]


def test_an_answer_too_large_is_not_counted_as_given() -> None:
    open_ = opened()
    hear(open_, {"t": "a", "id": 1})
    with pytest.raises(IllegalMessage, match="the limit is"):
        open_.post({"t": "reply", "id": 1, "value": {"b": b"x" * (1 << 20)}})
    assert open_.waiting() == 1
    assert open_.post({"t": "indeterminate", "id": 1, "why": "the answer was too large"}) is not None


def test_events_spend_credit_and_the_handler_hears_of_more() -> None:
    open_ = opened()
    hear(open_, {"t": "tail", "id": 1, "credit": 1})
    event = {"t": "event", "sub": 1, "at": 7, "value": {}}
    assert open_.post(event) == msgpack.packb(event)
    with pytest.raises(IllegalMessage, match="without credit"):
        open_.post(event)
    assert hear(open_, {"t": "credit", "sub": 1, "more": 10}) == [{"t": "credit", "sub": 1, "more": 10}]
    assert open_.credit(1) == 10


def test_a_ceased_subscription_takes_nothing_more_and_late_words_pass_quietly() -> None:
    open_ = opened()
    hear(open_, {"t": "tail", "id": 1, "credit": 5})
    assert hear(open_, {"t": "cease", "sub": 1}) == [{"t": "cease", "sub": 1}]
    assert says(open_) == [{"t": "ceased", "sub": 1, "why": ""}]
    assert open_.post({"t": "event", "sub": 1, "at": 1, "value": {}}) is None
    assert hear(open_, {"t": "cease", "sub": 1}, {"t": "credit", "sub": 1, "more": 1}) == []
    assert says(open_) == []


def test_a_refused_subscription_never_began() -> None:
    open_ = opened()
    hear(open_, {"t": "tail", "id": 1, "credit": 5})
    open_.post({"t": "refused", "id": 1, "code": "x", "why": "y"})
    assert open_.credit(1) == 0


def test_after_bye_nothing_is_said_or_read() -> None:
    open_ = opened()
    hear(open_, {"t": "a", "id": 1}, {"t": "bye", "code": "done", "why": "evening"})
    assert open_.ended == Bye(code="done", why="evening")
    with pytest.raises(IllegalMessage):
        open_.post({"t": "reply", "id": 1, "value": {}})
    with pytest.raises(ProtocolError):
        hear(open_, {"t": "a", "id": 2})


def test_silence_is_pinged_into_and_then_counts_as_death() -> None:
    open_ = opened()
    hear(open_, {"t": "a", "id": 1}, now=100)
    assert open_.tick(114)
    assert says(open_) == []
    assert open_.next_ping_at() == 115
    assert open_.tick(115)
    assert says(open_) == [{"t": "ping", "n": 1}]
    assert open_.tick(144)
    assert says(open_) == []
    assert open_.dead_at() == 145
    assert not open_.tick(145)


def test_a_pong_is_a_sign_of_life() -> None:
    open_ = opened()
    open_.tick(16)
    hear(open_, {"t": "pong", "n": 1}, now=17)
    assert open_.dead_at() == 62
    assert open_.tick(46)
    assert says(open_) == [{"t": "ping", "n": 1}, {"t": "ping", "n": 2}]
