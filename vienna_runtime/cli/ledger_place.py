"""Which ledger, and which log of it, a command is pointed at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from ledger import UnknownLog
from ledger.published import Published, log_in
from vienna_runtime import config

_LEDGER_FILE = "data.mdb"  # LMDB's own name for it


def ledger_in(path: Path) -> Path:
    """The ledger of a node's directory, or the directory itself."""
    if (path / config.FILE).exists():
        return config.load(path, environ={}).ledger
    if not (path / _LEDGER_FILE).exists():
        raise click.UsageError(f"there is no ledger in {path}: name a node's directory, or the ledger's own")
    return path


def named(logs: Mapping[str, Published], name: str) -> Published:
    """The log of that name; wrong usage says which there are."""
    try:
        return log_in(logs, name)
    except UnknownLog as error:
        raise click.UsageError(str(error)) from None
