"""Waiting for what is witnessed."""

from __future__ import annotations

import trio
import trio.testing

from actors.scribe.published import Published


async def test_who_waits_is_woken_when_its_own_log_is_far_enough() -> None:
    published, seen = Published(), list[str]()

    async def wait(log: str, size: int) -> None:
        await published.wait_witnessed(log, size)
        seen.append(f"{log} {size}")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait, "belvedere", 3)
        nursery.start_soon(wait, "belvedere", 5)
        nursery.start_soon(wait, "schoenbrunn", 1)
        await trio.testing.wait_all_tasks_blocked()
        published.raise_to("belvedere", 4)
        await trio.testing.wait_all_tasks_blocked()
        assert seen == ["belvedere 3"]
        published.raise_to("belvedere", 5)
        published.raise_to("schoenbrunn", 9)
    assert sorted(seen) == ["belvedere 3", "belvedere 5", "schoenbrunn 1"]


async def test_what_is_witnessed_already_is_not_waited_for() -> None:
    published = Published()
    published.raise_to("belvedere", 5)
    await published.wait_witnessed("belvedere", 5)
    assert published.size("belvedere") == 5


async def test_fewer_than_before_is_no_news() -> None:
    published = Published()
    published.raise_to("belvedere", 5)
    published.raise_to("belvedere", 4)
    assert (published.size("belvedere"), published.size("schoenbrunn")) == (5, 0)
    assert published.sizes() == {"belvedere": 5}
