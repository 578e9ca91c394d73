from __future__ import annotations

import threading

import pytest
import trio

from actors.scribe import Worker


async def test_work_is_done_in_order_in_one_other_thread() -> None:
    names: list[str] = []
    order: list[int] = []

    def work(number: int) -> int:
        names.append(threading.current_thread().name)
        order.append(number)
        return number * 2

    async with Worker("scribe of belvedere") as worker:
        assert [await worker(lambda number=number: work(number)) for number in range(5)] == [0, 2, 4, 6, 8]  # type: ignore[misc]
    assert order == list(range(5))
    assert set(names) == {"scribe of belvedere"}


async def test_what_the_work_raises_comes_back_and_the_thread_goes_on() -> None:
    def fail() -> None:
        raise ValueError("no room")

    async with Worker() as worker:
        with pytest.raises(ValueError, match="no room"):
            await worker(fail)
        assert await worker(lambda: 7) == 7


async def test_what_has_begun_is_not_cancelled() -> None:
    go, done = threading.Event(), threading.Event()

    def commit() -> None:
        assert go.wait(60)
        done.set()

    async with Worker() as worker:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(worker, commit)
            await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
            go.set()
        assert done.is_set()
