from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vienna_runtime.setting_kinds import HOST, HOSTS, PATH, SWITCH, Kind, Value, choice, duration, pattern, size, whole

TIME = duration("1ms", "7d")
BYTES = size("1B", "16TiB")


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (TIME, "250ms", 250_000),
        (TIME, "30s", 30_000_000),
        (TIME, "7d", 604_800_000_000),
        (BYTES, "64KiB", 65_536),
        (BYTES, "2 GiB", 2 << 30),
        (SWITCH, True, True),
        (SWITCH, "false", False),
        (whole(0, 9), 9, 9),
        (whole(0, 9), "9", 9),
        (HOST, "::0:1", "::1"),
        (HOST, "vienna.example.org", "vienna.example.org"),
        (HOSTS, "a.b,10.0.0.1", ("a.b", "10.0.0.1")),
        (HOSTS, [], ()),
    ],
)
def test_a_value_is_read_in_its_unit(kind: Kind, raw: object, value: Value) -> None:
    assert kind.read(raw) == value


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (TIME, "30"),
        (TIME, 30),
        (TIME, "30 parsecs"),
        (TIME, "-1s"),
        (TIME, "8d"),
        (TIME, "0s"),
        (TIME, "1.5s"),
        (TIME, ""),
        (TIME, None),
        (BYTES, "64kb"),
        (BYTES, "٣B"),
        (SWITCH, "True"),
        (SWITCH, 1),
        (SWITCH, "yes"),
        (whole(0, 9), 10),
        (whole(0, 9), -1),
        (whole(0, 9), True),
        (whole(0, 9), 1.0),
        (whole(0, 9), "1_0"),
        (whole(0, 9), " 1"),
        (HOST, "Vienna.example"),
        (HOST, "300.1.1.1"),
        (HOST, "-a.example"),
        (HOST, "a..b"),
        (HOST, ""),
        (HOST, "a b"),
        (HOSTS, ["ok.example", 7]),
        (HOSTS, {}),
        (PATH, "a\0b"),
        (PATH, 7),
        (choice("text", "json"), "xml"),
        (choice("text", "json"), ["text"]),
        (pattern("letters", "[a-z]+"), "abc\n"),
        (pattern("letters", "[a-z]+"), 7),
    ],
)
def test_what_is_not_expected_is_refused_not_bent(kind: Kind, raw: object) -> None:
    with pytest.raises(ValueError):
        kind.read(raw)


@given(st.integers(1000, 604_800_000_000).map(lambda n: n // 1000 * 1000))
def test_a_duration_is_written_so_that_it_reads_back(value: int) -> None:
    seconds = value // 1_000_000 * 1_000_000 or 1_000_000
    assert TIME.read(tomllib.loads("x = " + TIME.write(seconds))["x"]) == seconds


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40))
def test_a_path_is_written_so_that_it_reads_back(value: str) -> None:
    assert PATH.read(tomllib.loads("x = " + PATH.write(value))["x"]) == value
