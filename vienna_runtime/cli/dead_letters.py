"""``vienna dead-letters``: what did not end well waits here until somebody has looked."""

from __future__ import annotations

import click
from rich.table import Table

from vienna_runtime.cli.case import lineage
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.phrases import clock
from vienna_runtime.cli.shown import shown


@click.group("dead-letters")
def dead_letters() -> None:
    """Denied, expired, failed, unknown, mismatched: nothing is dropped in silence."""


@dead_letters.command("list")
@click.option("--before", type=int, help="Continue an earlier list from here.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@click.option("--all", "everything", is_flag=True, help="Also those that were resolved.")
@json_option
@pass_here
def list_(here: Here, before: int | None, limit: int, everything: bool) -> None:
    """Dead letters, newest first.

    \b
    Example:
      vienna dead-letters list
    """
    found = here.ask(lambda vienna: vienna.admin.letters(before=before, limit=limit))
    letters = [row for row in found["letters"] if everything or not row["resolved"]]
    table = Table("letter", "case", "kind", "when (UTC)", "state", "why", box=None, pad_edge=False)
    for row in letters:
        state = "resolved" if row["resolved"] else "open"
        table.add_row(shown(row["letter"]), shown(row["case"]), shown(row["kind"]), clock(row["time"]), state, shown(row["why"]))
    more = [] if found["next"] is None else [f"older ones: vienna dead-letters list --before {found['next']}"]
    here.answer({"letters": letters, "next": found["next"]}, table if letters else "None are open.", *more)


@dead_letters.command()
@click.argument("letter")
@json_option
@pass_here
def show(here: Here, letter: str) -> None:
    """LETTER with the whole lineage of its case.

    \b
    Example:
      vienna dead-letters show d81c0a...
    """
    value = here.ask(lambda vienna: vienna.admin.letter(letter))
    head = shown(f"{letter}: {value['kind']}: {value['why']} ({'resolved' if value['resolved'] else 'open'})", style="bold")
    here.answer(value, head, lineage(value))


@dead_letters.command()
@click.argument("letter")
@click.option("--key", help="Idempotency key, to repeat this after an unknown outcome.")
@json_option
@pass_here
def retry(here: Here, letter: str, key: str | None) -> None:
    """Propose the case of LETTER again, as its child.

    \b
    Example:
      vienna dead-letters retry d81c0a...
    """
    value = here.ask(lambda vienna: vienna.admin.retry(letter, key=key))
    here.answer(value, shown(f"proposed again as case {value['case']}: {value.get('status', 'proposed')}"))


@dead_letters.command()
@click.argument("letter")
@click.option("--reason", required=True, help="Why nothing more is to be done; it stands on the ledger.")
@json_option
@pass_here
def resolve(here: Here, letter: str, reason: str) -> None:
    """Close LETTER.

    \b
    Example:
      vienna dead-letters resolve d81c0a... --reason "settled with the customer"
    """
    here.answer(here.ask(lambda vienna: vienna.admin.resolve(letter, reason)), shown(f"{letter} is closed."))
