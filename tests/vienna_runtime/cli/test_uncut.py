"""Whatever the width of the terminal, every character of a table is on it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console, Group
from rich.table import Table

from vienna_runtime.cli.uncut import ROOMY, uncut

CASE = "c99fbbd9f4a982de24031"
RESOURCE = "repo/" + "x" * 200 + "/prod"


def printed(width: int) -> str:
    table = Table("case", "action", "resource", "purpose", "deadline", box=None, pad_edge=False)
    table.add_row(CASE, "lantern.dim", RESOURCE, "less light at night", "in 19m 56s")
    file = io.StringIO()
    Console(file=file, width=width).print(uncut(Group(table), width), crop=False)
    return file.getvalue()


@pytest.mark.parametrize("width", [20, 40, ROOMY, 80, 120, 400])
def test_no_character_of_a_word_that_is_too_long_is_left_out(width: int) -> None:
    said = printed(width)
    assert "…" not in said
    assert said.count("x") == 200
    assert all(said.count(character) >= CASE.count(character) for character in set(CASE))


@pytest.mark.parametrize("width", [20, 80, 120])
def test_a_key_is_on_one_line_whatever_its_length(width: int) -> None:
    key = "vienna.local/belvedere+8ce88a58+" + "A" * 44
    table = Table("log", "state", "since", "key", box=None, pad_edge=False)
    table.add_row("belvedere", "signs beside", "2026-01-01 00:00:00", key)
    file = io.StringIO()
    Console(file=file, width=width).print(uncut(table, width), crop=False)
    assert file.getvalue().splitlines()[1].rstrip().endswith(f" {key}")


@pytest.mark.parametrize("width", [ROOMY, 80, 120])
def test_an_id_that_is_typed_again_stays_on_one_line(width: int) -> None:
    assert CASE in printed(width)


def letters(*, width: int) -> list[str]:
    table = Table("letter", "agent", "when (UTC)", "state", "why", box=None, pad_edge=False)
    table.add_row("d" + CASE, "ada", "2026-01-01 00:00:00", "open", "a path with .. leaves the directory it seems to be in")
    table.add_row("d" + CASE, "bartholomew", "2026-01-01 00:00:00", "", "")
    file = io.StringIO()
    Console(file=file, width=width).print(uncut(table, width), crop=False)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_a_row_that_does_not_fit_goes_on_below_itself_and_its_sentence_is_one() -> None:
    assert letters(width=60) == [
        "letter                  agent        when (UTC)",
        "  state",
        "  why",
        "dc99fbbd9f4a982de24031  ada          2026-01-01 00:00:00",
        "  open",
        "  a path with .. leaves the directory it seems to be in",
        "dc99fbbd9f4a982de24031  bartholomew  2026-01-01 00:00:00",
    ]


def test_a_sentence_that_has_room_enough_is_a_column_and_no_other_column_is_squeezed_for_it() -> None:
    assert letters(width=105)[1:3] == [
        "dc99fbbd9f4a982de24031  ada          2026-01-01 00:00:00  open   a path with .. leaves the directory it",
        " " * 65 + "seems to be in",
    ]


@pytest.mark.parametrize("width", [8, 20, 40])
def test_a_terminal_narrower_than_a_column_still_shows_every_letter_of_it(width: int) -> None:
    assert "".join(letters(width=width)).replace(" ", "").count(CASE) == 2
