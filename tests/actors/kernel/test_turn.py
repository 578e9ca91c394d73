"""A task with much to do lets others have the event loop in between."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from actors.kernel import Turn


async def test_everybody_else_has_a_turn_when_a_slice_is_over_and_not_before(mock_clock: MockClock) -> None:
    seen: list[str] = []

    async def busy() -> None:
        turn = Turn(slice=3.0)
        for number in range(7):
            await turn.give_way()
            seen.append(f"busy {number}")
            mock_clock.jump(1.0)

    async def other() -> None:
        while seen[-1:] != ["busy 6"]:
            seen.append("other")
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(busy)
        nursery.start_soon(other)
    assert 2 <= seen[: seen.index("busy 6")].count("other") <= 3  # two slices were over; within a round trio lets tasks run in any order


async def test_a_turn_that_goes_on_lets_nobody_in() -> None:
    seen: list[str] = []

    async def other() -> None:
        seen.append("other")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        turn = Turn(slice=60.0)
        for _ in range(100):
            await turn.give_way()
        assert not seen
