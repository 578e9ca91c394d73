"""``vienna approvals``: what waits for a person, the card in full, and the signed answer."""

from __future__ import annotations

import math
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

import click
import trio
from rich.table import Table
from rich.text import Text

from actors.governance import canonical
from actors.governance.constraints import Constraint
from actors.governance.constraints.parse import parse
from actors.governance.conversation import MOST_QUESTIONS
from actors.governance.finding import Malformed
from actors.governance.ids import SECOND
from vienna_runtime.cli.card import as_json, card_text, reading, refuse_unread
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import AMOUNT, DURATION
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.phrases import counted, lasting, money, until
from vienna_runtime.cli.progress import watching
from vienna_runtime.cli.shown import shown
from vienna_runtime.client import Card, Progress, Refused, Vienna
from vienna_runtime.client.vienna import now
from vienna_runtime.credential import Credential

Vote: TypeAlias = Callable[[Vienna, Card], Awaitable[Progress]]


@click.group(cls=Listing)
def approvals() -> None:
    """What waits for your decision (approvers; admins for changes of a sealed tenant)."""


@approvals.command("list")
@json_option
@pass_here
def list_(here: Here) -> None:
    """The cases you may vote on, soonest deadline first.

    \b
    Example:
      vienna approvals list
    """
    found = here.ask(lambda vienna: vienna.approvals())
    table = Table("case", "tier", "agent", "action", "resource", "purpose", "approved by", "deadline", box=None, pad_edge=False)
    for row in found:
        texts = (row["case"], row["tier"], row["agent"], row["action"], row["resource"], row["purpose"], ", ".join(row["approvals"]))
        table.add_row(*map(shown, texts), until(row["expires_at"], now()))
    here.answer({"cases": found}, table if found else "Nothing waits for you.")


@approvals.command()
@click.argument("case")
@json_option
@pass_here
def show(here: Here, case: str) -> None:
    """The card of CASE: everything an approval signs, and beside it what it does not.

    \b
    Example:
      vienna approvals show c2e56ef79592c87eb5fa5
    """
    card = here.ask(partial(_card, case))
    here.answer(as_json(card), card_text(card))


@approvals.command()
@click.argument("case")
@click.option("--ttl", type=DURATION, help="Let the warrant live no longer than this, as in 5m.")
@click.option("--uses", type=click.IntRange(1), help="Let it be used no more often than this.")
@click.option("--cost-cap", type=AMOUNT, help="Let it cost no more than this, as in 1.50.")
@click.option("--only", multiple=True, metavar="BOUND", help="Bound a parameter that may vary, as in 'amount: range 0.01..5.00'.")
@click.option("--reason", default="", help="Why; it is signed with the rest.")
@click.option("--yes", is_flag=True, help="Do not ask.  You sign what the card shows, read or not.")
@json_option
@pass_here
def approve(
    here: Here, case: str, ttl: int | None, uses: int | None, cost_cap: int | None, only: tuple[str, ...], reason: str, yes: bool
) -> None:
    """Show the card of CASE, ask, and sign the approval of exactly that card.

    \b
    Example:
      vienna approvals approve c2e56ef79592c87eb5fa5 --ttl 5m --uses 1 --cost-cap 1.50 --reason "seen with the customer"
    """
    bounds = _bounds(only)
    narrowing = [f"lives {lasting(ttl)}"] if ttl is not None else []
    narrowing += [counted(uses, "use")] if uses is not None else []
    narrowing += [f"costs at most {money(cost_cap)}"] if cost_cap is not None else []
    narrowing += [f"{name} {bound.words()}" for name, bound in bounds.items()]
    asked = "Approve this card" + (f", narrowed to: {', '.join(narrowing)}" if narrowing else "") + "?"

    def fits(card: Card) -> None:
        """A wider term would be signed and change nothing; whoever typed it believes something else."""
        limits: tuple[tuple[str, int | None, int | None, Callable[[int], str]], ...] = (
            ("--ttl", ttl, card.fields["ttl"], lasting),
            ("--uses", uses, card.fields["uses"], str),
            ("--cost-cap", cost_cap, card.fields["cost_cap"], money),
        )
        for option, given, limit, said in limits:
            if given is not None and limit is not None and given > limit:
                raise click.UsageError(f"{option} can only narrow what the card says, which is {said(limit)}; nothing was signed")
        for name in bounds:
            if name not in card.fields["constraints"]:
                raise click.UsageError(f"--only {name}: the card says exactly what it is; nothing was signed")

    async def vote(vienna: Vienna, card: Card) -> Progress:
        refuse_unread(card)
        return await vienna.approve(card, ttl=ttl, uses=uses, cost_cap=cost_cap, only=bounds, reason=reason)

    _voted(here, case, asked, yes, vote, "approved", fits)


@approvals.command()
@click.argument("case")
@click.option("--reason", required=True, help="Why; it is signed with the rest, and the agent reads it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_here
def deny(here: Here, case: str, reason: str, yes: bool) -> None:
    """Show the card of CASE, ask, and sign the denial.  A denial is final.

    \b
    Example:
      vienna approvals deny c2e56ef79592c87eb5fa5 --reason "the wrong account"
    """

    async def vote(vienna: Vienna, card: Card) -> Progress:
        return await vienna.deny(card, reason=reason)

    _voted(here, case, "Deny this card, for good?", yes, vote, "denied")


@approvals.command()
@click.argument("case")
@click.option("--question", required=True, help="What you want to know; the agent, and everybody who may see the case, reads it.")
@json_option
@pass_here
def ask(here: Here, case: str, question: str) -> None:
    """Ask the agent of CASE something, on the record.  The case's deadline stays what it is.

    \b
    Example:
      vienna approvals ask c2e56ef79592c87eb5fa5 --question "which invoice does this refer to?"
    """
    number = here.ask(lambda vienna: vienna.ask(case, question))
    again = Text.assemble("The answer comes beside the card: vienna approvals show ", shown(case))
    here.answer({"case": case, "number": number}, f"asked, question {number} of at most {MOST_QUESTIONS}", again)


@click.command()
@click.argument("case")
@click.option("--text", required=True, help="The answer; it goes on the record, and an approval signed after it binds it.")
@click.option("--number", type=click.IntRange(1, MOST_QUESTIONS), help="Of the question; left out, the oldest open one.")
@json_option
@pass_here
def answer(here: Here, case: str, text: str, number: int | None) -> None:
    """Answer what an approver asked about CASE, which is yours and waits for approval.

    \b
    Example:
      vienna answer c2e56ef79592c87eb5fa5 --text "invoice 4711, paid twice on 3 March"
    """
    found = here.ask(lambda vienna: vienna.answer(case, text, number=number))
    here.answer({"case": case, "number": found}, f"answered question {found}; the case waits on until its deadline")


def _bounds(texts: tuple[str, ...]) -> dict[str, Constraint]:
    bounds: dict[str, Constraint] = {}
    for text in texts:
        found = parse(text)
        if isinstance(found, Malformed):
            raise click.UsageError(f"--only {text!r}: {found.message}" + (f"; {found.hint}" if found.hint else ""))
        if twice := sorted(bounds.keys() & found.keys()):
            raise click.UsageError(f"--only: {twice[0]} is bounded twice")
        bounds |= found
    return bounds


async def _card(case: str, vienna: Vienna) -> Card:
    try:
        return await vienna.card(case)
    except Refused as error:
        if error.code != "unknown":
            raise
        raise Refused(error.code, f"{error.why}; if it was decided already, `vienna case {case}` says how") from None


def _voted(here: Here, case: str, question: str, yes: bool, vote: Vote, done: str, check: Callable[[Card], None] = lambda _: None) -> None:
    """One connection for looking and one for signing: a person may take an hour over the question between them."""
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask at: look with `vienna approvals show`, then repeat with --yes")
    credential = here.load()
    card = here.ask(partial(_card, case), credential)
    check(card)
    if not here.as_json:
        here.say(card_text(card))
    if done == "approved" and (not yes or reading(card)):
        _read(here, card, credential)
    if not yes:
        click.confirm(question, abort=True, err=True)

    async def signed(vienna: Vienna) -> Progress:
        return await vote(vienna, card)

    progress = here.ask(signed, credential)
    digest = canonical.digest(card.packed)
    became = "was a canary, made up to be denied, and nothing is executed" if progress.outcome == "missed" else f"is {progress.outcome}"
    here.answer(
        {"case": case, "decision": done, "status": progress.outcome, "card": digest},
        Text.assemble(done, ": the case ", shown(case), " ", shown(became), f"; you signed the card {digest.hex()}"),
    )


def _read(here: Here, card: Card, credential: Credential) -> None:
    """Records that the card is on the screen, and waits as long as policy gives people to read it."""
    read_at = here.ask(lambda vienna: vienna.open_card(card.case), credential)
    wanted = min(read_at - now(), reading(card))  # whatever the clocks say, since it is opened by now
    if (left := math.ceil(wanted / SECOND)) <= 0:
        return
    here.say(f"Policy gives this card {lasting(reading(card))} to be read; it can be approved in {left} s.", err=True)
    with watching(here) as watch:
        for second in range(left):
            watch("reading", second, left)
            trio.run(trio.sleep, 1)
