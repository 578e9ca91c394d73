"""Whatever happens inside one life of one child stays inside, and is told.

The one ``except*`` of the house is here.  A crash during a cancellation arrives as a group of the crash and ``Cancelled``:
``except Exception`` would miss it, and catching the group whole would swallow the cancellation.  ``except* Exception``
takes the crash and lets the rest through.
"""

from __future__ import annotations

from collections.abc import Callable

import trio

from actors.kernel.spec import Child, When


class Life(trio.TaskStatus[object]):
    """How a child speaks to its cell: trio's task status, and how long its last words may take."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell

    def started(self, value: object = None) -> None:
        self._cell.become_ready()

    def closing_deadline(self) -> float:
        """Until when last words may take, once the child was cancelled: for a shielded scope of its own."""
        return trio.current_time() + self._cell.child.shutdown


class Cell:
    """One life.  Its scope is shielded: it is stopped by its supervision in its turn, never by a cancellation from outside."""

    def __init__(self, child: Child, changed: Callable[[Cell], None]) -> None:
        self.child = child
        self.crash: Exception | None = None
        self.when = When.STARTING
        self.settled = trio.Event()  # ready, or over
        self.over = trio.Event()
        self.was_ready = False
        self._changed = changed
        self._scope = trio.CancelScope(shield=True)

    def become_ready(self) -> None:
        if self.was_ready:
            raise RuntimeError(f"{self.child.name} called started() twice")
        self.was_ready = True
        if self.when is When.STARTING:
            self.when = When.RUNNING
        self.settled.set()
        self._changed(self)

    def stop(self) -> None:
        """Ask the life to end.  Wait for ``over``."""
        self.when = When.STOPPING
        self._scope.cancel()

    async def run(self) -> None:
        try:
            with self._scope:
                try:
                    await self.child.start(task_status=Life(self))
                except* Exception as crashes:  # noqa: BLE001  this is where bugs are caught, reported and restarted
                    self.crash = crashes.exceptions[0] if len(crashes.exceptions) == 1 else crashes
        finally:
            self.settled.set()
            self.over.set()
            self._changed(self)
