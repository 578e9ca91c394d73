from __future__ import annotations

from itertools import pairwise

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.governance.cedar_text import MOST_BRACKETS, MOST_LENGTH, MOST_SIGNS, excess, fault_at, place, statements

TWO = '// first\n@id("a;b")\npermit(principal, action, resource); forbid (principal,\n action, resource) // ; not here\n;'


def error_of(text: str) -> str | None:
    try:
        cedarpy.PolicySet.from_str(text)
    except ValueError as error:
        return str(error)
    return None


def test_statements_end_at_semicolons_outside_of_strings_and_comments() -> None:
    first, second = statements(TWO)
    assert first.text == '@id("a;b")\npermit(principal, action, resource);'
    assert (second.text.startswith("forbid"), second.text.endswith("\n;")) == (True, True)
    assert [place(TWO, statement.start) for statement in (first, second)] == [(2, 1), (3, 38)]


def test_an_annotation_is_found_by_its_name_and_not_inside_a_string() -> None:
    (statement,) = statements('@id("@tier") @tier("T0") permit(principal, action, resource);')
    assert statement.text[statement.annotation("tier") :].startswith('@tier("T0")')
    assert statement.annotation("quorum") == 0


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("permit(principal, action, resource) when { 1 + };", "}"),
        ("permit(principal, action resource);", "resource"),
        ("permit(principal, action, resource) when { true && ) };", ")"),
        ('permit(principal, action, resource) when { context.a == = "x" };', "="),
        ("permit(principal, action, resource)", ""),
    ],
)
def test_the_token_at_fault_is_found(text: str, wrong: str) -> None:
    (statement,) = statements(text)
    assert fault_at(statement, error_of)[1] == wrong


@pytest.mark.parametrize(
    "text",
    [
        "(" * (MOST_BRACKETS + 1),
        '"' + "(" * (MOST_BRACKETS + 1) + '"',
        "+1" * (MOST_SIGNS + 1),
        ".a" * (MOST_SIGNS + 1),
        "x" * (MOST_LENGTH + 1),
    ],
)
def test_what_could_overflow_the_parsers_stack_is_excess_even_in_a_string(text: str) -> None:
    assert excess(text) is not None


def test_an_ordinary_policy_is_not_excess() -> None:
    assert excess(TWO) is None


@given(st.text(alphabet='ab"\\;/\n\r\t(){}@ ', max_size=60))
def test_nothing_but_space_and_comments_is_lost_between_statements(text: str) -> None:
    covered = [range(statement.start, statement.start + len(statement.text)) for statement in statements(text)]
    assert all(before.stop <= after.start for before, after in pairwise(covered))
    for statement in statements(text):
        assert text[statement.start :].startswith(statement.text)


@given(st.text(alphabet='ab"\\;/\n\r ', max_size=12))
def test_a_statement_is_cut_where_cedar_itself_ends_it(noise: str) -> None:
    whole = f'@id("{noise}") permit(principal, action, resource);\nforbid(principal, action, resource);'
    if error_of(whole) is None:
        assert len(statements(whole)) == len(cedarpy.PolicySet.from_str(whole))
