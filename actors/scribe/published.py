"""How far each log is *witnessed*: cosigned by the quorum that the node was told to gather, and on the disk as such.

queued ──▶ durable ──▶ witnessed        an entry's states; each is a size of its log, and none is ahead of the one before
"""

from __future__ import annotations

from collections.abc import Mapping

from actors.scribe.watermark import Watermark


class Published:
    """Sizes that only grow, and those who wait for them."""

    def __init__(self) -> None:
        self.quorum = ""  # who is asked, by the policy's name of it; empty where nobody is
        self._marks: dict[str, Watermark] = {}

    def size(self, log: str) -> int:
        """How many entries of a log are witnessed; 0 where none are, or nobody is asked."""
        mark = self._marks.get(log)
        return 0 if mark is None else mark.value

    def sizes(self) -> Mapping[str, int]:
        """All of them."""
        return {log: mark.value for log, mark in self._marks.items() if mark.value}

    def raise_to(self, log: str, size: int) -> None:
        """So many are witnessed; fewer than before is no news."""
        mark = self._mark(log)
        if size > mark.value:
            mark.raise_to(size)

    async def wait_witnessed(self, log: str, size: int) -> None:
        """Until that many entries are witnessed, which may be never."""
        await self._mark(log).wait_for(size)

    def _mark(self, log: str) -> Watermark:
        return self._marks.setdefault(log, Watermark())
