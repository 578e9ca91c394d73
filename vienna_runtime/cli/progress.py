"""One line on the terminal that says how far a long work has come; nothing where nobody looks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from vienna_runtime.cli.here import Here
from vienna_runtime.cli.shown import escape

EVERY = 0.1  # s between two writings of the line: more would cost more than the work

Watch = Callable[[str, int, int], None]  # what, done, of how many


class Line:
    """Told what is done now, how much of it, and of how much (0 where that is not known)."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown and sys.stderr.isatty()
        self._next = 0.0

    def __call__(self, what: str, done: int, whole: int) -> None:
        if self._shown and time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY
            far = f" {min(100, done * 100 // whole)} %" if whole else f" {done}" if done else ""
            click.echo(f"\r\x1b[K{escape(what)}{far}", nl=False, err=True)

    def clear(self) -> None:
        """The line is over."""
        if self._shown:
            click.echo("\r\x1b[K", nl=False, err=True)


@contextmanager
def watching(here: Here) -> Iterator[Watch]:
    """Gives what to call with each step; the line is gone when the work is."""
    line = Line(shown=not here.as_json)
    try:
        yield lambda what, done, whole: line(what or "the node", done, whole)
    finally:
        line.clear()
