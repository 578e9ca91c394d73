"""``vienna breaker``: who is shut out, and why."""

from __future__ import annotations

import click
from rich.table import Table

from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.phrases import until
from vienna_runtime.cli.shown import shown
from vienna_runtime.client.vienna import now

_SCOPE = "SCOPE is agent:NAME, action:NAME or tenant; for operators TENANT/SCOPE, or node."


@click.group(cls=Listing)
def breaker() -> None:
    """Shut a scope out at once, and let it in again."""


@breaker.command("list")
@json_option
@pass_here
def list_(here: Here) -> None:
    """The breakers and what tripped them.

    \b
    Example:
      vienna breaker list
    """
    found = here.ask(lambda vienna: vienna.admin.breakers())
    table = Table("scope", "status", "bad / recent", "mismatches", "opens", "why", box=None, pad_edge=False)
    for row in found:
        ratio = f"{row.get('bad', 0)} / {row.get('recent', 0)}"
        opens = (
            "by a person"
            if row["status"] != "closed" and row.get("until") is None
            else until(row["until"], now())
            if row.get("until")
            else ""
        )
        status = shown(row["status"], style="red" if row["status"] != "closed" else "green")
        table.add_row(shown(row["scope"]), status, ratio, str(row.get("mismatches", 0)), opens, shown(row["why"] or ""))
    here.answer({"breakers": found}, table if found else "No breaker has anything to remember.")


@breaker.command(epilog=_SCOPE)
@click.argument("scope")
@click.option("--reason", required=True, help="Why; it stands on the ledger.")
@json_option
@pass_here
def trip(here: Here, scope: str, reason: str) -> None:
    """Shut SCOPE out: no new warrants, those outstanding are worthless, what runs is told to abort.

    \b
    Example:
      vienna breaker trip agent:ada --reason "it repeats itself"
    """
    value = here.ask(lambda vienna: vienna.admin.trip(scope, reason))
    here.answer(value, f"{scope} is shut out. To let it in again: vienna breaker reset {scope} --reason ...")


@breaker.command(epilog=_SCOPE)
@click.argument("scope")
@click.option("--reason", required=True, help="Why; it stands on the ledger.")
@json_option
@pass_here
def reset(here: Here, scope: str, reason: str) -> None:
    """Let SCOPE in again.

    \b
    Example:
      vienna breaker reset agent:ada --reason "fixed in release 12"
    """
    here.answer(here.ask(lambda vienna: vienna.admin.reset(scope, reason)), f"{scope} is let in again.")
