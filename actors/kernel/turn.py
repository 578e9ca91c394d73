"""How long one task may have the event loop, of which there is one for everybody.

An actor that was handed a thousand messages computes for half a second, and meanwhile nobody else's actor, connection or
disk is served.  It asks between two messages whether its turn is over, and if so waits until all others had theirs.
"""

from __future__ import annotations

import trio

SLICE = 0.004  # s; some ten decisions: little beside a commit to disk, much beside what it costs to give way


class Turn:
    """One stretch of work, begun when it is made."""

    def __init__(self, slice: float = SLICE) -> None:
        self._slice = slice
        self._ends = trio.current_time() + slice

    async def give_way(self) -> None:
        """At once while the turn goes on; else when everybody else who can run has run."""
        if trio.current_time() >= self._ends:
            await trio.lowlevel.checkpoint()
            self._ends = trio.current_time() + self._slice
