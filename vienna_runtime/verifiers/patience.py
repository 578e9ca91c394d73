"""Looking again: until what is expected is there, and once more when it has had to last.

    retry_for     looked at again and again until it is as expected or this is over; then it counts as it is
    stable_for    once it is as expected it must be so again when this is over

A look that could not be made is never taken for one that saw something else: what counts is the last one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
import trio

from vienna_runtime.verifiers.observe import Inconclusive, Observation, Seen

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds between two looks: what becomes consistent does so soon, or takes its time


async def patiently(look: Callable[[], Awaitable[Seen]], *, retry_for: float, stable_for: float) -> Seen:
    """What was seen in the end.  Times in seconds."""
    seen = await _until(look, retry_for)
    if not _agrees(seen) or not stable_for:
        return seen
    await trio.sleep(stable_for)
    again = await look()
    match again:
        case Inconclusive(why=why):
            return Inconclusive(why=f"it was as expected, and could not be seen {stable_for:g} s later: {why}")
        case Observation(agrees=False):
            return attrs.evolve(again, why=f"it was as expected, and no more {stable_for:g} s later: {again.why}")
        case _:
            return again


async def _until(look: Callable[[], Awaitable[Seen]], retry_for: float) -> Seen:
    end, pause = trio.current_time() + retry_for, FIRST_PAUSE
    while True:
        seen = await look()
        left = end - trio.current_time()
        if _agrees(seen) or left <= 0:
            return seen
        await trio.sleep(min(pause, left))
        pause = min(2 * pause, LONGEST_PAUSE)


def _agrees(seen: Seen) -> bool:
    return isinstance(seen, Observation) and seen.agrees
