"""What computes for long, beside the event loop: in a thread, or at once where a run has to be the same each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import trio

T = TypeVar("T")

READERS = 1  # at once: threads that compute take turns, and the event loop should have every other one


class Aside(Protocol):
    async def __call__(self, function: Callable[..., T], /, *args: object) -> T:
        """What ``function`` returns, or raises."""
        ...


class InThread:
    """A thread, so many at once; a further one waits its turn."""

    def __init__(self, at_once: int = READERS) -> None:
        self._limiter = trio.CapacityLimiter(at_once)

    async def __call__(self, function: Callable[..., T], /, *args: object) -> T:
        return await trio.to_thread.run_sync(function, *args, limiter=self._limiter)
