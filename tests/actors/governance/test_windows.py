from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.governance.ids import HOUR, SECOND, Instant
from actors.governance.windows import PERS, begun, ends

VIENNA = "Europe/Vienna"
ZONES = st.sampled_from(["UTC", VIENNA, "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"])


def at(text: str) -> Instant:
    return Instant(int(dt.datetime.fromisoformat(text).timestamp()) * SECOND)


@pytest.mark.parametrize(
    ("zone", "per", "when", "first", "after"),
    [
        (VIENNA, "day", "2026-11-29T23:30:00+00:00", "2026-11-29T23:00:00+00:00", "2026-11-30T23:00:00+00:00"),
        (VIENNA, "month", "2026-11-30T23:30:00+00:00", "2026-11-30T23:00:00+00:00", "2026-12-31T23:00:00+00:00"),
        (VIENNA, "month", "2027-02-10T00:00:00+00:00", "2027-01-31T23:00:00+00:00", "2027-02-28T23:00:00+00:00"),
        ("Asia/Kolkata", "hour", "2026-11-29T10:15:00+00:00", "2026-11-29T09:30:00+00:00", "2026-11-29T10:30:00+00:00"),
        ("UTC", "hour", "2026-11-29T10:59:59+00:00", "2026-11-29T10:00:00+00:00", "2026-11-29T11:00:00+00:00"),
        # the day on which the clocks go back has 25 hours, and the hour that comes twice is two
        (VIENNA, "day", "2026-10-25T12:00:00+00:00", "2026-10-24T22:00:00+00:00", "2026-10-25T23:00:00+00:00"),
        (VIENNA, "hour", "2026-10-25T00:30:00+00:00", "2026-10-25T00:00:00+00:00", "2026-10-25T01:00:00+00:00"),
        (VIENNA, "hour", "2026-10-25T01:30:00+00:00", "2026-10-25T01:00:00+00:00", "2026-10-25T02:00:00+00:00"),
        # the day on which they go forward has 23
        (VIENNA, "day", "2026-03-29T12:00:00+00:00", "2026-03-28T23:00:00+00:00", "2026-03-29T22:00:00+00:00"),
    ],
)
def test_a_window_begins_and_ends_by_the_zones_own_clock(zone: str, per: str, when: str, first: str, after: str) -> None:
    assert begun(zone, at(when), per) == at(first)
    assert ends(zone, at(when), per) == at(after)


@given(ZONES, st.sampled_from(PERS), st.integers(at("2000-01-01T00:00:00+00:00"), at("2037-01-01T00:00:00+00:00")))
def test_every_instant_lies_in_one_window_and_the_next_begins_where_it_ends(zone: str, per: str, when: int) -> None:
    now = Instant(when)
    first, after = begun(zone, now, per), ends(zone, now, per)
    assert first <= now < after
    assert after - first <= {"hour": HOUR, "day": 25 * HOUR, "month": 32 * 24 * HOUR}[per]
    assert begun(zone, first, per) == first
    assert begun(zone, Instant(after - 1), per) == first
    if per != "hour" or zone != "Australia/Lord_Howe":  # whose clocks move by half an hour: an hour is cut short there
        assert begun(zone, after, per) == after
