"""One line of a log on a terminal: what does not fit goes on below, indented and between words, so that ids can be copied."""

from __future__ import annotations

import attrs
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

INDENT = 14  # columns: past the time of day, so that the times of the entries stand alone at the margin
ROOM = 40  # columns: the longest id has 33; below this nothing is gained by an indent


@attrs.frozen
class Hanging:
    """A text that is one line in a pipe, and on a terminal as many as it takes."""

    text: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        indent = INDENT if options.max_width >= INDENT + ROOM else 0
        if not console.is_terminal:
            yield Text.assemble(self.text, no_wrap=True, overflow="ignore")
            return
        first, *others = self.text.wrap(console, options.max_width, overflow="fold")
        yield first
        if others:
            for line in _unpadded(self.text[len(first.plain) :]).wrap(console, options.max_width - indent, overflow="fold"):
                yield Text.assemble(" " * indent, line)


def _unpadded(text: Text) -> Text:
    """Without the blanks at which the line before it ended."""
    blanks = len(text.plain) - len(text.plain.lstrip(" "))
    return text[blanks:]
