"""An admitted peer in memory, with a clock that jumps: heartbeats, deadlines and goodbyes, and nothing waits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import msgpack
import pytest
import trio
from trio.testing import MockClock

from transport.attend import Place, attend, keep_alive
from transport.connection import Connection
from transport.errors import ConnectionClosed
from transport.gate import Admission
from transport.limits import Limits
from transport.memory import MemoryCarrier, memory_pair

LIMITS = Limits(handshake_seconds=10, heartbeat_seconds=15, closing_seconds=2)
HELLO = {"t": "hello", "versions": [1], "agent": "test/1"}


@attrs.define
class Visit:
    """The peer's bare end, and what the handler saw."""

    carrier: MemoryCarrier
    calls: list[dict[str, Any]] = attrs.field(factory=list)
    ended: ConnectionClosed | None = None
    over: trio.Event = attrs.field(factory=trio.Event)

    async def say(self, *messages: dict[str, Any]) -> None:
        await self.carrier.write(b"".join(map(msgpack.packb, messages)))

    async def hear(self) -> list[dict[str, Any]]:
        unpacker = msgpack.Unpacker()
        unpacker.feed(await self.carrier.read())
        return list(unpacker)


@asynccontextmanager
async def visit() -> AsyncIterator[Visit]:
    near, far = memory_pair(LIMITS)
    seen = Visit(near)
    alive: set[Connection] = set()

    async def listen(connection: Connection) -> None:
        try:
            while True:
                seen.calls += await connection.receive()
        except ConnectionClosed as closed:
            seen.ended = closed
            seen.over.set()
            raise

    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_alive, alive, LIMITS)
        nursery.start_soon(
            lambda: attend(
                far,
                Admission(principal="emil", public_key=None, identity=None),
                place=Place(origin="vienna.example", certificate=b""),
                remote="memory",
                limits=LIMITS,
                handle=listen,
                start_soon=nursery.start_soon,
                alive=alive,
                deadline=trio.current_time() + LIMITS.handshake_seconds,
                on_open=lambda: None,
            )
        )
        yield seen
        nursery.cancel_scope.cancel()


async def test_who_never_greets_is_told_and_ended_at_the_deadline(autojump_clock: MockClock) -> None:
    async with visit() as seen:
        began = trio.current_time()
        assert await seen.hear() == [{"t": "bye", "code": "unproven", "why": "the handshake took too long"}]
        assert trio.current_time() - began == pytest.approx(10)
        with pytest.raises(ConnectionClosed):
            await seen.hear()


async def test_a_silent_peer_is_pinged_and_then_ended(autojump_clock: MockClock) -> None:
    async with visit() as seen:
        await seen.say(HELLO)
        assert (await seen.hear())[0]["t"] == "welcome"
        began = trio.current_time()
        assert await seen.hear() == [{"t": "ping", "n": 1}]
        assert 15 <= trio.current_time() - began <= 16
        assert await seen.hear() == [{"t": "bye", "code": "silent", "why": "nothing was heard for too long"}]
        assert 45 <= trio.current_time() - began <= 46
        with pytest.raises(ConnectionClosed):
            await seen.hear()
        await seen.over.wait()
        assert seen.ended is not None
        assert seen.ended.code == "silent"


async def test_a_peer_that_answers_pings_lives_on(autojump_clock: MockClock) -> None:
    async with visit() as seen:
        await seen.say(HELLO)
        await seen.hear()
        for n in range(1, 20):
            assert await seen.hear() == [{"t": "ping", "n": n}]
            await seen.say({"t": "pong", "n": n})
        await seen.say({"t": "echo", "id": 1})
        await trio.testing.wait_all_tasks_blocked()
        assert seen.calls == [{"t": "echo", "id": 1}]


async def test_calls_before_a_bye_in_the_same_frame_are_heard(autojump_clock: MockClock) -> None:
    async with visit() as seen:
        await seen.say(HELLO)
        await seen.hear()
        await seen.say({"t": "echo", "id": 1}, {"t": "bye", "code": "done", "why": "evening"})
        await trio.testing.wait_all_tasks_blocked()
        assert seen.calls == [{"t": "echo", "id": 1}]
        assert seen.ended is not None
        assert (seen.ended.code, seen.ended.why) == ("done", "evening")


async def test_a_peer_that_takes_no_goodbye_is_cut_off(autojump_clock: MockClock) -> None:
    """It neither reads nor answers: its channel is full, and the goodbye never leaves."""
    async with visit() as seen:
        await seen.say(HELLO)
        await seen.hear()
        for n in range(1, 20):
            with trio.move_on_after(1):
                await seen.say({"t": "ping", "n": n})
                await trio.testing.wait_all_tasks_blocked()
        await seen.say({"t": "nonsense"})
        await seen.over.wait()
        await trio.sleep(LIMITS.closing_seconds + 1)
        with pytest.raises(ConnectionClosed):
            await seen.say({"t": "ping", "n": 99})
