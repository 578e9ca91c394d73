"""``vienna case``: the lineage of a case, from intent to verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from actors.governance import approval, canonical, intent, receipt, warrant
from vienna_runtime.cli import changes, steps
from vienna_runtime.cli.card import bounds
from vienna_runtime.cli.case_tree import drawn
from vienna_runtime.cli.hanging import Hanging
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.observed import observed
from vienna_runtime.cli.phrases import clock, counted, lasting, money, outcome_style
from vienna_runtime.cli.shown import escape, shown, value_text
from vienna_runtime.client import Step, Vienna
from vienna_runtime.client.lineage import Tree, whole_tree

_INDENT = " " * 10


@click.command()
@click.argument("name", metavar="CASE")
@click.option("--tree", "only_tree", is_flag=True, help="Only the tree: the cases it comes from, and those that came of them.")
@json_option
@pass_here
def case(here: Here, name: str, only_tree: bool) -> None:
    """CASE from intent to verdict, each step with its place (#) on the ledger; above them the tree of cases it belongs to.

    \b
    Example:
      vienna case c2e56ef79592c87eb5fa5
      vienna case c2e56ef79592c87eb5fa5 --tree
    """

    async def both(vienna: Vienna) -> tuple[dict[str, Any], Tree]:
        value = {} if only_tree else await vienna.case(name)
        return value, await whole_tree(vienna, name)

    value, tree = here.ask(both)
    if only_tree:
        here.answer(tree.as_json(), drawn(tree))
    elif tree.alone:
        here.answer({**value, "tree": tree.as_json()}, lineage(value))
    else:
        here.answer({**value, "tree": tree.as_json()}, drawn(tree), "", lineage(value))


def lineage(value: Mapping[str, Any]) -> RenderableType:
    """The steps in their order, what each says below it, and the outcome."""
    lines: list[RenderableType] = []
    for entry in value["entries"]:
        step = Step.of(entry)
        lines.append(Hanging(steps.line(step, instead="(removed)" if entry.get("removed") else "")))
        if entry.get("removed"):
            continue
        lines += [Hanging(Text.assemble(_INDENT, (f"{name:<14s} ", "dim"), text)) for name, text in _details(step)]
    outcome = escape(str(value["outcome"]))
    lines.append(Text.assemble("case ", shown(value["case"]), ": ", (outcome, f"bold {outcome_style(outcome)}")))
    return Group(*lines)


def _details(step: Step) -> Iterator[tuple[str, Text]]:
    body = step.body
    try:
        match step.tag:
            case "intent.proposed/1":
                yield from _intent(intent.unpack(body["intent"]))
            case "case.decided/1":
                yield "bundle", Text(body["bundle"].hex())
            case "approval.given/1" | "approval.denied/1":
                yield from _vote(approval.unverified_unpack(body["statement"]))
            case "warrant.issued/1":
                yield from _warrant(warrant.unverified_unpack(body["fields"]))
            case "run.reported/1" | "run.reported_late/1":
                yield from _receipt(receipt.unverified_unpack(body["receipt"]))
            case "run.verified/1" | "run.attested/1" | "effect.probed/1":
                for name, expected, observed, agrees in body["checks"]:
                    said = f"{name}: {observed}" if agrees else f"{name}: expected {expected}, observed {observed}"
                    yield "agrees" if agrees else "DIFFERS", shown(said, style="" if agrees else "red")
            case _:
                pass
    except canonical.NotCanonical as error:
        yield "unreadable", Text(str(error), style="red")


def _intent(wish: intent.Intent) -> Iterator[tuple[str, Text]]:
    yield "purpose", shown(wish.purpose)
    if changes.is_change(wish):
        for event in changes.changes_of(wish):
            yield "to record", Text(event.TAG)
            for name, value in changes.fields_of(event).items():
                yield "", shown(f"{name} = {value}")
    else:
        for name, param in wish.params.items():
            yield "param", shown(f"{name} = {value_text(param)}")
    if wish.cost:
        yield "expected cost", Text(money(wish.cost))
    if wish.parent is not None:
        yield "parent", shown(wish.parent)
    if wish.deadline is not None:
        yield "deadline", Text(f"{clock(wish.deadline)} UTC")


def _vote(statement: approval.Statement) -> Iterator[tuple[str, Text]]:
    yield "card", Text(statement.card.hex())
    if statement.narrowing:
        yield "narrowed to", shown(", ".join(_term(name, value) for name, value in statement.narrowing.items()))
    if statement.reason:
        yield "reason", shown(statement.reason)


def _term(name: str, value: object) -> str:
    match name, value:
        case "ttl", int(life):
            return f"lives {lasting(life)}"
        case "cost_cap", int(cap):
            return f"costs at most {money(cap)}"
        case "uses", int(uses):
            return counted(uses, "use")
        case "params", Mapping():
            return ", ".join(f"{param} {bound}" for param, bound in bounds(value))
        case _:
            return f"{name} {value_text(value)}"


def _warrant(terms: warrant.Warrant) -> Iterator[tuple[str, Text]]:
    yield "covers", shown(f"{terms.action} {terms.resource} {value_text(terms.params)}")
    yield "valid", Text(f"{clock(terms.not_before)} to {clock(terms.expires_at)} UTC ({lasting(terms.expires_at - terms.not_before)})")
    yield "approved by", shown(", ".join(terms.approvals) or "nobody was needed")
    if terms.envelopes:
        yield "in advance by", shown(", ".join(terms.envelopes))
    if terms.cost_cap is not None:
        yield "cost cap", Text(money(terms.cost_cap))
    if terms.verify:
        yield "to be observed", shown(observed(terms.verify))


def _receipt(told: receipt.Receipt) -> Iterator[tuple[str, Text]]:
    yield "took", Text(lasting(max(0, told.ended - told.started)))
    yield "did", shown(f"{told.action} {told.resource}, arguments {told.args_digest.hex()[:16]}…")
    yield "result", Text(told.result_digest.hex())
    for name, value in told.evidence.items():
        yield "evidence", shown(f"{name} = {value_text(value)}")
