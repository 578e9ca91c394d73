"""The client's session as a script: what the server says, and what comes of it.  No socket, no clock."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from nacl.signing import SigningKey

from transport.answers import Ceased, Event, Indeterminate, Lagging, Refused, Reply
from transport.client_session import ClientSession, Dialled
from transport.errors import IllegalMessage, ProtocolError, VerificationError
from transport.limits import DEFAULT
from transport.proof import Challenge, verify_proof
from transport.session import SAID_BY_SERVER, WORDS, ClientState

ADA = SigningKey(b"a" * 32)
DIALLED = Dialled(origin="vienna.example", certificate=b"c" * 32)
CHALLENGE = {"t": "challenge", "nonce": b"n" * 32, "principal": "ada", "origin": "vienna.example", "certificate": b"c" * 32}
OFFER = {"message": 5000, "frame": 5000, "calls": 3, "subscriptions": 2, "credit": 10}
WELCOME = {"t": "welcome", "session": "s1", "principal": "ada", "limits": OFFER, "heartbeat": 4000}


def session() -> ClientSession:
    return ClientSession(agent="test/1", dialled=DIALLED, sign=lambda data: ADA.sign(data).signature, limits=DEFAULT, now=0)


def opened() -> ClientSession:
    fresh = session()
    hear(fresh, WELCOME)
    fresh.take()
    return fresh


def hear(to: ClientSession, *messages: dict[str, Any], now: float = 1) -> list[Any]:
    return to.receive(b"".join(map(msgpack.packb, messages)), now)


def says(who: ClientSession) -> list[dict[str, Any]]:
    return [msgpack.unpackb(packed) for packed in who.take()]


def remembered(who: ClientSession) -> tuple[object, ...]:
    return (who.state, set(who._open), dict(who._credit), set(who._ceasing), who._last_id, list(who._outgoing), who.ended)


def test_it_greets_first() -> None:
    assert says(session()) == [{"t": "hello", "versions": [1], "agent": "test/1"}]


def test_it_proves_its_key_to_the_server_it_dialled() -> None:
    fresh = session()
    fresh.take()
    hear(fresh, CHALLENGE)
    (prove,) = says(fresh)
    challenge = Challenge(nonce=b"n" * 32, principal="ada", origin="vienna.example", certificate=b"c" * 32)
    verify_proof(bytes(ADA.verify_key), challenge, prove["signature"])
    hear(fresh, WELCOME)
    assert (fresh.state, fresh.session_id, fresh.principal) == (ClientState.OPEN, "s1", "ada")


@pytest.mark.parametrize(
    "other", [{"origin": "mallory.example"}, {"certificate": b"d" * 32}, {"certificate": b"c" * 31}, {"certificate": b""}]
)
def test_it_signs_nothing_for_another_server(other: dict[str, object]) -> None:
    fresh = session()
    fresh.take()
    with pytest.raises(VerificationError, match="nothing was signed"):
        hear(fresh, CHALLENGE | other)
    assert says(fresh) == []
    assert fresh.state is ClientState.GREETED


@pytest.mark.parametrize("nonce", [b"", b"n" * 31, b"n" * 33])
def test_it_signs_no_nonce_of_another_size(nonce: bytes) -> None:
    fresh = session()
    fresh.take()
    with pytest.raises(ProtocolError):
        hear(fresh, CHALLENGE | {"nonce": nonce})
    assert says(fresh) == []


def test_it_is_challenged_once() -> None:
    fresh = session()
    hear(fresh, CHALLENGE)
    with pytest.raises(ProtocolError):
        hear(fresh, CHALLENGE)


@pytest.mark.parametrize("state", list(ClientState))
@pytest.mark.parametrize("tag", [*sorted(WORDS), "echo"])
def test_a_word_out_of_its_turn_raises_and_changes_nothing(state: ClientState, tag: str) -> None:
    fresh = session()
    if state is ClientState.PROVED:
        hear(fresh, CHALLENGE)
    if state in (ClientState.OPEN, ClientState.CLOSED):
        hear(fresh, WELCOME)
    if state is ClientState.CLOSED:
        hear(fresh, {"t": "bye", "code": "done", "why": ""})
    assert fresh.state is state
    if tag in SAID_BY_SERVER[state]:
        return
    before = remembered(fresh)
    with pytest.raises(ProtocolError):
        hear(fresh, {"t": tag, "id": 1})
    assert remembered(fresh) == before


@pytest.mark.parametrize(
    "message",
    [
        {"t": "reply", "id": 9, "value": {}},
        {"t": "reply", "id": 1},
        {"t": "reply", "id": 1, "value": []},
        {"t": "reply", "id": 1, "value": {}, "more": 1},
        {"t": "refused", "id": 1, "code": "x"},
        {"t": "refused", "id": 1, "code": "x", "why": "y", "retry_after": "soon"},
        {"t": "event", "sub": 1, "at": 1, "value": {}},
        {"t": "lagging", "sub": 9, "at": 1},
        {"t": "ceased", "sub": 9, "why": ""},
        {"t": "pong", "n": 3},
    ],
)
def test_what_was_not_asked_for_raises_and_changes_nothing(message: dict[str, Any]) -> None:
    open_ = opened()
    open_.call("a", {})
    open_.call("tail", {}, credit=1)
    before = remembered(open_)
    with pytest.raises(ProtocolError):
        hear(open_, message)
    assert remembered(open_) == before


def test_answers_come_to_their_calls_in_any_order_and_once() -> None:
    open_ = opened()
    assert [open_.call("a", {"x": n})[0] for n in range(3)] == [1, 2, 3]
    assert hear(
        open_,
        {"t": "refused", "id": 3, "code": "x", "why": "y", "retry_after": 9, "detail": {"d": 1}},
        {"t": "reply", "id": 1, "value": {"v": 1}},
        {"t": "indeterminate", "id": 2, "why": "w"},
    ) == [(3, Refused(code="x", why="y", retry_after=9, detail={"d": 1})), (1, Reply({"v": 1})), (2, Indeterminate("w"))]
    with pytest.raises(ProtocolError, match="has its answer"):
        hear(open_, {"t": "reply", "id": 1, "value": {}})


def test_it_keeps_to_the_limits_of_the_server() -> None:
    open_ = opened()
    for _ in range(2):
        open_.call("tail", {}, credit=10)
    with pytest.raises(IllegalMessage, match="more than 2 subscriptions"):
        open_.call("tail", {}, credit=1)
    with pytest.raises(IllegalMessage, match="between 1 and 10"):
        open_.call("tail", {}, credit=11)
    with pytest.raises(IllegalMessage, match="the limit is 5000"):
        open_.call("a", {"x": "x" * 5000})
    open_.call("a", {})
    with pytest.raises(IllegalMessage, match="more than 3 calls"):
        open_.call("a", {})


def test_events_beyond_the_credit_are_refused() -> None:
    open_ = opened()
    sub, _ = open_.call("tail", {}, credit=1)
    event = {"t": "event", "sub": sub, "at": 1, "value": {}}
    assert hear(open_, event) == [(sub, Event(at=1, value={}))]
    with pytest.raises(ProtocolError, match="beyond the credit"):
        hear(open_, event)
    open_.give_credit(sub, 1)
    assert hear(open_, event, {"t": "lagging", "sub": sub, "at": 2}) == [(sub, Event(at=1, value={})), (sub, Lagging(at=2))]


def test_what_was_under_way_when_it_ceased_is_dropped() -> None:
    open_ = opened()
    sub, _ = open_.call("tail", {}, credit=2)
    assert msgpack.unpackb(open_.cease(sub)) == {"t": "cease", "sub": sub}
    assert open_.cease(sub) is None
    assert open_.give_credit(sub, 1) is None
    assert hear(open_, {"t": "event", "sub": sub, "at": 1, "value": {}}) == []
    assert hear(open_, {"t": "ceased", "sub": sub, "why": ""}) == [(sub, Ceased(why=""))]
    with pytest.raises(ProtocolError):
        hear(open_, {"t": "event", "sub": sub, "at": 2, "value": {}})


def test_it_takes_over_the_servers_heartbeat() -> None:
    open_ = opened()
    assert open_.next_ping_at() == 5
    assert open_.dead_at() == 13
    open_.tick(5)
    assert says(open_) == [{"t": "ping", "n": 1}]
    hear(open_, {"t": "ping", "n": 8}, {"t": "pong", "n": 1}, now=6)
    assert says(open_) == [{"t": "pong", "n": 8}]
    assert not open_.tick(18)


@pytest.mark.parametrize(
    "change", [{"heartbeat": 0}, {"limits": {}}, {"limits": OFFER | {"calls": 0}}, {"limits": OFFER | {"credit": "10"}}]
)
def test_a_welcome_that_makes_no_sense_opens_nothing(change: dict[str, object]) -> None:
    fresh = session()
    with pytest.raises(ProtocolError):
        hear(fresh, WELCOME | change)
    assert fresh.state is ClientState.GREETED
