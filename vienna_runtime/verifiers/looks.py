"""All looks that one warrant asks for, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import trio

from vienna_runtime.verifiers import attesting
from vienna_runtime.verifiers.observe import Inconclusive, Seen, Sight, observe
from vienna_runtime.verifiers.patience import patiently
from vienna_runtime.verifiers.task import Asked, Task

Looks: TypeAlias = Sequence[tuple[str, Seen]]  # by the name that the warrant gives it


async def looks(task: Task, asked: Sequence[Asked], checks: Mapping[str, Sight], slots: trio.Semaphore) -> Looks:
    """What was seen of each, in the order of the warrant; a slot is held while one looks, and not between two looks."""
    found: dict[str, Seen] = {}

    async def one(what: Asked) -> None:
        check = attesting.check_for(what, task.warrant.action, checks)
        if isinstance(check, Inconclusive):
            found[what.name] = check
            return
        expected = attesting.expectation(check, what, task)

        async def look() -> Seen:
            async with slots:
                return await observe(expected, checks)

        found[what.name] = await patiently(look, retry_for=what.retry_for, stable_for=what.stable_for)

    async with trio.open_nursery() as nursery:
        for what in asked:
            nursery.start_soon(one, what)
    return [(what.name, found[what.name]) for what in asked]
