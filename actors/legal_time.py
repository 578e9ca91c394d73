"""The node's legal time: the wall clock at start, then advanced by the boot clock, and never before the last entry."""

from __future__ import annotations

from actors.governance.ids import SECOND, Instant
from actors.kernel import Clock

TOLERANCE = 5 * SECOND  # µs: what a clock daemon slews without anybody calling it a jump


class LegalTime:
    """Reads two clocks and says what time it is, and whether that can be relied on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall_at_start = clock.wall()
        self._boot_at_start = clock.boot()
        self._latest = 0

    def now(self) -> Instant:
        """µs since 1970 UTC; never goes back, whatever the wall clock does."""
        now = self._wall_at_start + self._clock.boot() - self._boot_at_start
        if now <= self._latest:
            now = self._latest
        self._latest = now
        return Instant(now)

    def not_before(self, entry: int) -> None:
        """Legal time is at or after ``entry``, the last one recorded."""
        self._latest = max(self._latest, entry)

    @property
    def doubt(self) -> str | None:
        """Why nothing may be granted or redeemed at present, or None.

        Either the wall clock at start was behind the last entry, or it has since departed from boot time.
        """
        expected = self._wall_at_start + self._clock.boot() - self._boot_at_start
        if self._latest - expected > TOLERANCE:
            return f"the clock is {(self._latest - expected) // SECOND} s behind the last entry of the ledger"
        departed = self._clock.wall() - expected
        if abs(departed) > TOLERANCE:
            return f"the wall clock has departed from boot time by {departed // SECOND} s"
        return None
