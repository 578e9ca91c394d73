"""One number that only grows, and those who wait for it: a commit wakes exactly whom it concerns.

Hundreds wait at a time.  Each is woken once, when the number reaches what it waits for, not at every step on the way.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count

import trio


class Watermark:
    def __init__(self) -> None:
        self.value = 0
        self._waiting: list[tuple[int, int, list[trio.lowlevel.Task]]] = []  # (number, order of coming, the task or nobody)
        self._order = count()

    def raise_to(self, value: int) -> None:
        if value < self.value:
            raise ValueError("a watermark does not sink")
        self.value = value
        waiting = self._waiting
        while waiting and waiting[0][0] <= value:
            for task in heappop(waiting)[2]:
                trio.lowlevel.reschedule(task)

    async def wait_for(self, value: int) -> None:
        """Until the watermark is at ``value`` or above."""
        if self.value >= value:
            await trio.lowlevel.checkpoint()
            return
        who = [trio.lowlevel.current_task()]
        heappush(self._waiting, (value, next(self._order), who))

        def give_up(_: object) -> trio.lowlevel.Abort:
            who.clear()
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(give_up)

    @property
    def waiting(self) -> int:
        return sum(1 for _, _, who in self._waiting if who)
