"""A table that is wider than the terminal: each row goes on in the next line, its last column, a sentence, in lines of its own.

Rich would squeeze every column instead, and at eighty columns a sentence of twenty words stands there in twenty lines of four
letters.  Columns stay below each other: every row, and the names above them, break at the same places.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

ENOUGH = 36  # columns; a sentence in a column of these is read as it stands, where the others keep their width
_SHORT = 16  # columns; a last column of no more holds no sentence, and stands beside the others
_GAP = "  "
_INDENT = "  "


def flowed(table: Table, width: int) -> Table | Text:
    """The same table where it fits; else its rows, each over several lines."""
    rows = _rows(table)
    if rows is None:
        return table
    widths = [max(cell_len(cell.plain) for cell in column) for column in zip(*rows, strict=True)]
    if sum(widths) + len(_GAP) * (len(widths) - 1) <= width:
        return table
    if width - sum(widths[:-1]) - len(_GAP) * (len(widths) - 1) >= min(ENOUGH, widths[-1]):
        for column in table.columns[:-1]:
            column.no_wrap = True
        return table
    short = widths[-1] <= _SHORT
    lines = _broken(widths if short else widths[:-1], width)
    return Text("\n", overflow="fold").join(
        line for row in rows for line in (*_told(row, lines, widths), *([] if short else _said(row[-1], width)))
    )


def _rows(table: Table) -> list[list[Text]] | None:
    """The names and the cells, where all of them are single lines of text under names."""
    if not table.show_header or table.box is not None or len(table.columns) < 3 or not table.rows:
        return None
    head = [_text(column.header) for column in table.columns]
    columns = [[_text(cell) for cell in column.cells] for column in table.columns]
    for name, column in zip(head, columns, strict=True):
        if name is None or any(cell is None or "\n" in cell.plain for cell in column):
            return None
    bold = [Text(name.plain, style="bold") for name in head if name is not None]
    return [bold, *([cell or Text() for cell in row] for row in zip_longest(*columns))]


def _text(cell: object) -> Text | None:
    return cell if isinstance(cell, Text) else Text(cell) if isinstance(cell, str) else None


def _broken(widths: Sequence[int], width: int) -> list[list[int]]:
    """Which columns stand in which line."""
    lines: list[list[int]] = [[]]
    at = 0
    for number, wide in enumerate(widths):
        if lines[-1] and at + wide > width:
            lines.append([])
            at = len(_INDENT)
        lines[-1].append(number)
        at += wide + len(_GAP)
    return lines


def _told(row: Sequence[Text], lines: Sequence[Sequence[int]], widths: Sequence[int]) -> list[Text]:
    told: list[Text] = []
    for line in lines:
        said = Text(_INDENT if told else "")
        for number in line:
            said.append_text(row[number])
            if number != line[-1]:
                said.append(" " * (widths[number] - cell_len(row[number].plain)) + _GAP)
        if said.plain.strip():
            told.append(said)
    return told


def _said(sentence: Text, width: int) -> list[Text]:
    if not sentence.plain:
        return []
    room = max(1, width - len(_INDENT))
    return [Text(_INDENT).append_text(line) for line in sentence.wrap(Console(width=room), room, overflow="fold")]
