from __future__ import annotations

import pytest

from vienna_runtime.executors.errors import ValueRefused
from vienna_runtime.executors.params import Kind, OneOf, spell


def test_each_kind_is_spelled_in_one_way() -> None:
    declared: dict[str, Kind] = {
        "t": "text",
        "p": "path",
        "i": "integer",
        "b": "boolean",
        "d": "decimal",
        "y": "bytes",
        "o": OneOf(("main",)),
    }
    params = {"t": "é -x", "p": "a/b", "i": -5, "b": True, "d": {"dec": "12.50"}, "y": b"\0\xff", "o": "main"}
    spelled = {"t": "é -x".encode(), "p": b"a/b", "i": b"-5", "b": b"true", "d": b"12.50", "y": b"\0\xff", "o": b"main"}
    assert spell(declared, params) == spelled


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", 5),
        ("text", None),
        ("text", ["a", "b"]),
        ("text", "a\0b"),
        ("text", "\ud800"),
        ("integer", "5"),
        ("integer", True),
        ("integer", 5.0),
        ("integer", 2**63),
        ("boolean", 1),
        ("boolean", "true"),
        ("decimal", "12.50"),
        ("decimal", {"dec": "1e5"}),
        ("decimal", {"dec": "5", "more": 1}),
        ("bytes", "text"),
        (OneOf(("main",)), "next"),
        (OneOf(("1",)), 1),
        ("path", "../x"),
        ("path", "/x"),
        ("path", "a//b"),
        ("path", "./a"),
        ("path", "a/"),
        ("path", ""),
        ("path", "x" * 256),
    ],
)
def test_a_value_of_another_kind_is_refused_and_not_repeated(kind: Kind, value: object) -> None:
    with pytest.raises(ValueRefused, match="parameter it"):
        spell({"it": kind}, {"it": value})


def test_a_missing_parameter_is_not_an_empty_one() -> None:
    with pytest.raises(ValueRefused, match="parameter amount is missing"):
        spell({"amount": "text"}, {})


def test_a_parameter_that_nobody_declared_is_refused() -> None:
    with pytest.raises(ValueRefused, match="'force' is not one"):
        spell({}, {"force": True})
