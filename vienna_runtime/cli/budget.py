"""``vienna budget``: what may still be spent, what was, and the lines of a bundle that say so."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import click
import tomlkit
from rich.table import Table
from rich.text import Text
from tomlkit.exceptions import TOMLKitError

from actors.governance import budget_words, codec
from actors.governance.windows import PERS
from vienna_runtime.cli.exits import BadEnd
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import AMOUNT, DURATION
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.phrases import money, until
from vienna_runtime.cli.shown import shown
from vienna_runtime.client import Vienna
from vienna_runtime.client.vienna import now
from vienna_runtime.spending import TAGS, Ledger, Spending, total

BAR = 20  # characters


@click.group(cls=Listing)
def budget() -> None:
    """Limits on what is spent and how often is acted."""


@budget.command()
@click.option("--agent", help="Only what limits this agent.")
@click.option("--action", help="Only what limits this action.")
@json_option
@pass_here
def show(here: Here, agent: str | None, action: str | None) -> None:
    """What budgets allow, and what of it is spent, promised to warrants that may still be used, or unknown.

    \b
    Example:
      vienna budget show --agent ada
    """
    value = here.ask(lambda vienna: vienna.admin.budgets())
    found = [line for line in value["budgets"] if _concerns(line["scope"], agent, action)]
    table = Table("budget of", "limit", "", "spent", "promised", "unknown", "left", "ends", box=None, pad_edge=False)
    for line in found:
        amount = _cost if line["what"] == "cost" else str
        limit = f"{budget_words.amount(line['what'], line['most'])} a {line['per']}"
        parts = (line["spent"], line["outstanding"], line["unknown"], line["left"])
        table.add_row(
            shown(budget_words.said(line["scope"])), limit, _bar(line["most"] - line["left"], line["most"]), *map(amount, parts),
            until(line["ends"], now()),
        )  # fmt: skip
    here.answer({"budgets": found, "zone": value["zone"]}, table if found else "No budget limits that: the bundle in force has none.")


def _concerns(scope: str, agent: str | None, action: str | None) -> bool:
    words = scope.split()
    return (agent is None or f"agent:{agent}" in words) and (action is None or f"action:{action}" in words)


def _cost(micros: int) -> str:
    return money(micros)


def _bar(part: int, whole: int) -> Text:
    filled = 0 if whole == 0 else min(BAR, -(-part * BAR // whole))
    style = "red" if part >= whole else "yellow" if part * 100 >= whole * 80 else "green"
    return Text.assemble(("█" * filled, style), ("░" * (BAR - filled), "dim"))


@budget.command()
@click.option("--by", type=click.Choice(["agent", "action", "day"]), default="agent", show_default=True, help="What a line is of.")
@click.option("--since", type=DURATION, help="Only what was redeemed within this time, as in 7d.")
@click.option("--csv", "file", type=click.Path(path_type=Path, dir_okay=False), help="Also write the lines into this file.")
@json_option
@pass_here
def report(here: Here, by: str, since: int | None, file: Path | None) -> None:
    """What was done and what it cost, from the ledger itself.

    \b
    Example:
      vienna budget report --by action --since 30d --csv costs.csv
    """
    found = here.ask(_read).lines(by, 0 if since is None else now() - since)
    if file is not None:
        _write(file, by, found)
    dearest = max((line.cost for line in found), default=0)
    table = Table(by, "runs", "cost", "", "unknown", "unknown at worst", box=None, pad_edge=False)
    for line in (*found, total(found)):
        drawn = _plot(line.cost, dearest) if line.name != "total" else Text()
        table.add_row(shown(line.name), str(line.runs), money(line.cost), drawn, str(line.unknown), money(line.unknown_cost))
    value: dict[str, Any] = {"by": by, "lines": [attrs.asdict(line) for line in found], "total": attrs.asdict(total(found))}
    here.answer(value, table if found else "Nothing was redeemed in that time.", *([f"written to {file}"] if file else []))


async def _read(vienna: Vienna) -> Ledger:
    """Every entry is verified on the way; those that do not matter come as hashes."""
    ledger = Ledger()
    async with vienna.verified_tail(0, follow=False, tags=TAGS) as entries:
        async for entry in entries:
            if entry.body is not None and entry.header.tag in codec.EVENTS:
                ledger.take(codec.decode(entry.header.tag, entry.body), entry.header.time)
    return ledger


def _plot(cost: int, dearest: int) -> Text:
    return Text("█" * (0 if dearest == 0 else -(-cost * BAR // dearest)), style="cyan")


def _write(file: Path, by: str, lines: list[Spending]) -> None:
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow([by, "runs", "cost", "unknown", "unknown_at_worst"])
        for line in lines:
            name = f"'{line.name}" if line.name[:1] in "=+-@\t\r" else line.name  # no spreadsheet takes a name for a formula
            writer.writerow([name, line.runs, money(line.cost), line.unknown, money(line.unknown_cost)])


@budget.command("set")
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("scope")
@click.option("--cost", type=AMOUNT, help="At most this cost in that time, as in 500.00.")
@click.option("--count", type=click.IntRange(0), help="At most so many uses in that time.")
@click.option("--per", type=click.Choice(PERS), required=True, help="In which time, by the tenant's clock.")
@json_option
@pass_here
def set_(here: Here, directory: Path, scope: str, cost: int | None, count: int | None, per: str) -> None:
    """Write a budget into the bundle in DIRECTORY; push and activate it to put it in force.

    SCOPE is tenant, each_agent, agent:NAME, action:NAME or each_agent_action:NAME.  Everything else in the file, comments too,
    stays as it is.

    \b
    Example:
      vienna budget set ./policy agent:ada --cost 500 --per day
    """
    if (cost is None) == (count is None):
        raise click.UsageError("say one of --cost and --count")
    kind, _, name = scope.partition(":")
    named = kind in ("agent", "action", "each_agent_action")
    if (kind not in ("tenant", "each_agent") and not named) or named != bool(name):
        raise click.UsageError("SCOPE is tenant, each_agent, agent:NAME, action:NAME or each_agent_action:NAME")
    path = directory / "bundle.toml"
    try:
        document = tomlkit.parse(path.read_text())
    except (OSError, TOMLKitError) as error:
        raise BadEnd(f"{path} cannot be read, nothing was changed: {error}") from None
    key = f"{'cost' if cost is not None else 'count'}_per_{per}"
    value: str | int = money(cost) if cost is not None else count or 0
    table: Any = document
    for step in ("budgets", kind, *([name] if named else [])):
        if step not in table:
            table[step] = tomlkit.table(is_super_table=step == "budgets" or (named and step == kind))
        table = table[step]
        if not isinstance(table, Mapping):
            raise BadEnd(f"{path} has something else than a table where {step} should be, nothing was changed")
    before = table.get(key)
    table[key] = value
    path.write_text(tomlkit.dumps(document))
    was = "" if before is None else f", it was {before}"
    here.answer(
        {"scope": scope, "key": key, "value": value, "before": before},
        f"{path}: {scope} has {key} = {value!r} now{was}.",
        f"Look at it with: vienna policy check {directory}",
    )
