"""How often one address may open a connection, before anything is spent on it."""

from __future__ import annotations

import pytest

from actors.governance.rates import Rate
from actors.supervisor import Refused
from vienna_runtime.doorstep import MOST_ADDRESSES, Doorstep, neighbourhood

SECOND = 1_000_000


class Time:
    now = 0

    def __call__(self) -> int:
        return self.now


def test_beyond_its_burst_an_address_comes_in_as_often_as_its_rate_says_and_others_do_not_notice() -> None:
    time, refused = Time(), Refused()
    step = Doorstep(Rate(2, "s", 3), time, refused.note)
    assert [step.lets_in("10.0.0.1") for _ in range(5)] == [True, True, True, False, False]
    assert step.lets_in("10.0.0.2")
    time.now += SECOND
    assert [step.lets_in("10.0.0.1") for _ in range(3)] == [True, True, False]
    assert refused.take() == (("10.0.0.1", "knocking", 3),)


def test_whoever_goes_on_knocking_is_not_shut_out_for_it() -> None:
    time = Time()
    step = Doorstep(Rate(1, "s", 1), time, lambda source, code: None)
    came = 0
    for _ in range(100):  # ten a second for ten seconds
        came += step.lets_in("10.0.0.1")
        time.now += SECOND // 10
    assert came == 10


@pytest.mark.parametrize(
    ("remote", "counts_as"),
    [
        ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"), ("a socket of the test", "a socket of the test"),
    ],
)  # fmt: skip
def test_all_addresses_that_one_customer_has_count_as_one(remote: str, counts_as: str) -> None:
    assert neighbourhood(remote) == counts_as


def test_however_many_addresses_come_few_are_remembered() -> None:
    time = Time()
    step = Doorstep(Rate(1, "s", 1), time, lambda source, code: None)
    for number in range(2 * MOST_ADDRESSES):
        assert step.lets_in(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(step._arrivals) == MOST_ADDRESSES
