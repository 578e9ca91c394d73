"""One number that only grows, and those who wait for it: a commit wakes exactly whom it concerns.

Hundreds wait at a time.  Each is woken once, when the number reaches what it waits for, not at every step on the way.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count

import trio

FEW = 64  # who gave up and may stand there until the number comes


class Watermark:
    def __init__(self) -> None:
        self.value = 0
        self._waiting: list[tuple[int, int, list[trio.lowlevel.Task]]] = []  # (number, order of coming, the task or nobody)
        self._order = count()
        self._gone = 0  # who gave up and still stands in ``_waiting``

    def raise_to(self, value: int) -> None:
        if value < self.value:
            raise ValueError("a watermark does not sink")
        self.value = value
        waiting = self._waiting
        while waiting and waiting[0][0] <= value:
            who = heappop(waiting)[2]
            self._gone -= not who
            for task in who:
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
            self._gone += 1
            if self._gone > FEW and self._gone * 2 > len(self._waiting):  # for a number that never comes they would stand there for ever
                self._waiting = [place for place in self._waiting if place[2]]
                heapify(self._waiting)
                self._gone = 0
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(give_up)

    @property
    def waiting(self) -> int:
        return sum(1 for _, _, who in self._waiting if who)
