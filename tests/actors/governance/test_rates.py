from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.governance import toml_table
from actors.governance.finding import Finding, Malformed
from actors.governance.ids import HOUR, MINUTE, SECOND
from actors.governance.rates import Rate, Rates, after, parse, read, wait


def settings(text: str) -> tuple[Rates, list[Finding]]:
    findings: list[Finding] = []
    root = toml_table.read("bundle.toml", text, findings)
    assert root is not None
    return read(root), findings


@pytest.mark.parametrize(
    ("text", "interval", "burst"),
    [
        ("20/s", SECOND // 20, 20),
        ("600/m burst 3", MINUTE // 600, 3),
        ("7/h", -(-HOUR // 7), 1),
        ("1/s", SECOND, 1),
        ("120/m", SECOND // 2, 2),
    ],
)
def test_a_rate_is_read_as_people_write_it(text: str, interval: int, burst: int) -> None:
    rate = parse(text)
    assert isinstance(rate, Rate)
    assert (rate.interval, rate.burst) == (interval, burst)
    assert parse(str(rate)) == rate


@pytest.mark.parametrize(
    "text", ["", "20", "0/s", "20/d", "20/s burst 0", "20/s burst", "-1/s", "20 /s", "1.5/s", "20/s burst 10 ", "２/s"]
)
def test_what_is_no_rate_is_refused_with_an_example(text: str) -> None:
    found = parse(text)
    assert isinstance(found, Malformed)
    assert "20/s" in found.hint


def test_the_settings_name_calls_and_point_to_what_is_wrong() -> None:
    rates, findings = settings('[rates]\nprincipal = "5/s"\ntenant = "50/s"\n[rates.calls]\npropose = "2/s"\n')
    assert not findings
    assert (str(rates.principal), str(rates.tenant), str(rates.calls["propose"])) == ("5/s burst 5", "50/s burst 50", "2/s burst 2")
    _, findings = settings('[rates]\nprincipal = "fast"\n\n[rates.calls]\nproposse = "2/s"\nreport = "1/s"\n')
    assert [(finding.line, finding.column) for finding in findings] == [(5, 1), (6, 1), (2, 1)]
    assert "did you mean propose" in str(findings[0])
    assert "a lane that load cannot fill" in str(findings[1])


def test_a_bundle_that_says_nothing_has_the_defaults() -> None:
    assert settings("") == (Rates(), [])


@given(
    st.builds(Rate, st.integers(1, 50), st.sampled_from("smh"), st.integers(1, 20)),
    st.lists(st.integers(0, 3 * SECOND), max_size=120),
)
def test_no_span_of_time_ever_holds_more_than_the_burst_and_what_the_rate_adds(rate: Rate, gaps: list[int]) -> None:
    now, arrival, let_in = 0, 0, list[int]()
    for gap in gaps:
        now += gap
        if wait(rate, arrival, now) == 0:
            arrival = after(rate, arrival, now)
            let_in.append(now)
    for first, since in enumerate(let_in):
        for last in range(first, len(let_in)):
            assert last - first + 1 <= rate.burst + (let_in[last] - since) // rate.interval


@given(st.builds(Rate, st.integers(1, 50), st.sampled_from("smh"), st.integers(1, 20)), st.integers(0, 10**9))
def test_whoever_waits_as_long_as_was_said_is_let_in_and_not_a_microsecond_before(rate: Rate, start: int) -> None:
    arrival: Any = 0
    for _ in range(rate.burst):
        assert wait(rate, arrival, start) == 0
        arrival = after(rate, arrival, start)
    left = wait(rate, arrival, start)
    assert left > 0
    assert wait(rate, arrival, start + left) == 0
    assert wait(rate, arrival, start + left - 1) > 0
