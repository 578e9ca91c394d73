"""A recorded log, read entry by entry for a command that folds it: from the node, or from a directory, with a progress bar."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ledger.reading import Reader
from vienna_runtime import passphrase
from vienna_runtime.cli.here import Here
from vienna_runtime.client import Vienna
from vienna_runtime.replay import source
from vienna_runtime.replay.world import Entry
from vienna_runtime.secret import Secret

CHUNK = 2_048  # entries between two looks at the progress bar


def together(directory: Path | None, tenant: str | None) -> None:
    """Refuses one of the two options without the other."""
    if (directory is None) != (tenant is None):
        raise click.UsageError("--from DIR and --tenant NAME go together: a node's directory holds the logs of all its tenants")


def size_of(ledger: Reader, directory: Path, tenant: str) -> int:
    """How many entries that tenant has; refuses a name that is no tenant's, as the node's own is."""
    logs = ledger.logs()
    if not tenant or tenant not in logs:
        raise click.UsageError(f"there is no tenant {tenant!r} in {directory}; there are {', '.join(sorted(filter(None, logs))) or 'none'}")
    return logs[tenant].size


def over_directory(here: Here, directory: Path, tenant: str, doing: str, take: Callable[[list[Entry]], None]) -> None:
    """Gives ``take`` the log in chunks, asking for the keystore's passphrase where it has one."""

    def ask() -> Secret:
        return passphrase.read("the keystore", environ=os.environ, prompt=passphrase.terminal_prompt(sys.stdin.isatty()))

    with source.opened(directory, ask) as ledger, _bar(here, size_of(ledger, directory, tenant), doing) as advance:
        chunk: list[Entry] = []
        for entry in source.from_ledger(ledger, tenant):
            chunk.append(entry)
            if len(chunk) == CHUNK:
                _hand_over(chunk, take, advance)
        _hand_over(chunk, take, advance)


async def over_node(here: Here, vienna: Vienna, doing: str, take: Callable[[list[Entry]], None]) -> None:
    """Gives ``take`` the log as far as it goes now, in chunks."""
    size = int((await vienna.call("status"))["entries"])
    with _bar(here, size, doing) as advance:
        chunk: list[Entry] = []
        async for entry in source.from_node(vienna, size):
            chunk.append(entry)
            if len(chunk) == CHUNK:
                _hand_over(chunk, take, advance)
        _hand_over(chunk, take, advance)


def _hand_over(chunk: list[Entry], take: Callable[[list[Entry]], None], advance: Callable[[int], None]) -> None:
    take(chunk)
    advance(len(chunk))
    chunk.clear()


@contextmanager
def _bar(here: Here, size: int, doing: str) -> Iterator[Callable[[int], None]]:
    """A progress bar on the terminal that is gone when the work is; nothing where nobody looks."""
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TextColumn("entries"), TimeRemainingColumn())
    shown = not here.as_json and sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown) as progress:
        task = progress.add_task(doing, total=size)
        yield lambda count: progress.advance(task, count)
