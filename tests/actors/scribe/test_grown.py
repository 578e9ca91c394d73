"""Who waits for a log is woken by that log, once, and costs the commits of others nothing."""

from __future__ import annotations

from typing import Any

import trio
from trio.testing import wait_all_tasks_blocked

from actors.governance import commands as c
from actors.messages import Outcome
from actors.waiting import answer_when_so


class Steps(trio.abc.Instrument):
    """Counts how often tasks of that name were run."""

    def __init__(self, name: str) -> None:
        self.name, self.count = name, 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.count += self.name in task.name


async def test_a_thousand_who_wait_for_what_never_comes_are_not_woken_by_commits(bench: Any) -> None:
    outcomes: list[Outcome] = []
    for number in range(1000):
        ask = c.Wait("durable", 60_000, size=1_000_000 + number)
        bench.nursery.start_soon(answer_when_so, bench.scribe, "belvedere", ask, outcomes.append)
    await bench.settle()
    steps = Steps("answer_when_so")
    trio.lowlevel.add_instrument(steps)
    try:
        for number in range(20):
            await bench.scribe.settled("belvedere", bench.submit("belvedere", str(number)))
            await bench.settle()
    finally:
        trio.lowlevel.remove_instrument(steps)
    assert (steps.count, outcomes) == (0, [])


async def test_whoever_waits_for_a_size_is_answered_by_the_commit_that_brings_it(bench: Any) -> None:
    outcomes: list[Outcome] = []
    for size in (1, 2, 3):
        bench.nursery.start_soon(answer_when_so, bench.scribe, "belvedere", c.Wait("durable", 60_000, size=size), outcomes.append)
    await bench.settle()
    await bench.scribe.settled("schoenbrunn", bench.submit("schoenbrunn", "another log"))
    await bench.settle()
    assert outcomes == []
    await bench.scribe.settled("belvedere", bench.submit("belvedere", "one", "two"))
    await bench.settle()
    assert len(outcomes) == 2


async def test_nothing_is_kept_of_logs_that_nobody_waits_for_any_more(bench: Any) -> None:
    for _ in range(3):
        with trio.move_on_after(0):
            await bench.scribe.grown.wait_for("belvedere", 9, 0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.scribe.grown.wait_for, "belvedere", 1, 0)
        await wait_all_tasks_blocked()
        await bench.scribe.settled("belvedere", bench.submit("belvedere", "one"))
    assert not bench.scribe.grown._marks
