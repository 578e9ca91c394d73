"""``vienna review``: how well people look at what they approve."""

from __future__ import annotations

import click
from rich.table import Table

from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.shown import shown


@click.group(cls=Listing)
def review() -> None:
    """How well people look at what they approve (admins, auditors)."""


@review.command()
@json_option
@pass_here
def stats(here: Here) -> None:
    """For each person what they decided, how soon after opening the card, and what came of what they approved.

    \b
    Example:
      vienna review stats
    """
    found = here.ask(lambda vienna: vienna.readers())
    table = Table(box=None, pad_edge=False)
    for name in ("person", "approved", "denied", "in advance", "failed", "mismatched"):
        table.add_column(name, justify="left" if name == "person" else "right")
    table.add_column("decided how soon after opening the card")
    for row in found:
        numbers = [shown(str(row[name])) for name in ("approved", "denied", "in_advance", "failed", "mismatched")]
        took = [f"{count} {name}" for name, count in row["took"].items() if count]
        took += [f"{row['unopened']} without"] if row["unopened"] else []
        table.add_row(shown(row["person"]), *numbers, shown(", ".join(took) or "-"))
    here.answer({"persons": found}, table if found else "Nobody has decided anything yet.")
