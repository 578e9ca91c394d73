from __future__ import annotations

from actors.governance.ids import SECOND
from actors.kernel import ManualClock
from actors.legal_time import LegalTime


def test_it_goes_on_with_the_boot_clock_whatever_the_wall_clock_does() -> None:
    clock = ManualClock(wall=1000 * SECOND)
    time = LegalTime(clock)
    clock.advance(10 * SECOND)
    clock.set_wall(500 * SECOND)
    assert time.now() == 1010 * SECOND


def test_it_is_never_before_the_last_entry() -> None:
    time = LegalTime(ManualClock(wall=1000 * SECOND))
    time.not_before(1003 * SECOND)
    assert time.now() == 1003 * SECOND


def test_a_wall_clock_behind_the_last_entry_is_in_doubt_until_it_has_caught_up() -> None:
    clock = ManualClock(wall=1000 * SECOND)
    time = LegalTime(clock)
    time.not_before(1020 * SECOND)
    assert time.doubt is not None
    clock.advance(16 * SECOND)
    assert time.doubt is None


def test_a_wall_clock_that_departs_from_boot_time_is_in_doubt() -> None:
    clock = ManualClock(wall=1000 * SECOND)
    time = LegalTime(clock)
    assert time.doubt is None
    clock.set_wall(1006 * SECOND)
    assert time.doubt is not None
    clock.set_wall(1004 * SECOND)
    assert time.doubt is None
    clock.set_wall(900 * SECOND)
    assert "departed" in (time.doubt or "")
