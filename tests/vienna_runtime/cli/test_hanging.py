"""A line of the log on terminals of every width, and in a pipe."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.text import Text

from vienna_runtime.cli.hanging import INDENT, Hanging

RUN, CASE = "r86ad93cdfb9f9cc494ba7e2f23bab19b", "c929fe44d6d9ea8389bfc"
LINE = f"21:43:44.144  #89     run.reported         lamplighter  run {RUN}: succeeded, cost 0  {CASE}"


def printed(width: int, *, terminal: bool = True, line: str = LINE) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width, force_terminal=terminal, color_system=None).print(Hanging(Text(line)), crop=False)
    return [part.rstrip() for part in file.getvalue().splitlines()]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_ids_stay_whole_and_what_follows_is_indented(width: int) -> None:
    first, *others = printed(width)
    assert first.startswith("21:43:44.144")
    assert others
    assert all(part.startswith(" " * INDENT) and len(part) <= width for part in others)
    assert any(RUN in part for part in (first, *others))
    assert any(CASE in part for part in (first, *others))


@pytest.mark.parametrize("width", [20, 53, 80, 400])
def test_no_character_is_lost(width: int) -> None:
    assert "".join("".join(printed(width)).split()) == "".join(LINE.split())


def test_a_line_in_a_pipe_is_one_line_however_long() -> None:
    assert printed(80, terminal=False, line=LINE * 100) == [LINE * 100]
