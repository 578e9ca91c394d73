"""No table that is printed leaves anything out, however narrow the terminal.

Rich cuts a word that is wider than its column and puts an ellipsis there: a case's id could then not be copied, and of a
card something would be signed that nobody saw.  Here such a word goes on in the next line instead.  A key is too long for
that, and people copy it: its line runs past the edge, where the terminal wraps it without breaking it.  A list whose rows do not
fit is told row by row.
"""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table

from vienna_runtime.cli.flowed import flowed

COPIED = frozenset({"case", "letter"})  # columns of ids that people copy into the next command: kept on one line
WHOLE = frozenset({"key"})  # columns of texts for other programs, longer than an id: for them the line goes past the terminal's edge
ROOMY = 72  # columns; on less, ids are broken too, because a column that may not be broken would be cut
WIDEST = 4096  # columns; no row has more


def uncut(shown: RenderableType, width: int) -> RenderableType:
    """The same, its tables set to break what does not fit."""
    match shown:
        case Group():
            return Group(*(uncut(part, width) for part in shown.renderables))
        case Table():
            if any(str(column.header) in WHOLE for column in shown.columns):
                width = shown.width = Console(width=WIDEST).measure(shown).maximum
            elif (rows := flowed(shown, width)) is not shown:
                return rows
            for column in shown.columns:
                column.overflow = "fold"
                column.no_wrap = column.no_wrap or (width >= ROOMY and str(column.header) in COPIED)
        case _:
            pass
    return shown
