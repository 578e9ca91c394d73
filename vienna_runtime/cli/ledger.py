"""``vienna ledger``: what is done to, or made from, the ledger's files.  Each command lives in a file of its own."""

from __future__ import annotations

import click

from vienna_runtime.cli.main import Lazy

# name: module, attribute, help in the list of commands, as in ``main.COMMANDS``.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "export": ("ledger_export", "export", "Write a log as static files that any tlog-tiles client reads."),
    "mirror": ("ledger_mirror", "mirror", "Keep a copy of the tiles that somebody serves."),
    "proof": ("ledger_proof", "proof", "Write one entry with its proof as a file."),
    "archive": ("ledger_archive", "archive", "Move closed months out of the database."),
}


class _Ledger(Lazy):
    table = COMMANDS


@click.group(cls=_Ledger)
def ledger() -> None:
    """The ledger's files."""
