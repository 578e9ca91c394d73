"""``vienna effect``: a person says what became of a run that nobody reported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from rich.table import Table

from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.phrases import clock
from vienna_runtime.cli.shown import shown


@click.group(cls=Listing)
def effect() -> None:
    """Effects whose outcome is unknown block themselves until they are settled."""


@effect.command("list")
@json_option
@pass_here
def list_(here: Here) -> None:
    """The effects that are blocked because nobody knows whether they happened, oldest first.

    \b
    Example:
      vienna effect list
    """
    found = here.ask(lambda vienna: vienna.admin.unsettled())
    table = Table("run", "case", "agent", "action", "resource", "since (UTC)", "what is said", "takes", box=None, pad_edge=False)
    for row in found:
        texts = (row["run"], row["case"], row["agent"], row["action"], row["resource"])
        table.add_row(*map(shown, texts), clock(row["since"]), shown(said(row)), "two persons" if row["takes_two"] else "an admin")
    here.answer({"effects": found}, table if found else "Nothing is blocked: every outcome is known.")


def said(row: Mapping[str, Any]) -> str:
    """What executor, verifiers and persons have said of an effect so far, none of which has settled it."""
    late = [f"{row['executor']} reported late: {row['late']}"] if row["late"] else []
    people = [f"{one['person']}: {one['found'].replace('_', ' ')}" for one in (*row["seen"], *row["vouched"])]
    return "; ".join([*late, *people]) or ("nothing yet; its probe is asked" if row["probe"] else "nothing yet")


@effect.command()
@click.argument("run")
@click.option("--happened/--did-not", "happened", default=None, help="Whether the effect is there, as you saw for yourself.")
@click.option("--reason", required=True, help="How you know; it stands on the ledger.")
@json_option
@pass_here
def settle(here: Here, run: str, happened: bool | None, reason: str) -> None:
    """Say whether the effect of RUN happened.  Look at the target first: this unblocks it.

    An admin says so; of what two had to approve (T2, in a sealed tenant) two persons, admins or approvers, neither behind its agent.
    A probe of the catalogue settles what verifiers can see themselves.

    \b
    Example:
      vienna effect settle r17 --did-not --reason "the provider has no such refund"
    """
    if happened is None:
        raise click.UsageError("say which: --happened or --did-not")
    value = here.ask(lambda vienna: vienna.admin.settle(run, happened=happened, reason=reason))
    word = f"it {'happened' if happened else 'did not happen'}"
    settled = (
        f"{run} is settled: {word}." if value.get("settled") else f"Recorded: {word}. {run} is settled when a second person says the same."
    )
    here.answer(value, shown(settled))
