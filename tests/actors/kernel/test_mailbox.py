from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors.errors import ActorDied, MailboxFull
from actors.kernel import Mailbox, Monitor, Ref


def opened(capacity: int = 3, urgent_capacity: int = 2) -> Mailbox[str]:
    mailbox: Mailbox[str] = Mailbox("ada", capacity=capacity, urgent_capacity=urgent_capacity)
    mailbox.open()
    return mailbox


async def test_one_wake_up_takes_everything_that_waits_the_urgent_first() -> None:
    mailbox = opened()
    ref: Ref[str] = Ref(mailbox)
    ref.tell_nowait("one")
    ref.tell_nowait("two")
    ref.tell_nowait("stop", urgent=True)
    assert [envelope.message for envelope in await mailbox.receive()] == ["stop", "one", "two"]
    assert mailbox.statistics().received == 3


async def test_a_full_lane_refuses_and_loses_nothing() -> None:
    mailbox = opened(capacity=2)
    ref: Ref[str] = Ref(mailbox)
    ref.tell_nowait("one")
    ref.tell_nowait("two")
    with pytest.raises(MailboxFull, match="ordinary lane of ada"):
        ref.tell_nowait("three")
    assert [envelope.message for envelope in await mailbox.receive()] == ["one", "two"]
    assert mailbox.statistics().refused == 1


async def test_ordinary_load_cannot_fill_the_urgent_lane_nor_the_urgent_the_ordinary() -> None:
    mailbox = opened(capacity=1, urgent_capacity=1)
    mailbox.put_nowait("load")
    mailbox.put_nowait("trip", urgent=True)
    with pytest.raises(MailboxFull, match="urgent lane"):
        mailbox.put_nowait("trip again", urgent=True)
    assert [envelope.message for envelope in await mailbox.receive()] == ["trip", "load"]


async def test_tell_waits_for_room_and_keeps_its_order() -> None:
    mailbox = opened(capacity=1)
    ref: Ref[str] = Ref(mailbox)
    async with trio.open_nursery() as nursery:
        for word in ("one", "two", "three"):
            nursery.start_soon(ref.tell, word)
            await wait_all_tasks_blocked()
        assert mailbox.statistics().waiting_for_room == 2
        read: list[str] = []
        while len(read) < 3:
            read += [envelope.message for envelope in await mailbox.receive()]
    assert read == ["one", "two", "three"]


async def test_a_tell_cancelled_while_it_waits_puts_nothing() -> None:
    mailbox = opened(capacity=1)
    mailbox.put_nowait("one")
    with trio.CancelScope() as scope:
        scope.cancel()
        await mailbox.put("two")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mailbox.put, "three")
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert [envelope.message for envelope in await mailbox.receive()] == ["one"]


async def test_a_receive_cancelled_while_it_waits_takes_nothing() -> None:
    mailbox = opened()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mailbox.receive)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    mailbox.put_nowait("one")
    assert [envelope.message for envelope in await mailbox.receive()] == ["one"]


async def test_the_trace_travels_with_its_message() -> None:
    mailbox = opened()
    Ref[str](mailbox).tell_nowait("one", trace="t-1")
    [envelope] = await mailbox.receive()
    assert (envelope.message, envelope.trace) == ("one", "t-1")


async def test_what_was_not_read_dies_with_the_life_and_is_counted() -> None:
    mailbox = opened(capacity=1)
    ref: Ref[str] = Ref(mailbox)
    ref.tell_nowait("one")
    with pytest.RaisesGroup(ActorDied):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ref.tell, "two")
            await wait_all_tasks_blocked()
            mailbox.close()
    assert mailbox.statistics().lost == 1
    assert not ref.is_alive
    with pytest.raises(ActorDied):
        ref.tell_nowait("three")
    mailbox.open()
    ref.tell_nowait("four")
    assert [envelope.message for envelope in await mailbox.receive()] == ["four"]


async def test_a_monitor_learns_what_ended_the_life() -> None:
    mailbox = opened()
    cause = ValueError("poison")
    seen = []

    async def watch() -> None:
        seen.append(await Monitor(mailbox).wait_death())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        await wait_all_tasks_blocked()
        assert seen == []
        mailbox.close(cause)
    assert (seen[0].name, seen[0].cause) == ("ada", cause)
    assert (await Monitor(mailbox).wait_death()).cause is cause


async def test_two_readers_and_a_second_life_at_once_are_bugs() -> None:
    mailbox = opened()
    with pytest.raises(RuntimeError, match="alive already"):
        mailbox.open()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mailbox.receive)
        await wait_all_tasks_blocked()
        with pytest.raises(RuntimeError, match="two readers"):
            await mailbox.receive()
        nursery.cancel_scope.cancel()
