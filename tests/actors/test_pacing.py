from __future__ import annotations

from typing import Any

from actors.governance.rates import Rate, Rates
from actors.pacing import MOST_REMEMBERED, Pace

RATES = Rates(principal=Rate(1, "s", 2), tenant=Rate(1, "s", 3), calls={"propose": Rate(1, "m", 1)})


class Clock:
    now = 0

    def __call__(self) -> int:
        return self.now


def asked(pace: Pace, who: str, tag: str, rates: Any = RATES) -> str | None:
    refusal = pace.refuses(rates, who, tag)
    return None if refusal is None else refusal.why


def test_each_rate_holds_by_itself_and_the_refusal_says_which_and_how_long() -> None:
    clock = Clock()
    pace = Pace(clock)
    assert asked(pace, "ada", "propose") is None
    refusal = pace.refuses(RATES, "ada", "propose")
    assert refusal is not None
    assert "by propose" in refusal.why
    assert refusal.retry_after == 60_000
    assert asked(pace, "ada", "case.show") is None
    assert "one member" in str(asked(pace, "ada", "case.show"))
    assert asked(pace, "ben", "case.show") is None
    assert "the tenant" in str(asked(pace, "clara", "case.show"))
    clock.now += 1_000_000
    assert asked(pace, "clara", "case.show") is None


def test_what_is_refused_counts_for_nothing() -> None:
    clock = Clock()
    pace = Pace(clock)
    assert asked(pace, "ada", "propose") is None
    for _ in range(100):
        assert asked(pace, "ada", "propose") is not None
    assert asked(pace, "ada", "case.show") is None
    assert asked(pace, "ben", "case.show") is None


def test_reports_and_denials_are_not_kept_out_by_ordinary_load_and_have_a_bound_of_their_own() -> None:
    pace = Pace(Clock())
    while asked(pace, "ada", "case.show") is None:
        pass
    assert asked(pace, "ada", "report") is None
    assert asked(pace, "ada", "report") is None
    assert asked(pace, "ada", "report") is not None
    assert asked(pace, "ben", "deny") is None


def test_memory_is_bounded_and_the_one_who_asked_least_lately_is_forgotten() -> None:
    pace = Pace(Clock())
    for number in range(MOST_REMEMBERED + 10):
        pace.refuses(Rates(), f"member-{number}", "case.show")
    assert len(pace._arrivals) == MOST_REMEMBERED
    assert ("member-0", "") not in pace._arrivals


def test_without_rates_nothing_is_remembered() -> None:
    pace = Pace(Clock())
    assert asked(pace, "ada", "propose", Rates(principal=None)) is None
    assert not pace._arrivals
