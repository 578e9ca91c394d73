"""What a session promises, whichever door it came through: over TLS and WebSocket, and in memory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import attrs
import pytest
import trio

from transport.answers import Event, Indeterminate, Lagging, Refused, Reply
from transport.connection import Connection
from transport.errors import (
    CallTimeout,
    ConnectionClosed,
    ConnectionLost,
    IllegalMessage,
    SubscriptionRefused,
    Throttled,
    Unauthenticated,
    VerificationError,
)
from transport.limits import Limits
from transport.session import DONE

RunNode = Callable[..., AbstractAsyncContextManager[Any]]
CALM = Limits(handshake_seconds=30.0, closing_seconds=10.0, linger_seconds=10.0)


async def test_a_member_that_proves_its_key_is_let_in_under_its_own_name(node: RunNode) -> None:
    async with node() as running, running.connect() as link:
        assert link.principal == "ada"
        assert await link.call("echo", {"say": "grüß Gott"}, timeout=60) == Reply({"say": "grüß Gott", "who": "ada"})


async def test_a_member_without_a_key_needs_no_proof(node: RunNode) -> None:
    async with node() as running, running.connect(bearer="vk_belvedere_emil", sign=None) as link:
        assert link.principal == "emil"


async def test_each_kind_of_answer_is_a_value(node: RunNode) -> None:
    async with node() as running, running.connect() as link:
        assert await link.call("refuse", {}, timeout=60) == Refused(code="quorum.unmet", why="one voice is missing", retry_after=40)
        assert await link.call("doubt", {}, timeout=60) == Indeterminate("the commit failed")


async def test_many_calls_in_flight_each_get_their_own_answer(node: RunNode) -> None:
    answers = {}

    async def ask(link: Any, n: int) -> None:
        answers[n] = await link.call("echo", {"say": n}, timeout=60)

    async with node() as running, running.connect() as link, trio.open_nursery() as nursery:
        for n in range(500):
            nursery.start_soon(ask, link, n)
    assert answers == {n: Reply({"say": n, "who": "ada"}) for n in range(500)}


async def test_more_calls_than_allowed_in_flight_wait_their_turn(node: RunNode) -> None:
    answers = []

    async def ask(link: Any, n: int) -> None:
        answers.append(await link.call("echo", {"say": n}, timeout=60))

    tight = attrs.evolve(CALM, calls_in_flight=3)
    async with node(limits=tight) as running, running.connect() as link, trio.open_nursery() as nursery:
        for n in range(50):
            nursery.start_soon(ask, link, n)
    assert len(answers) == 50


async def test_large_messages_pass_up_to_the_limit_and_no_further(node: RunNode) -> None:
    async with node() as running, running.connect() as link:
        large = b"x" * (1024 * 1024 - 200)
        assert await link.call("echo", {"say": large}, timeout=60) == Reply({"say": large, "who": "ada"})
        with pytest.raises(IllegalMessage, match="the limit is"):
            await link.call("echo", {"say": large + b"x" * 200}, timeout=60)
        assert await link.call("echo", {"say": 1}, timeout=60) == Reply({"say": 1, "who": "ada"})


async def test_what_the_server_would_refuse_is_not_sent_and_harms_nothing(node: RunNode) -> None:
    async with node() as running, running.connect() as link:
        for bad in ({"say": 1.5}, {"say": {1: 2}}, {"id": 7}, {"t": "echo"}, {"credit": 1}):
            with pytest.raises(IllegalMessage):
                await link.call("echo", bad, timeout=60)
        with pytest.raises(IllegalMessage):
            await link.call("prove", {"signature": b""}, timeout=60)
        assert await link.call("echo", {"say": 1}, timeout=60) == Reply({"say": 1, "who": "ada"})


async def test_a_call_out_of_time_is_unknown_and_its_late_answer_harms_nothing(node: RunNode) -> None:
    late = trio.Event()

    async def slow(connection: Connection) -> None:
        (first,) = await connection.receive()
        await late.wait()
        connection.post({"t": "reply", "id": first["id"], "value": {}})
        (second,) = await connection.receive()
        connection.post({"t": "reply", "id": second["id"], "value": {"second": True}})
        await connection.receive()

    async with node(handle=slow) as running, running.connect() as link:
        with pytest.raises(CallTimeout, match="idempotency key"):
            await link.call("slow", {}, timeout=0.01)
        late.set()
        assert await link.call("quick", {}, timeout=60) == Reply({"second": True})


async def test_a_lost_connection_tells_every_waiter_that_its_outcome_is_unknown(node: RunNode) -> None:
    lost = []

    async def ask(link: Any) -> None:
        with pytest.raises(ConnectionLost) as caught:
            await link.call("ponder", {}, timeout=60)
        lost.append(caught.value.code)

    async with node() as running, running.connect() as link:
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(ask, link)
            await link.call("echo", {"say": 1}, timeout=60)
            nursery.start_soon(ask_leave, link)
        with pytest.raises(ConnectionLost):
            await link.call("echo", {"say": 1}, timeout=60)
    assert lost == [DONE] * 3


async def ask_leave(link: Any) -> None:
    with pytest.raises(ConnectionLost):
        await link.call("leave", {}, timeout=60)


async def test_a_handler_that_fails_ends_its_own_connection_only(node: RunNode, caplog: pytest.LogCaptureFixture) -> None:
    async with node() as running, running.connect() as link, running.connect() as other:
        with pytest.raises(ConnectionLost, match="crashed"):
            await link.call("crash", {}, timeout=60)
        assert await other.call("echo", {"say": 1}, timeout=60) == Reply({"say": 1, "who": "ada"})
    assert "ArithmeticError" in caplog.text


async def test_events_follow_credit_in_order_and_none_is_missed(node: RunNode) -> None:
    async with node() as running, running.connect() as link, link.subscribe("tail", {"until": 100}, credit=7) as tail:
        assert tail.reply == Reply({"until": 100})
        seen = [item async for item in tail]
    assert seen == [Lagging(at=0), *(Event(at=n, value={"n": n}) for n in range(1, 101))]
    assert tail.ceased.why == "that was all"


async def test_leaving_a_subscription_early_leaves_the_connection_in_step(node: RunNode) -> None:
    async with node() as running, running.connect() as link:
        for _ in range(3):
            async with link.subscribe("tail", {"until": 100}, credit=10) as tail:
                async for item in tail:
                    if item == Event(at=12, value={"n": 12}):
                        break
        assert await link.call("echo", {"say": 1}, timeout=60) == Reply({"say": 1, "who": "ada"})


async def test_a_refused_subscription_raises_and_leaves_nothing_behind(node: RunNode) -> None:
    async with node(limits=attrs.evolve(CALM, subscriptions=1)) as running, running.connect() as link:
        for _ in range(3):
            with pytest.raises(SubscriptionRefused, match=r"quorum\.unmet"):
                async with link.subscribe("refuse", {}):
                    pytest.fail("nothing was granted")


async def test_an_event_without_credit_is_not_sent(node: RunNode) -> None:
    failures = []

    async def pushy(connection: Connection) -> None:
        (call,) = await connection.receive()
        sub = call["id"]
        connection.post({"t": "event", "sub": sub, "at": 1, "value": {}})
        for message in (
            {"t": "event", "sub": sub, "at": 2, "value": {}},
            {"t": "event", "sub": 77, "at": 2, "value": {}},
            {"t": "reply", "id": 77, "value": {}},
            {"t": "welcome"},
        ):
            with pytest.raises(IllegalMessage) as caught:
                connection.post(message)
            failures.append(str(caught.value))
        connection.post({"t": "reply", "id": sub, "value": {}})
        with pytest.raises(IllegalMessage):
            connection.post({"t": "reply", "id": sub, "value": {}})
        await connection.receive()

    async with node(handle=pushy) as running, running.connect() as link, link.subscribe("tail", {}, credit=1) as tail:
        assert await anext(tail) == Event(at=1, value={})
    assert len(failures) == 4


async def test_a_wrong_signature_is_not_let_in(node: RunNode) -> None:
    async with node() as running:
        with pytest.raises(Unauthenticated, match="proof of possession"):
            async with running.connect(sign=lambda data: b"x" * 64):
                pytest.fail("let in")


async def test_a_client_signs_for_no_other_server_than_it_dialled(node: RunNode) -> None:
    signed = []

    def sign(data: bytes) -> bytes:
        signed.append(data)
        return b"x" * 64

    async with node(origin="mallory.example") as running:
        with pytest.raises(VerificationError, match="nothing was signed"):
            async with running.connect(sign=sign):
                pytest.fail("let in")
    assert signed == []


async def test_a_member_asked_for_a_proof_without_a_key_is_told_so(node: RunNode) -> None:
    async with node() as running:
        with pytest.raises(VerificationError, match="no signing key"):
            async with running.connect(sign=None):
                pytest.fail("let in")


@pytest.mark.parametrize("bearer", [None, "vk_mallory"])
async def test_an_unknown_key_is_refused(node: RunNode, bearer: str | None) -> None:
    async with node() as running:
        with pytest.raises(Unauthenticated):
            async with running.connect(bearer=bearer):
                pytest.fail("let in")


async def test_who_comes_too_often_learns_when_to_come_again(node: RunNode) -> None:
    async with node() as running:
        with pytest.raises(Throttled) as caught:
            async with running.connect(bearer="vk_busy"):
                pytest.fail("let in")
    assert caught.value.retry_after in (2500, 3000)  # HTTP counts whole seconds, rounded up


async def with_a_nursery(connection: Connection) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        await connection.receive()


@pytest.mark.parametrize("how", [{}, {"handle": with_a_nursery}], ids=["alone", "with a nursery of its handler's"])
async def test_a_stopping_server_says_so(node: RunNode, how: dict[str, Any]) -> None:
    async def run(task_status: trio.TaskStatus[tuple[trio.CancelScope, Any]]) -> None:
        with trio.CancelScope() as scope:
            async with node(**how) as running:
                task_status.started((scope, running))
                await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        scope, running = await nursery.start(run)
        async with running.connect() as link:
            scope.cancel()
            await link.wait_closed()
            with pytest.raises(ConnectionLost, match="stopping"):
                await link.call("echo", {"say": 1}, timeout=60)


async def test_the_callers_own_exception_comes_out_as_it_is(node: RunNode) -> None:
    async with node() as running:
        with pytest.raises(ZeroDivisionError):
            async with running.connect():
                1 / 0  # noqa: B018


async def test_the_handler_sees_the_end_with_its_reason(node: RunNode) -> None:
    seen: list[tuple[str, str]] = []
    over = trio.Event()

    async def listen(connection: Connection) -> None:
        try:
            await connection.receive()
        except ConnectionClosed as closed:
            seen.append((closed.code, closed.why))
            over.set()

    async with node(handle=listen) as running:
        async with running.connect() as link:
            await link.aclose(DONE, "evening")
        with trio.fail_after(60):
            await over.wait()
    assert seen == [(DONE, "evening")]


async def test_identity_is_the_gates_and_not_the_peers(node: RunNode) -> None:
    seen: list[object] = []

    async def listen(connection: Connection) -> None:
        seen.append((connection.identity, connection.principal, connection.agent, len(connection.session_id)))
        await connection.receive()

    async with node(handle=listen) as running, running.connect(agent="ada's own/1.0"):
        pass
    assert seen == [(("belvedere", "ada"), "ada", "ada's own/1.0", 32)]
