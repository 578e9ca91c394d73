"""Room to write is reserved before a decision is made, so that what was decided is never refused for lack of room.

Two lanes, neither of which can fill the other.  Within each no log takes more than its share, of entries and of bytes, so
that a tenant in a hurry cannot silence the others.  The node's own urgent entries (its breaker) always find room: they are
written one at a time.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs

from ledger import NODE

MAX_QUEUED_ENTRIES = 16_384  # about half a second of writing at full speed; beyond that, waiting longer helps nobody
MAX_QUEUED_BYTES = 64 << 20  # of bodies; what a small machine can spare
MAX_URGENT_ENTRIES = 4_096  # every run that can be open may report at once
SHARES = 2  # a log may take one in so many of a lane


@attrs.frozen
class Full:
    """No room now; nothing was reserved."""

    retry_after: int  # ms


@attrs.define(eq=False)
class Reservation:
    """Room for ``entries`` entries of one log.  Used up by ``submit``, whatever that says, or given back by ``release``."""

    log: str
    entries: int
    urgent: bool
    _room: Room | None = attrs.field(alias="room", repr=False)

    def release(self) -> None:
        """Give the room back.  A second time, or after ``submit``, this does nothing."""
        if self._room is not None:
            self._room.give_back(self)
            self._room = None

    def take(self) -> None:
        """The room is used: whoever takes it gives it back by ``Room.free``."""
        if self._room is None:
            raise RuntimeError("this reservation has been used or released")
        self._room = None


Place: TypeAlias = Reservation | Full


class Room:
    """How much may wait to be written."""

    def __init__(
        self,
        *,
        max_entries: int = MAX_QUEUED_ENTRIES,
        max_bytes: int = MAX_QUEUED_BYTES,
        max_urgent_entries: int = MAX_URGENT_ENTRIES,
    ) -> None:
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self.max_urgent_entries = max_urgent_entries
        self._share = max(1, max_entries // SHARES)
        self.entries = 0  # reserved or queued, ordinary
        self.urgent_entries = 0
        self.bytes = 0  # queued, both lanes
        self._by_log: dict[str, int] = {}
        self._urgent_by_log: dict[str, int] = {}
        self._bytes_by_log: dict[str, int] = {}

    def reserve(self, log: str, entries: int, *, urgent: bool, retry_after: int) -> Place:
        if entries < 1:
            raise ValueError("a reservation is for one entry or more")
        if urgent:
            of_log = self._urgent_by_log.get(log, 0) + entries
            share = max(1, self.max_urgent_entries // SHARES)
            if log != NODE and (of_log > share or self.urgent_entries + entries > self.max_urgent_entries):
                return Full(retry_after)
            self._urgent_by_log[log] = of_log
            self.urgent_entries += entries
        else:
            of_log = self._by_log.get(log, 0) + entries
            if of_log > self._share or self.entries + entries > self.max_entries or self.bytes >= self.max_bytes:
                return Full(retry_after)
            if self._bytes_by_log.get(log, 0) >= self.max_bytes // SHARES:
                return Full(retry_after)
            self._by_log[log] = of_log
            self.entries += entries
        return Reservation(log, entries, urgent, self)

    def give_back(self, reservation: Reservation) -> None:
        self.free(reservation.log, reservation.entries, 0, urgent=reservation.urgent)

    def queued(self, log: str, size: int) -> None:
        """So many bytes wait under a reservation that was taken."""
        self.bytes += size
        self._bytes_by_log[log] = self._bytes_by_log.get(log, 0) + size

    def free(self, log: str, entries: int, size: int, *, urgent: bool) -> None:
        """What was reserved, and queued with ``size`` bytes, no longer waits."""
        self.bytes -= size
        _take(self._bytes_by_log, log, size)
        if urgent:
            self.urgent_entries -= entries
            _take(self._urgent_by_log, log, entries)
        else:
            self.entries -= entries
            _take(self._by_log, log, entries)


def _take(counts: dict[str, int], log: str, count: int) -> None:
    left = counts.get(log, 0) - count
    if left > 0:
        counts[log] = left
    else:
        counts.pop(log, None)
