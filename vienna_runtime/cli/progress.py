"""One line on the terminal that says where long work is; nothing where nobody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from vienna_runtime.cli.here import Here
from vienna_runtime.cli.shown import escape

_EVERY = 0.1  # seconds between two changes of the line: more would cost more than the work

Watch = Callable[[str, int, int], None]  # what, done, of how many


@contextmanager
def watching(here: Here) -> Iterator[Watch]:
    """Gives what to call with each step; the line is gone when the work is."""
    if here.as_json or not sys.stderr.isatty():
        yield _nobody
        return
    shown = 0.0

    def say(what: str, done: int, whole: int) -> None:
        nonlocal shown
        if (now := time.monotonic()) - shown >= _EVERY:
            shown = now
            click.echo(f"\r\x1b[K{escape(what) or 'the node'}: {done} of {whole}", nl=False, err=True)

    try:
        yield say
    finally:
        click.echo("\r\x1b[K", nl=False, err=True)


def _nobody(what: str, done: int, whole: int) -> None:
    """Nobody watches."""
