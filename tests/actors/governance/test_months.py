from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.governance.ids import Instant
from actors.governance.months import begin_of, end_of, is_month, month_of
from ledger.tail import month_of as ledgers_month

LATEST = 253_402_300_799_000_000  # the last second of 9999, µs


@given(st.integers(0, LATEST))
def test_every_instant_lies_in_its_month_and_the_ledger_seals_it_with_that_months_key(at: int) -> None:
    month = month_of(Instant(at))
    assert is_month(month)
    assert begin_of(month) <= at
    assert month == ledgers_month(at)
    if month != "9999-12":
        assert at < end_of(month)


def test_a_month_ends_where_the_next_begins() -> None:
    assert end_of("2026-11") == begin_of("2026-12")
    assert end_of("2026-12") == begin_of("2027-01")
    assert end_of("2028-02") - begin_of("2028-02") == 29 * 86_400_000_000


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026-1", "26-01", "2026-01-01", "1969-12", "tenant", "", "２０２６-01"])
def test_what_is_no_month_is_none(text: str) -> None:
    assert not is_month(text)
