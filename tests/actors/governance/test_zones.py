"""The time on the wall of a place follows its clocks as they are put forward and back, from the pinned rules alone."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from actors.governance import zones
from actors.governance.ids import HOUR, MINUTE, Instant
from actors.governance.zones import PARTS, WEEKDAYS

VIENNA = "Europe/Vienna"


def at(text: str) -> Instant:
    return Instant(int(dt.datetime.fromisoformat(text).timestamp()) * 1_000_000)


@pytest.mark.parametrize(
    ("utc", "hour", "minute", "day"),
    [
        ("2026-03-29T00:59:00Z", 1, 119, "sunday"),  # the last minute of winter time
        ("2026-03-29T01:00:00Z", 3, 180, "sunday"),  # the hour from two to three does not exist
        ("2026-10-25T00:30:00Z", 2, 150, "sunday"),  # the hour from two to three the first time
        ("2026-10-25T01:30:00Z", 2, 150, "sunday"),  # and the second
        ("2026-12-31T23:30:00Z", 0, 30, "friday"),  # another year already
        ("1970-01-01T00:00:00Z", 1, 60, "thursday"),
    ],
)
def test_clocks_are_put_forward_and_back(utc: str, hour: int, minute: int, day: str) -> None:
    assert tuple(zones.local(VIENNA, at(utc), part) for part in PARTS) == (hour, minute, day)


def test_without_a_zone_it_is_utc() -> None:
    assert zones.local(zones.UTC, at("2026-03-29T01:00:00Z"), "hour") == 1
    assert zones.is_known(zones.UTC)


def test_the_machines_own_rules_are_never_looked_at(monkeypatch: Any, tmp_path: Any) -> None:
    lying = tmp_path / "Europe"
    lying.mkdir()
    (lying / "Vienna").write_bytes(b"no rules at all")
    monkeypatch.setenv("PYTHONTZPATH", str(tmp_path))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    zones.rules.cache_clear()
    assert zones.local(VIENNA, at("2026-07-01T12:00:00Z"), "hour") == 14


def test_names_that_are_no_zone_are_no_file_either() -> None:
    for name in ("", "Europe/Viena", "../../etc/passwd", "europe/vienna", "Europe", "zone.tab", "UTC\0"):
        assert not zones.is_known(name)
        with pytest.raises(ValueError, match="no time zone"):
            zones.local(name, at("2026-07-01T12:00:00Z"), "hour")


def test_policies_of_working_hours_follow_the_change_of_clocks(counted: Any) -> None:
    night = '@id("night") forbid (principal, action, resource) when { context.facts.minute < 480 || context.facts.day == "sunday" };'
    bench = counted('minute = { local = "minute_of_day" }\nday = { local = "weekday" }\n[tenant]\nzone = "Europe/Vienna"', night)
    wish = {"action": "deploy.run", "resource": "prod", "params": {"commit": "c1"}}
    for utc, may in (
        ("2026-03-27T06:59:00Z", False),
        ("2026-03-27T07:00:00Z", True),  # eight in winter
        ("2026-03-29T12:00:00Z", False),
        ("2026-03-30T05:59:00Z", False),
        ("2026-03-30T06:00:00Z", True),  # eight in summer
    ):
        bench.pass_time(at(utc) - bench.now)
        assert (bench.propose(**wish) is not None) if may else bench.denied(**wish), utc
    assert {WEEKDAYS[0], WEEKDAYS[6]} == {"monday", "sunday"}
    assert HOUR == 60 * MINUTE
