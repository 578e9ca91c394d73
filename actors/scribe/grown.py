"""How long each log has become, for those who wait for a log and not for a submission of their own.

A commit looks once at each log that somebody waits for, and wakes whom it concerns: thousands who wait for a log that does
not grow, or for a size that never comes, cost the others nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from actors.scribe.watermark import Watermark
from ledger import Head, LedgerError


class Grown:
    """Durable sizes by log, of the logs that are waited for."""

    def __init__(self) -> None:
        self._marks: dict[str, tuple[Watermark, list[None]]] = {}  # with one item for everybody who waits

    async def wait_for(self, log: str, size: int, now: int) -> None:
        """Until so many entries of ``log`` are durable, which has ``now``."""
        mark, waiting = self._marks.setdefault(log, (Watermark(), []))
        waiting.append(None)
        try:
            if now > mark.value:
                mark.raise_to(now)
            await mark.wait_for(size)
        finally:
            waiting.pop()
            if not waiting:
                self._marks.pop(log, None)

    def look(self, head: Callable[[str], Head]) -> None:
        """Something was written."""
        for log, (mark, _) in self._marks.items():
            try:
                size = head(log).size
            except LedgerError:
                continue  # being opened again: looked at after the next commit
            if size > mark.value:
                mark.raise_to(size)
