from __future__ import annotations

import pytest

from actors.governance.constraints import Constraint, Domain, Exact, Matching, OneOf, Prefix, Range, Under, Url
from actors.governance.constraints.parse import parse, parse_one, value
from actors.governance.finding import Malformed


@pytest.mark.parametrize(
    ("words", "made"),
    [
        ("exactly 12.50", Exact({"dec": "12.50"})),
        ('exactly "12"', Exact("12")),
        ("exactly true", Exact(True)),
        ("one of main, next", OneOf(("main", "next"))),
        ("one of 1, 2", OneOf((1, 2))),
        ("range 0.01..20.00", Range(1, 2000, 2)),
        ("range 1..", Range(1, None)),
        ("range ..-5", Range(None, -5)),
        ("prefix drafts-", Prefix("drafts-")),
        (r"matching [A-Z]{2}-\d+", Matching(r"[A-Z]{2}-\d+")),
        ("under drafts", Under("drafts")),
        ('under "my drafts"', Under("my drafts")),
        ("url https://api.example.org/v1", Url("https", "api.example.org", None, "/v1")),
        ("url https://*.example.org:8443/ with query", Url("https", "*.example.org", 8443, "/", True)),
        ("domain example.org", Domain("example.org")),
        ("domain example.org with subdomains", Domain("example.org", True)),
    ],
)
def test_each_kind_is_read_from_words(words: str, made: Constraint) -> None:
    assert parse_one(words) == made


def test_several_parameters_are_read_and_one_named_twice_fits_both() -> None:
    assert parse("amount: range 0.01..20.00; path: under drafts") == {"amount": Range(1, 2000, 2), "path": Under("drafts")}
    assert parse("n: range 1..; n: range ..5") == {"n": Range(1, 5)}
    assert isinstance(parse("n: range 1..2; n: range 3..4"), Malformed)


@pytest.mark.parametrize(
    ("text", "column", "message", "hint"),
    [
        ("amount: rang 1..2", 1, "'rang' is not a kind", "did you mean range?"),
        ("a: range 1..2; b: under", 16, "followed by nothing", "under drafts"),
        ("a: range 1..2.00", 1, "the same digits", "range 0.01..20.00"),
        ("a: range 1-2", 1, "two numbers", "range 0.01"),
        ("a: range ..", 1, "two decimals", "range"),
        ("Amount: range 1..2", 1, "is not a parameter", "amount"),
        ("range 1..2", 1, "is not a parameter", "amount"),
        ("", 1, "is not a parameter", "amount"),
        ("u: url https://example.org", 1, "scheme, host and path", "https://api"),
        ("u: url https://example.org/ with subdomains", 1, "'subdomains' is not what", "https://api"),
        ("u: url https://example.org/?x=1", 1, "has a query", "https://api"),
        ('x: exactly "a', 1, "quoted text", "exactly"),
        ("x: one of a,,b", 1, "missing", "one of"),
        ("x: matching (?i)a", 1, "not every engine", "matching"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place_and_the_near_miss(text: str, column: int, message: str, hint: str) -> None:
    wrong = parse(text)
    assert isinstance(wrong, Malformed)
    assert wrong.column == column
    assert message in wrong.message
    assert hint in wrong.hint


def test_a_value_is_what_it_looks_like() -> None:
    assert [value(text) for text in ("5", "-5", "05", "5.0", "1e3", "true", '"true"', "main")] == [
        5,
        -5,
        "05",
        {"dec": "5.0"},
        "1e3",
        True,
        "true",
        "main",
    ]
