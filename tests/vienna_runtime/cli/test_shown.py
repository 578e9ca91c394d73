"""Text from agents on a terminal: nothing it holds acts, hides or passes for this program's own words."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from vienna_runtime.cli.here import Here
from vienna_runtime.cli.shown import CUT, escape, shown, value_text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[2J\x1b]0;title\x07", "<U+001B>[2J<U+001B>]0;title<U+0007>"),
        ("\x9b31m", "<U+009B>31m"),  # CSI as one C1 character
        ("pay \u202e00.01", "pay <U+202E>00.01"),  # right-to-left override
        ("\u2066hidden\u2069", "<U+2066>hidden<U+2069>"),  # isolates
        ("ad\u200bmin", "ad<U+200B>min"),  # zero width
        ("ad\u00admin", "ad<U+00AD>min"),  # soft hyphen
        ("tag\U000e0041", "tag<U+E0041>"),  # tags, in which text is smuggled
        ("a\u00a0b", "a<U+00A0>b"),  # a space that is none
        ("\u3164", "<U+3164>"),  # a letter that shows as nothing
        ("x\ufe0f", "x<U+FE0F>"),
        ("one\ntwo\r", "one<U+000A>two<U+000D>"),
        ("half \ud800", "half <U+D800>"),
        ("plain: Grüße, 東京, שלום", "plain: Grüße, 東京, שלום"),
        ("[bold red]T0[/]", "[bold red]T0[/]"),
        ("\\u202e", "\\u202e"),
    ],
)
def test_what_is_not_plainly_visible_is_spelled_out(text: str, seen: str) -> None:
    assert escape(text) == seen
    assert shown(text).plain == seen


def test_line_ends_stay_only_where_they_are_asked_for() -> None:
    assert escape("one\ntwo\t", lines=True) == "one\ntwo<U+0009>"


def test_a_pile_of_marks_does_not_cover_its_neighbours() -> None:
    assert escape("e" + "\u0301" * 6) == "e" + "\u0301" * 4 + "<U+0301>" * 2


def test_a_long_text_is_cut_and_says_so() -> None:
    assert escape("x" * (CUT + 7)) == "x" * CUT + "<and 7 characters more>"


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_no_text_brings_a_control_or_format_character_onto_the_terminal(text: str) -> None:
    seen = escape(text)
    assert not [character for character in seen if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp", "Cn", "Co")]
    stream = io.StringIO()
    Console(file=stream, markup=False, width=10_000_000).print(shown(text), soft_wrap=True)
    assert stream.getvalue() == seen + "\n"


def test_markup_of_an_agent_is_printed_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    Here().say(shown("[bold red]T0[/] :warning: [link=http://mallory]"))
    assert capsys.readouterr().out == "[bold red]T0[/] :warning: [link=http://mallory]\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", '"a"'),
        (b"\x01\xff", "01ff"),
        (b"", "(no bytes)"),
        (True, "true"),
        (None, "none"),
        (-3, "-3"),
        ({"dec": "12.50"}, "12.50"),
        ({"dec": "12.50", "x": 1}, '{dec: "12.50", x: 1}'),
        ([1, ["a"]], '[1, ["a"]]'),
    ],
)
def test_values_of_the_wire_are_told_apart_by_their_spelling(value: object, text: str) -> None:
    assert value_text(value) == text
