from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.governance.finding import Malformed
from actors.governance.ids import HOUR, MINUTE, SECOND
from actors.governance.units import DAY, amount, duration


@pytest.mark.parametrize(
    ("text", "micros"),
    [("5m", 5 * MINUTE), ("90s", 90 * SECOND), ("1h30m", HOUR + 30 * MINUTE), ("7d", 7 * DAY), ("250ms", 250_000)],
)
def test_durations_are_read_exactly(text: str, micros: int) -> None:
    assert duration(text) == micros


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "-5m", "5min", "0s", "1.5h", "4000d", "٥m", "999999999d"])
def test_what_is_no_duration_says_so(text: str) -> None:
    assert isinstance(duration(text), Malformed)


@pytest.mark.parametrize(("text", "micros"), [("0", 0), ("20", 20_000_000), ("12.50", 12_500_000), ("0.000001", 1)])
def test_amounts_are_read_exactly(text: str, micros: int) -> None:
    assert amount(text) == micros


@pytest.mark.parametrize("text", ["", "-1", "1.", ".5", "01", "1e3", "0.0000001", "1,000", "٥", "1234567890123"])
def test_what_is_no_amount_says_so(text: str) -> None:
    assert isinstance(amount(text), Malformed)


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (duration, amount):
        value = read(text)
        assert isinstance(value, Malformed) or value >= 0
