"""``vienna review``: how well people look at what they approve."""

from __future__ import annotations

import click
from rich.table import Table
from rich.text import Text

from actors.governance.canonical import Value
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import AMOUNT, DURATION, PARAM
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.shown import shown
from vienna_runtime.client.vienna import now


@click.group(cls=Listing)
def review() -> None:
    """How well people look at what they approve (admins, auditors)."""


@review.command()
@json_option
@pass_here
def stats(here: Here) -> None:
    """For each person what they decided, how soon after opening the card, and what came of what they approved.

    Caught and missed are canaries that they denied and approved: vienna review canary.

    \b
    Example:
      vienna review stats
    """
    found = here.ask(lambda vienna: vienna.readers())
    table = Table(box=None, pad_edge=False)
    for name in ("person", "approved", "denied", "in advance", "failed", "mismatched", "caught", "missed"):
        table.add_column(name, justify="left" if name == "person" else "right")
    table.add_column("decided how soon after opening the card")
    for row in found:
        numbers = [shown(str(row[name])) for name in ("approved", "denied", "in_advance", "failed", "mismatched", "caught", "missed")]
        took = [f"{count} {name}" for name, count in row["took"].items() if count]
        took += [f"{row['unopened']} without"] if row["unopened"] else []
        table.add_row(shown(row["person"]), *numbers, shown(", ".join(took) or "-"))
    here.answer({"persons": found}, table if found else "Nobody has decided anything yet.")


@review.command()
@click.option("--agent", required=True, help="In whose name it is proposed.")
@click.option("--action", required=True, help="An action of the bundle in force, at T1 or T2.")
@click.option("--resource", required=True)
@click.option("-p", "--param", "params", type=PARAM, multiple=True, help="name=text, or name:=json (12.50 is an exact decimal).")
@click.option("--purpose", required=True, help="What an agent would say it is for; approvers read it.")
@click.option("--reason", required=True, help="Why you try it; kept in memory until it ends, and recorded then.")
@click.option("--cost", type=AMOUNT, default="0", help="What the agent would expect it to cost.")
@click.option("--deadline", type=DURATION, help="Give up after this long, as in 2h.")
@json_option
@pass_here
def canary(
    here: Here,
    agent: str,
    action: str,
    resource: str,
    params: tuple[tuple[str, Value], ...],
    purpose: str,
    reason: str,
    cost: int,
    deadline: int | None,
) -> None:
    """Propose, in an agent's name, what whoever looks has to deny (admins).

    Approvers cannot tell it from a real case, and it is never executed. Whoever approves it is counted in vienna review stats.
    It is refused, and nothing is recorded, where nobody would have to look at it.

    \b
    Example:
      vienna review canary --agent ada --action payments.refund --resource order/1 -p amount:=9000.00 \\
        --purpose "refund all of it" --reason "do we read amounts?"
    """
    if len(dict(params)) != len(params):
        raise click.UsageError("a parameter is named twice")
    until = None if deadline is None else now() + deadline
    given = dict(params)
    found = here.ask(
        lambda vienna: vienna.admin.canary(agent, action, resource, given, purpose=purpose, reason=reason, cost=cost, deadline=until)
    )
    said = Text.assemble("case ", shown(found["case"]), " waits for people: a canary, and only you know it.  Keep the number to yourself.")
    here.answer({"case": found["case"], "status": found["status"], "tier": found["tier"]}, said)
