"""Where time comes from: two readings in microseconds, with no opinion about which of them is right."""

from __future__ import annotations

import time
from typing import Protocol

_NANOSECONDS = 1000  # in a microsecond


class Clock(Protocol):
    def wall(self) -> int:
        """Microseconds since 1970 UTC.  May jump either way."""

    def boot(self) -> int:
        """Microseconds since boot, sleep included.  Never goes back, knows nothing of dates."""


class SystemClock:
    def wall(self) -> int:
        return time.time_ns() // _NANOSECONDS

    def boot(self) -> int:
        # CLOCK_MONOTONIC stands still while the machine sleeps; a warrant's life does not
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // _NANOSECONDS


class ManualClock:
    """A clock that moves only when told to, for tests and replays."""

    def __init__(self, *, wall: int = 0, boot: int = 0) -> None:
        self._wall = wall
        self._boot = boot

    def wall(self) -> int:
        return self._wall

    def boot(self) -> int:
        return self._boot

    def advance(self, microseconds: int) -> None:
        """Time passes, on both clocks alike."""
        if microseconds < 0:
            raise ValueError("time does not pass backwards; use set_wall() for a clock that is put back")
        self._wall += microseconds
        self._boot += microseconds

    def set_wall(self, microseconds: int) -> None:
        """Somebody sets the wall clock; the boot clock does not notice."""
        self._wall = microseconds
