from __future__ import annotations

import re

import pytest

from actors.governance.canonical import NotCanonical, Value
from actors.governance.constraints.pattern import LONGEST_TEXT, Matching, Prefix


def test_an_expression_stands_for_the_whole_text() -> None:
    assert Matching("a|b").problem("a") is None
    assert Matching("a|b").problem("ab") is not None
    assert Matching(r"[A-Z]{2}-\d+").problem("AB-12") is None
    assert Matching(r"[A-Z]{2}-\d+").problem("AB-12\n") is not None
    assert Matching(".*").problem("a\u2028b") is not None


@pytest.mark.parametrize("text", ["١٢", "12\u0660"])
def test_digits_are_ascii(text: str) -> None:
    assert Matching(r"\d+").problem(text) is not None


@pytest.mark.parametrize("value", [1, None, True, b"a", ["a"], "\ud800"])
def test_what_is_no_text_never_matches(value: Value) -> None:
    assert Matching(".*").problem(value) is not None
    assert Prefix("a").problem(value) is not None


def test_an_expression_that_ruins_a_backtracking_engine_is_answered_at_once() -> None:
    """Not timed: a backtracking engine would not come back from this within the life of the test run."""
    assert Matching("(a*)*(a|aa)+(a|a?)+b").problem("a" * LONGEST_TEXT) is not None
    assert Matching("(a*)*c").problem("a" * (LONGEST_TEXT + 1)) is not None


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "(?i)a",
        "(?P<x>a)",
        "(?=a)",
        "(?!a)",
        r"\1",
        r"(a)\1",
        "^a$",
        r"\bа",
        r"\s",
        r"\p{L}",
        r"\pL",
        r"\C",
        r"\Qa",
        "[[:alpha:]]",
        "a++",
        "a**",
        "[z-a]",
        "(a",
        "a)",
        "[a",
        "a{2,1}",
        "a{1001}",
        "(a{999}){999}",
        "é",
        r"[\d-x]",
        "a&&b]",
        r"\x41",
        r"\Z",
        "(?:" * 150,
        "x" * 513,
        "[]",
        "[^]",
    ],
)
def test_an_expression_that_engines_read_differently_or_not_at_all_is_refused(pattern: str) -> None:
    with pytest.raises(NotCanonical):
        Matching(pattern)


@pytest.mark.parametrize("pattern", ["a.c", "[^a-c]x?", "(ab|cd){1,3}", r"\w+@\w+\.org", r"[\d\-]+", "(?:a|b)*c", "a{2,}", "[+*.]", "a/b"])
@pytest.mark.parametrize("text", ["abc", "a\u00e9c", "dx", "abcd", "me@x.org", "1-2", "bac", "aa", "*", "a/b", ""])
def test_what_is_taken_means_the_same_to_another_engine(pattern: str, text: str) -> None:
    assert (Matching(pattern).problem(text) is None) == (re.fullmatch(pattern, text, re.ASCII) is not None)


def test_a_prefix_is_compared_code_point_by_code_point() -> None:
    assert Prefix("café").problem("café-1") is None
    assert Prefix("café").problem("cafe\u0301-1") is not None
    with pytest.raises(NotCanonical):
        Prefix("a\n")
