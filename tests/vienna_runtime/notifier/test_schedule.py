from __future__ import annotations

from email.utils import formatdate

import pytest

from vienna_runtime.notifier.schedule import DELAYS, LONGEST, Delivered, Failed, Gone, next_attempt, of_status, retry_after

NOW = 1_700_000_000.0


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_2xx_is_a_delivery(status: int) -> None:
    assert of_status(status, {}, NOW) == Delivered()


@pytest.mark.parametrize("status", [101, 301, 302, 400, 401, 404, 500])
def test_everything_else_is_a_failure_of_this_one_message(status: int) -> None:
    assert of_status(status, {}, NOW) == Failed(f"it answered {status}")


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_server_that_has_too_much_gets_nothing_else_before_it_is_asked_again(status: int) -> None:
    assert of_status(status, {"retry-after": "120"}, NOW) == Failed(f"it answered {status}", 120.0, whole=True)


def test_410_is_the_end() -> None:
    assert isinstance(of_status(410, {"retry-after": "1"}, NOW), Gone)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        *[("0", 0), ("90", 90), (" 90 ", 90), ("999999999", LONGEST), ("", 0), ("soon", 0), ("-5", 0), ("1.5", 0), ("²", 0)],
        *[("Mon, 01 Jan 99999999999 00:00:00 GMT", 0), ("9" * 4000, LONGEST)],
    ],
)
def test_retry_after_in_seconds_is_bounded_and_nonsense_is_nothing(written: str, seconds: float) -> None:
    assert retry_after(written, NOW) == seconds


def test_retry_after_may_be_a_date() -> None:
    assert retry_after(formatdate(NOW + 300, usegmt=True), NOW) == 300
    assert retry_after(formatdate(NOW - 300, usegmt=True), NOW) == 0


def test_the_delays_are_the_specifications_and_after_the_last_there_is_none() -> None:
    failed, at, times = Failed("x"), 0.0, []
    for attempts in range(1, len(DELAYS) + 1):
        again = next_attempt(DELAYS, attempts, failed, at, 0.0)
        assert again is not None
        at = again
        times.append(at)
    assert times == [5, 305, 2105, 9305, 27305, 63305, 113705, 185705, 272105]  # 75:35:05 after the first
    assert next_attempt(DELAYS, len(DELAYS) + 1, failed, at, 0.0) is None


def test_chance_adds_up_to_a_fifth_and_what_the_server_asks_for_is_the_least() -> None:
    assert next_attempt(DELAYS, 1, Failed("x"), NOW, 1.0) == NOW + 6
    assert next_attempt(DELAYS, 1, Failed("x", 60.0), NOW, 0.0) == NOW + 60
    assert next_attempt(DELAYS, 2, Failed("x", 60.0), NOW, 0.0) == NOW + 300
