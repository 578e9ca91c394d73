from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.governance.canonical import Value
from actors.governance.finding import Malformed
from actors.governance.params import Kind, Param, scale, typed, unscale

AMOUNT = Param(name="amount", kind="decimal", places=2, lowest=1, highest=100_000)


def test_a_decimal_becomes_the_integer_of_its_places() -> None:
    assert typed((AMOUNT,), {"amount": {"dec": "12.50"}}) == {"amount": 1250}
    assert typed((AMOUNT,), {"amount": {"dec": "12.5"}}) == {"amount": 1250}


@pytest.mark.parametrize(
    "value",
    ["12.50", 12, 12.5, {"dec": 12}, {"dec": "12"}, {"dec": "12.505"}, {"dec": "-0.0"}, {"dec": "1e3"}, {"dec": "1.0", "x": 1}, None, True],
)
def test_what_is_not_a_decimal_is_refused_and_not_converted(value: Value) -> None:
    assert isinstance(typed((AMOUNT,), {"amount": value}), str)


def test_the_bounds_of_a_number_hold_and_are_named() -> None:
    assert typed((AMOUNT,), {"amount": {"dec": "0.00"}}) == "the parameter amount must be at least 0.01"
    assert typed((AMOUNT,), {"amount": {"dec": "-5.00"}}) == "the parameter amount must be at least 0.01"
    assert typed((AMOUNT,), {"amount": {"dec": "1000.01"}}) == "the parameter amount must be at most 1000.00"


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("string", "x", [1, None, True, ["x"], {"x": "x"}, b"x"]),
        ("integer", 5, ["5", True, 5.0, None, 2**63, [5]]),
        ("boolean", True, [1, 0, "true", None]),
        ("list", ["b", "a", "a"], ["a", [1], [["a"]], None, {"a": "a"}]),
        ("set", ["b", "a"], ["a", ["a", "a"], [None], None]),
    ],
)
def test_each_type_takes_its_own_and_nothing_else(kind: Kind, good: Value, bad: list[Value]) -> None:
    param = Param(name="x", kind=kind)
    assert typed((param,), {"x": good}) == {"x": good}
    for value in bad:
        assert isinstance(typed((param,), {"x": value}), str), value


def test_a_constrained_parameter_that_is_missing_is_a_violation() -> None:
    assert typed((AMOUNT,), {}) == "the parameter amount is missing"


def test_an_optional_parameter_may_be_missing_but_not_mistyped() -> None:
    note = Param(name="note", kind="string", required=False)
    assert typed((note,), {}) == {}
    assert typed((note,), {"note": None}) == "the parameter note must be a text"


def test_an_extra_parameter_is_refused() -> None:
    assert typed((AMOUNT,), {"amount": {"dec": "1.00"}, "to": "mallory"}) == "the action has no parameter 'to'"


def test_only_the_choices_are_taken() -> None:
    currency = Param(name="currency", kind="string", choices=frozenset({"EUR", "CHF"}))
    assert typed((currency,), {"currency": "EUR"}) == {"currency": "EUR"}
    assert typed((currency,), {"currency": "eur"}) == "the parameter currency must be one of CHF, EUR"


@given(st.integers(-(10**12), 10**12), st.integers(1, 6))
def test_scaling_and_writing_are_inverse(value: int, places: int) -> None:
    assert scale(unscale(value, places), places) == value


@given(st.text(max_size=20), st.integers(0, 6))
def test_any_text_scales_or_is_refused(text: str, places: int) -> None:
    assert isinstance(scale(text, places), (int, Malformed))
