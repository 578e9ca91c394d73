"""Arguments as people write them, read exactly or refused."""

from __future__ import annotations

import click
import pytest

from vienna_runtime.cli.kinds import AMOUNT, DIGEST, DURATION, PARAM, VERIFIER_KEY


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("name=text", ("name", "text")),
        ("name=", ("name", "")),
        ("name=a=b", ("name", "a=b")),
        ("count:=3", ("count", 3)),
        ("amount:=12.50", ("amount", {"dec": "12.50"})),
        ("amount:=-0.5", ("amount", {"dec": "-0.5"})),
        ("flag:=true", ("flag", True)),
        ('names:=["a","b"]', ("names", ["a", "b"])),
        ('deep:={"b":{"a":1.0}}', ("deep", {"b": {"a": {"dec": "1.0"}}})),
        ("nothing:=null", ("nothing", None)),
    ],
)
def test_a_param_is_text_or_json_without_floats(text: str, value: tuple[str, object]) -> None:
    assert PARAM.convert(text, None, None) == value


@pytest.mark.parametrize(
    "text",
    [
        "name",
        "=x",
        ":=1",
        "n:=",
        "n:={",
        "n:=1e3",
        "n:=NaN",
        "n:=Infinity",
        'n:={"a":1,"a":2}',
        "n:=99999999999999999999",
        "n:=" + "[" * 40 + "]" * 40,
    ],
)
def test_a_param_that_has_no_single_meaning_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        PARAM.convert(text, None, None)


def test_durations_and_amounts_are_whole_micro_units() -> None:
    assert DURATION.convert("1h30m", None, None) == 5_400_000_000
    assert AMOUNT.convert("1.50", None, None) == 1_500_000


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (DURATION, "5"),
        (DURATION, "0s"),
        (DURATION, "-1m"),
        (AMOUNT, "1,50"),
        (AMOUNT, "-1"),
        (AMOUNT, "0.0000001"),
        (DIGEST, "ab"),
        (DIGEST, "zz" * 32),
        (VERIFIER_KEY, "node"),
    ],
)
def test_what_cannot_be_read_exactly_is_refused(kind: click.ParamType[object], text: str) -> None:
    with pytest.raises(click.BadParameter):
        kind.convert(text, None, None)
