from __future__ import annotations

import pytest

from actors.governance.canonical import NotCanonical, Value
from actors.governance.constraints.numbers import Range


@pytest.mark.parametrize("value", [0, 21, True, "5", {"dec": "5.0"}, 5.0, None, [5]])
def test_what_lies_outside_or_is_no_whole_number_is_a_violation(value: Value) -> None:
    assert Range(1, 20).problem(value) is not None


@pytest.mark.parametrize(
    "value", [{"dec": "0.00"}, {"dec": "20.01"}, {"dec": "5.0"}, {"dec": "5.000"}, 5, "5.00", {"dec": "-0.00"}, {"dec": 5}]
)
def test_a_decimal_has_exactly_its_places_so_that_one_amount_is_one_effect(value: Value) -> None:
    assert Range(1, 2000, 2).problem(value) is not None
    assert Range(1, 2000, 2).problem({"dec": "5.00"}) is None


def test_a_bound_may_be_open_and_is_said_so() -> None:
    assert Range(1, None).problem(10**18) is None
    assert Range(None, 500, 2).words() == "at most 5.00"
    assert Range(-150, None, 2).words() == "at least -1.50"
    assert Range(1, None).problem(2**63) is not None


@pytest.mark.parametrize("bad", [(None, None, None), (2, 1, None), (1, 2, 0), (1, 2, 10), (2**63, None, None)])
def test_a_range_that_makes_no_sense_is_not_made(bad: tuple[int | None, int | None, int | None]) -> None:
    with pytest.raises(NotCanonical):
        Range(*bad)
