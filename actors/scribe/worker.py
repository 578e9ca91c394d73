"""One thread that does what blocks, in order, so that the event loop never waits for the disk.

``trio.to_thread`` takes a thread from a pool, a limiter and a context copy for each call; a thread that stays and a queue
cost two thirds of that.  What has begun is never cancelled: a commit given up half-way is a commit whose outcome is unknown.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

import outcome
import trio

T = TypeVar("T")

_Job = tuple[Callable[[], Any], Callable[[outcome.Maybe[Any]], None]]


class Worker:
    """``await worker(function)`` runs ``function()`` in the thread.  Use as an async context manager."""

    def __init__(self, name: str = "scribe") -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)  # daemon: a hung disk must not keep a dying process
        self._token: trio.lowlevel.TrioToken

    async def __aenter__(self) -> Worker:
        self._token = trio.lowlevel.current_trio_token()
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """The thread ends when it has done what was asked of it before."""
        self._jobs.put(None)
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(self._thread.join)

    async def __call__(self, function: Callable[[], T]) -> T:
        task = trio.lowlevel.current_task()
        self._jobs.put((function, lambda result: trio.lowlevel.reschedule(task, result)))
        result: T = await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.FAILED)
        return result

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            function, deliver = job
            try:
                self._token.run_sync_soon(deliver, outcome.capture(function))
            except trio.RunFinishedError:  # the loop has gone without waiting; nobody is left to be told
                return
