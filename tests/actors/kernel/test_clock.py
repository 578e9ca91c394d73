from __future__ import annotations

import pytest

from actors.kernel import Clock, ManualClock, SystemClock


def test_the_system_clock_reads_microseconds_and_its_boot_time_never_goes_back() -> None:
    clock: Clock = SystemClock()
    readings = [clock.boot() for _ in range(100)]
    assert readings == sorted(readings)
    assert clock.wall() > 1_700_000_000_000_000  # November 2023, in µs: seconds or ms would be far below


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(wall=1_000, boot=5)
    assert (clock.wall(), clock.boot()) == (1_000, 5)
    clock.advance(10)
    assert (clock.wall(), clock.boot()) == (1_010, 15)
    clock.set_wall(3)
    assert (clock.wall(), clock.boot()) == (3, 15)
    with pytest.raises(ValueError, match="does not pass backwards"):
        clock.advance(-1)
