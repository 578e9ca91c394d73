"""``vienna warrant``: takes a warrant back."""

from __future__ import annotations

import click

from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.shown import shown


@click.group(cls=Listing)
def warrant() -> None:
    """Warrants that are out."""


@warrant.command()
@click.argument("name", metavar="WARRANT")
@click.option("--reason", required=True, help="Why; it stands on the ledger.")
@json_option
@pass_here
def revoke(here: Here, name: str, reason: str) -> None:
    """Make WARRANT worthless; its id stands in the case (`vienna case`).

    \b
    Example:
      vienna warrant revoke w41d09c... --reason "no longer wanted"
    """
    here.answer(here.ask(lambda vienna: vienna.admin.revoke_warrant(name, reason)), shown(f"{name} is worthless."))
