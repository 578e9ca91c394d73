from __future__ import annotations

import pytest

from actors.governance.canonical import NotCanonical, Value
from actors.governance.constraints.values import Exact, OneOf, shown


@pytest.mark.parametrize("value", ["cafe\u0301", "CAFÉ", "café ", b"caf\xc3\xa9", ["café"], None, {"dec": "1.0"}, 1.5])
def test_a_text_in_another_normal_form_or_of_another_type_is_another_value(value: Value) -> None:
    assert Exact("café").problem(value) is not None
    assert Exact("café").problem("café") is None


def test_a_decimal_in_another_spelling_is_another_value() -> None:
    assert Exact({"dec": "1.0"}).problem({"dec": "1.00"}) is not None
    assert Exact({"dec": "1.0"}).problem(1) is not None


def test_choices_are_kept_in_one_order_and_each_once() -> None:
    assert OneOf(("b", "a")) == OneOf(("a", "b"))
    assert OneOf(("b", "a")).choices == ("a", "b")
    with pytest.raises(NotCanonical):
        OneOf(("a", "a"))
    with pytest.raises(NotCanonical):
        OneOf(tuple(range(65)))


def test_a_value_without_canonical_form_is_no_constraint() -> None:
    with pytest.raises(NotCanonical):
        Exact(2**64)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        ({"dec": "1.50"}, "1.50"),
        ("x", '"x"'),
        (b"\x01", "0x01"),
        (None, "nothing"),
        (["a", 1], '["a", 1]'),
        ({"a": 1}, "{a: 1}"),
    ],
)
def test_values_are_shown_as_people_write_them(value: Value, text: str) -> None:
    assert shown(value) == text
    assert len(shown("x" * 500)) <= 80
