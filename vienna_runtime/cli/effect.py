"""``vienna effect``: a person says what became of a run that nobody reported."""

from __future__ import annotations

import click

from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.shown import shown


@click.group(cls=Listing)
def effect() -> None:
    """Effects whose outcome is unknown block themselves until they are settled."""


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
    said = f"it {'happened' if happened else 'did not happen'}"
    settled = (
        f"{run} is settled: {said}." if value.get("settled") else f"Recorded: {said}. {run} is settled when a second person says the same."
    )
    here.answer(value, shown(settled))
