"""The card of a held case on the screen: everything that an approval signs, and beside it what it does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import attrs
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from actors.governance import canonical, constraints, review
from actors.governance.budget_words import amount
from actors.governance.budget_words import said as budget_scope
from actors.governance.intent import Intent
from vienna_runtime.cli import changes
from vienna_runtime.cli.looks import doubts
from vienna_runtime.cli.observed import observed
from vienna_runtime.cli.phrases import clock, counted, lasting, money, until
from vienna_runtime.cli.quoted import Quoted
from vienna_runtime.cli.shown import escape, shown, value_text
from vienna_runtime.client import Card
from vienna_runtime.client.vienna import now
from vienna_runtime.errors import VerificationError

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
        ("verified by", whole(observed(fields["verify"]) if fields["verify"] else "the receipt alone")),
        ("warrant lives", Text(lasting(fields["ttl"]) or "-")),
        ("uses", Text(str(fields["uses"]))),
        *(("may also be", whole(f"{name}: {words}")) for name, words in bounds(fields["constraints"])),
        ("cost cap", Text(money(fields["cost_cap"]))),
        ("target state", Text(value_text(fields["state_digest"]))),
        ("while founding", Text("yes" if fields["founding"] else "no")),
        *_looked_at(fields["review"]),
        *_facts(fields["facts"]),
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


def _looked_at(said: Mapping[str, Any]) -> list[tuple[str, RenderableType]]:
    """How policy wants people to look at it; what this program does not know of is shown as it stands."""
    found: list[tuple[str, RenderableType]] = []
    if barred := sorted(review.barred(said)):
        found.append(("cannot approve", whole(f"{', '.join(barred)}: the policy's authors")))
    if review.second(said):
        found.append(("second reader", Text("drawn: two persons read this one")))
    if review.reading(said):
        found.append(("to be read for", Text(lasting(review.reading(said)))))
    for stage, persons, within in review.then(said):
        who = f"{stage}, at least {counted(persons, 'person')}" if persons > 1 else stage
        found.append(("if nobody does", whole(f"{who}, within {lasting(within)}")))
    strange = {name: value for name, value in said.items() if name not in ("barred", "second", "reading", "then")}
    return found + ([("review", whole(value_text(strange)))] if strange else [])


def _facts(facts: Mapping[str, Any]) -> list[tuple[str, RenderableType]]:
    """What the node froze when people were asked: of the catalogue, of the budgets, of the agent."""
    rest = dict(facts)
    undone, failing, left = rest.pop("reversible", ""), rest.pop("on_failure", ""), rest.pop("left", [])
    found: list[tuple[str, RenderableType]] = []
    if undone or failing:
        found.append(("can be undone", whole(_words(undone) or "nobody has said")))
        found.append(("if it fails", whole(_words(failing) or "nobody has said")))
    for line in left if isinstance(left, list) else [left]:
        match line:
            case [str(scope), str(what), str(per), int(remains), int(most)]:
                of = f"{amount(what, remains)} of {amount(what, most)} a {per}"
                found.append(("budget leaves", whole(f"{of}, of {budget_scope(scope)}")))
            case _:
                found.append(("budget leaves", whole(value_text(line))))
    return [*found, ("the agent's record", whole(_record(rest)))]


def _record(facts: Mapping[str, Any]) -> str:
    match facts:
        case {"recent_runs": runs, "recent_good": good, "mismatches": wrong, "other_open_cases": others, "breaker": breaker} if (
            len(facts) == 5
        ):
            ended = f"{value_text(good)} of {counted(runs, 'recent run')} ended well"
            return f"{ended}, {counted(wrong, 'mismatch', 'mismatches')}, {counted(others, 'other open case')}, breaker {breaker}"
        case _:
            return value_text(facts)


def _words(value: object) -> str:
    return value if isinstance(value, str) else value_text(value)


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
    match value:
        case int() if name == "expires_at":
            return Text(f"{clock(value)} UTC")
        case bool():
            return Text("yes" if value else "no")
        case [] | ():
            return Text("none yet")
        case str():
            return whole(value)
        case _:
            return whole(value_text(value))


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


def as_json(card: Card) -> dict[str, object]:
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


def reading(card: Card) -> int:
    """How long policy wants this card to be read, in µs."""
    return review.reading(card.fields["review"])
