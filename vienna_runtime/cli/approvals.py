"""``vienna approvals``: what waits for a person, the card in full, and the signed answer."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

import attrs
import click
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from actors.governance import canonical, constraints
from actors.governance.conversation import MOST_QUESTIONS
from actors.governance.intent import Intent
from vienna_runtime.cli import changes
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import AMOUNT, DURATION
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.looks import doubts
from vienna_runtime.cli.phrases import clock, counted, lasting, money, until
from vienna_runtime.cli.quoted import Quoted
from vienna_runtime.cli.shown import escape, shown, value_text
from vienna_runtime.client import Card, Progress, Refused, Vienna
from vienna_runtime.client.vienna import now
from vienna_runtime.errors import VerificationError

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
    here.answer(_as_json(card), card_text(card))


@approvals.command()
@click.argument("case")
@click.option("--ttl", type=DURATION, help="Let the warrant live no longer than this, as in 5m.")
@click.option("--uses", type=click.IntRange(1), help="Let it be used no more often than this.")
@click.option("--cost-cap", type=AMOUNT, help="Let it cost no more than this, as in 1.50.")
@click.option("--reason", default="", help="Why; it is signed with the rest.")
@click.option("--yes", is_flag=True, help="Do not ask.  You sign what the card shows, read or not.")
@json_option
@pass_here
def approve(here: Here, case: str, ttl: int | None, uses: int | None, cost_cap: int | None, reason: str, yes: bool) -> None:
    """Show the card of CASE, ask, and sign the approval of exactly that card.

    \b
    Example:
      vienna approvals approve c2e56ef79592c87eb5fa5 --ttl 5m --uses 1 --cost-cap 1.50 --reason "seen with the customer"
    """
    narrowing = [f"lives {lasting(ttl)}"] if ttl is not None else []
    narrowing += [counted(uses, "use")] if uses is not None else []
    narrowing += [f"costs at most {money(cost_cap)}"] if cost_cap is not None else []
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

    async def vote(vienna: Vienna, card: Card) -> Progress:
        refuse_unread(card)
        return await vienna.approve(card, ttl=ttl, uses=uses, cost_cap=cost_cap, reason=reason)

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
    if not yes:
        click.confirm(question, abort=True, err=True)

    async def signed(vienna: Vienna) -> Progress:
        return await vote(vienna, card)

    progress = here.ask(signed, credential)
    digest = canonical.digest(card.packed)
    here.answer(
        {"case": case, "decision": done, "status": progress.outcome, "card": digest},
        Text.assemble(done, ": the case ", shown(case), f" is {progress.outcome}; you signed the card {digest.hex()}"),
    )


whole = partial(shown, cut=False)  # on a card


def card_text(card: Card) -> RenderableType:
    """The whole card.  Nothing of it is left out: what is signed and not shown would be signed unread."""
    fields, wish = card.fields, card.intent
    rows: list[tuple[str, RenderableType]] = [
        ("case", whole(card.case)),
        ("agent", whole(fields["agent"])),
        ("action", whole(wish.action, style="bold")),
        ("resource", Quoted(whole(wish.resource, style="bold"))),
    ]
    after: list[tuple[str, RenderableType]] = [
        ("purpose", Quoted(whole(wish.purpose))),
        ("expected cost", Text(money(wish.cost))),
        ("parent case", whole(wish.parent or "none")),
        ("agent's deadline", Text("none" if wish.deadline is None else f"{clock(wish.deadline)} UTC")),
        ("agent saw state", Text(value_text(wish.state_digest))),
        ("tier", whole(fields["tier"], style="bold")),
        ("quorum", whole(fields["quorum"])),
        ("decided by", whole(", ".join(fields["policies"]) or "none")),
        ("because", whole(fields["why"] or "none")),
        ("bundle", Text(fields["bundle"].hex())),
        ("executor", whole(fields["executor"] or "none: a change of the tenant itself")),
        ("verified by", whole(value_text(fields["verify"]) if fields["verify"] else "the receipt alone")),
        ("warrant lives", Text(lasting(fields["ttl"]) or "-")),
        ("uses", Text(str(fields["uses"]))),
        *(("may also be", whole(f"{name}: {words}")) for name, words in bounds(fields["constraints"])),
        ("cost cap", Text(money(fields["cost_cap"]))),
        ("target state", Text(value_text(fields["state_digest"]))),
        ("while founding", Text("yes" if fields["founding"] else "no")),
        ("the agent's record", whole(value_text(fields["facts"]))),
        ("waits until", Text(f"{clock(fields['expires_at'])} UTC, {until(fields['expires_at'], now())}")),
    ]
    top, bottom = (Table("", "", box=None, show_header=False, pad_edge=False) for _ in range(2))
    for table, lines in ((top, rows), (bottom, after)):
        for name, text in lines:
            table.add_row(Text(name, style="dim"), text)
    beside = Table("", "", box=None, show_header=False, pad_edge=False)
    for name, value in card.beside.items():
        beside.add_row(Text.assemble("  ", whole(name)), _told(name, value))
    signed = Text.assemble(("SIGNED by your answer", "bold"), f", as the card with the digest\n{canonical.digest(card.packed).hex()}")
    parts: list[RenderableType] = [signed, *_look_twice(card), top, *(_changes(wish) if changes.is_change(wish) else _params(wish)), bottom]
    parts += _conversation(card)
    return Group(*parts, Text("NOT SIGNED, told by the node beside the card", style="bold"), beside)


def bounds(forms: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What each use may be instead of what was proposed, in words; a form that cannot be read is shown as it stands."""
    try:
        return [(name, constraint.words()) for name, constraint in constraints.read(forms).items()]
    except canonical.NotCanonical:
        return [("constraints", value_text(forms))]


def _look_twice(card: Card) -> list[RenderableType]:
    """What of the agent's words may be meant to look like something else.  Before them, where it is read first."""
    wish = card.intent
    texts = [
        ("the action", wish.action),
        ("the resource", wish.resource),
        ("the purpose", wish.purpose),
        ("the agent's name", card.fields["agent"]),
    ]
    for name, value in () if changes.is_change(wish) else wish.params.items():
        texts += [(f"the name of the parameter {escape(name)}", name), *((f"the parameter {escape(name)}", text) for text in _texts(value))]
    texts += [(f"the answer to question {part.number}", part.answer) for part in card.said]
    found = [f"{what} {doubt}" for what, text in texts for doubt in doubts(text)]
    return [Text.assemble(("LOOK TWICE: ", "bold red"), escape(one)) for one in found]


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for name, item in value.items():
                yield from (name, *_texts(item))
        case list() | tuple():
            for item in value:
                yield from _texts(item)
        case _:
            return


def _conversation(card: Card) -> list[RenderableType]:
    if not card.said:
        return []
    table = Table("", "", box=None, show_header=False, pad_edge=False)
    for part in card.said:
        table.add_row(Text(f"  {part.number} asked"), whole(f"{part.person} ({part.approver}): {part.question}"))
        table.add_row(Text("    answered", style="dim"), Quoted(whole(part.answer)) if part.answer else Text("not yet", style="yellow"))
    return [Text("ASKED AND ANSWERED; an approval signs this too, as far as it is shown here", style="bold"), table]


def _told(name: str, value: object) -> Text:
    return Text(f"{clock(value)} UTC") if name == "expires_at" and isinstance(value, int) else whole(value_text(value))


def _params(wish: Intent) -> list[RenderableType]:
    table = Table("", "", box=None, show_header=False, pad_edge=False)
    for name, value in wish.params.items():
        table.add_row(Text.assemble("  ", whole(name)), Quoted(whole(value_text(value))))
    return [Text("params", style="dim"), table if wish.params else Text("  none")]


def _changes(wish: Intent) -> list[RenderableType]:
    """A change of the tenant itself: what would be recorded, field by field."""
    parts: list[RenderableType] = [Text("a change of the tenant itself; once approved, this is recorded:")]
    try:
        for event in changes.changes_of(wish):
            table = Table("", "", box=None, show_header=False, pad_edge=False)
            for name, value in changes.fields_of(event).items():
                table.add_row(Text(f"    {name}", style="dim"), whole(value))
            parts += [Text(f"  {event.TAG}", style="bold"), table]
    except canonical.NotCanonical as error:
        parts.append(Text(f"  what it changes cannot be read by this program ({error}); it signs no approval of it", style="bold red"))
    return parts


def refuse_unread(card: Card) -> None:
    """Nobody approves what could not be shown to them."""
    if changes.is_change(card.intent):
        try:
            changes.changes_of(card.intent)
        except canonical.NotCanonical as error:
            raise VerificationError(f"what the card of {card.case} changes cannot be read, so it is not signed: {error}") from None


def _as_json(card: Card) -> dict[str, object]:
    wish = card.intent
    intent = {"action": wish.action, "resource": wish.resource, "params": wish.params, "purpose": wish.purpose, "cost": wish.cost}
    intent |= {"state_digest": wish.state_digest, "parent": wish.parent, "deadline": wish.deadline}
    found: dict[str, object] = {
        "case": card.case,
        "signed": {**card.fields, "intent": intent},
        "said": [attrs.asdict(part) for part in card.said],
        "not_signed": card.beside,
    }
    found |= {"card": card.packed, "digest": canonical.digest(card.packed)}
    if changes.is_change(wish):
        try:
            found["changes"] = changes.as_json(wish)
        except canonical.NotCanonical:
            found["changes"] = None  # and no approval of it is signed
    return found
