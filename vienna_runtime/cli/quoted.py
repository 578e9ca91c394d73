"""Text of somebody else's on a card: a bar stands before each of its lines, so that none of it can pass for a line of ours."""

from __future__ import annotations

import attrs
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

BAR = "│ "


@attrs.frozen
class Quoted:
    text: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self.text.wrap(console, max(1, options.max_width - len(BAR)), overflow="fold"):
            line.rstrip()
            yield Text.assemble((BAR, "dim"), line)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        inner = Measurement.get(console, options, self.text)
        return Measurement(min(inner.minimum + len(BAR), options.max_width), min(inner.maximum + len(BAR), options.max_width))
