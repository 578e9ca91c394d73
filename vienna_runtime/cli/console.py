"""Lines for people, on a terminal or into a pipe."""

from __future__ import annotations

import sys

from rich.console import Console, RenderableType
from rich.text import Text

from vienna_runtime.cli.uncut import uncut

PLAIN_WIDTH = 4096  # columns where there is no terminal: whoever reads a pipe wants one line for each row


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """The reader has left; rich would end the process from within, past everything that has to be closed."""
        raise BrokenPipeError


def say(line: RenderableType, *, err: bool) -> None:
    """A ``str`` is this program's own words; text from elsewhere comes as ``shown``."""
    stream = sys.stderr if err else sys.stdout
    console = _Console(file=stream, markup=False, highlight=False, emoji=False, width=None if stream.isatty() else PLAIN_WIDTH)
    if isinstance(line, (str, Text)):
        console.print(Text(line) if isinstance(line, str) else line, soft_wrap=True)
    else:
        console.print(uncut(line, console.width), crop=False)
