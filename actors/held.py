"""Answers wait here until what they rest on is durable: law 1 of the shell.

One task releases for all tenants: submissions are numbered across the node, so a commit releases everything up to its
number, in order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import structlog
import trio

from actors.scribe import Discarded, Scribe

log = structlog.get_logger(__name__)

Release = Callable[[bool], None]  # True: durable; False: discarded, so the outcome is indeterminate


class Held:
    def __init__(self, scribe: Scribe) -> None:
        self._scribe = scribe
        self._waiting: deque[tuple[int, str, Release]] = deque()
        self._wake = trio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def hold(self, log: str, submission: int, release: Release) -> None:
        """Calls ``release`` once ``submission`` of ``log`` is settled: at once if it is already and nothing waits before it."""
        if not self._waiting and submission <= self._scribe.durable:
            _release(log, release, durable=not isinstance(self._scribe.outcome(log, submission), Discarded))
            return
        self._waiting.append((submission, log, release))
        if len(self._waiting) == 1:
            self._wake.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Releases until cancelled.  ``release`` never blocks; where it raises, that is one answer's end and nobody else's."""
        task_status.started()
        while True:
            if not self._waiting:
                self._wake = trio.Event()
                await self._wake.wait()
            await self._scribe.wait_beyond(self._waiting[0][0] - 1)
            self.release_settled()

    def release_settled(self) -> None:
        """Everything at the front that is settled by now."""
        durable, waiting, outcome = self._scribe.durable, self._waiting, self._scribe.outcome
        while waiting and waiting[0][0] <= durable:
            submission, log, release = waiting.popleft()
            _release(log, release, durable=not isinstance(outcome(log, submission), Discarded))


def _release(tenant: str, release: Release, *, durable: bool) -> None:
    """The wall between askers: one task releases for the whole node, so a bug in one answer must not fall on all."""
    try:
        release(durable)
    except Exception:  # told, and the others go on
        log.exception("an answer could not be released", tenant=tenant)
