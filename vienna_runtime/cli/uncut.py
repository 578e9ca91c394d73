"""No table that is printed leaves anything out, however narrow the terminal.

Rich cuts a word that is wider than its column and puts an ellipsis there: a case's id could then not be copied, and of a
card something would be signed that nobody saw.  Here such a word goes on in the next line instead.
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table

COPIED = frozenset({"case", "letter"})  # columns of ids that people copy into the next command: kept on one line
ROOMY = 72  # columns; on less, ids are broken too, because a column that may not be broken would be cut


def uncut(shown: RenderableType, width: int) -> RenderableType:
    """The same, its tables set to break what does not fit."""
    match shown:
        case Group():
            for part in shown.renderables:
                uncut(part, width)
        case Table():
            for column in shown.columns:
                column.overflow = "fold"
                column.no_wrap = width >= ROOMY and column.header in COPIED
        case _:
            pass
    return shown
