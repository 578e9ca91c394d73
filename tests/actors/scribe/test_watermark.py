from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors.scribe.watermark import Watermark


async def test_each_is_woken_when_the_mark_reaches_what_it_waits_for_and_not_before() -> None:
    mark = Watermark()
    woken: list[int] = []

    async def wait(value: int) -> None:
        await mark.wait_for(value)
        woken.append(value)

    async with trio.open_nursery() as nursery:
        for value in (5, 1, 3, 3):
            nursery.start_soon(wait, value)
        await wait_all_tasks_blocked()
        mark.raise_to(2)
        await wait_all_tasks_blocked()
        assert (woken, mark.waiting) == ([1], 3)
        mark.raise_to(4)
        await wait_all_tasks_blocked()
        assert woken == [1, 3, 3]
        mark.raise_to(9)
    assert woken == [1, 3, 3, 5]
    await mark.wait_for(9)


async def test_one_who_gave_up_is_not_woken() -> None:
    mark = Watermark()
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(mark.wait_for, 1)
            await wait_all_tasks_blocked()
            scope.cancel()
    assert mark.waiting == 0
    mark.raise_to(1)
    with pytest.raises(ValueError, match="does not sink"):
        mark.raise_to(0)


async def test_those_who_give_up_waiting_for_what_never_comes_leave_nothing_behind() -> None:
    mark = Watermark()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mark.wait_for, 5)
        for _ in range(1000):
            with trio.move_on_after(0):
                await mark.wait_for(1 << 62)
        assert len(mark._waiting) < 200
        assert mark.waiting == 1
        mark.raise_to(5)
