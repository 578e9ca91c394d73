"""``vienna seat``: an approver's own seat, handed to another for a time."""

from __future__ import annotations

import click
from rich.table import Table

from actors.governance import seat as law
from actors.governance.ids import DAY
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import DURATION
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.phrases import lasting, until
from vienna_runtime.cli.shown import shown
from vienna_runtime.client.vienna import now

DAYS = law.LONGEST // DAY


@click.group(cls=Listing)
def seat() -> None:
    """Hand your seat to another approver while you are away, and take it back."""


@seat.command()
@click.argument("to", metavar="APPROVER")
@click.option("--until", "life", type=DURATION, required=True, help=f"How long from now, as in 3d; {DAYS} days at most.")
@click.option("--reason", required=True, help="Why; it is signed with the rest.")
@json_option
@pass_here
def delegate(here: Here, to: str, life: int, reason: str) -> None:
    """Let APPROVER fill your seats too, signed with your key.

    They still count as one person, your own vote goes before theirs, and in cases in which you may not vote they may not by your
    seat.  You have one seat: handing it on again takes it from whoever had it.

    \b
    Example:
      vienna seat delegate dora --until 3d --reason "on holiday"
    """
    if life > law.LONGEST:
        raise click.UsageError(f"a seat is handed on for {DAYS} days at most: whoever is needed for longer should be given the role")
    here.ask(lambda vienna: vienna.delegate_seat(to, life=life, reason=reason))
    here.answer({"to": to, "life": life}, f"handed on to {to} for {lasting(life)}; to take it back: vienna seat return --reason ...")


@seat.command("return")
@click.option("--whose", metavar="APPROVER", help="Whose seat; left out, your own.  Others' only admins end.")
@click.option("--reason", required=True, help="Why; it stands on the ledger.")
@json_option
@pass_here
def return_(here: Here, whose: str | None, reason: str) -> None:
    """Take your seat back at once.  What was approved by it stays approved.

    \b
    Example:
      vienna seat return --reason "back early"
    """
    here.ask(lambda vienna: vienna.return_seat(reason, whose))
    here.answer({"whose": whose}, "taken back")


@seat.command("list")
@json_option
@pass_here
def list_(here: Here) -> None:
    """The seats that are handed on.

    \b
    Example:
      vienna seat list
    """
    found = here.ask(lambda vienna: vienna.seats())
    table = Table("whose", "person", "held by", "ends", "reason", box=None, pad_edge=False)
    for row in found:
        table.add_row(*map(shown, (row["approver"], row["person"], row["to"])), until(row["until"], now()), shown(row["reason"]))
    here.answer({"seats": found}, table if found else "No seat is handed on.")
