"""``vienna alert``: what somebody should hear of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from actors.governance.alert_kinds import CRITICAL, INFO, KINDS, SEVERITIES, WARNING
from vienna_runtime.cli.exits import BadEnd
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.phrases import clock
from vienna_runtime.cli.shown import shown
from vienna_runtime.client import Vienna

_STYLES = {INFO: "", WARNING: "yellow", CRITICAL: "red"}

LEAST = click.option("--severity", type=click.Choice(SEVERITIES), default=INFO, show_default=True, help="The least that is shown.")


@click.group(cls=Listing)
def alert() -> None:
    """What somebody should hear of: of your tenant, or as an operator of the node."""


@alert.command("list")
@LEAST
@click.option("--open", "unheard", is_flag=True, help="Only what nobody has acknowledged.")
@json_option
@pass_here
def list_(here: Here, severity: str, unheard: bool) -> None:
    """The alerts that are remembered, newest first; what happened again within its window is counted.

    \b
    Example:
      vienna alert list --open --severity warning
    """
    found = [row for row in here.ask(lambda vienna: vienna.admin.alerts()) if _enough(row, severity)]
    found = [row for row in found if not (unheard and row["acknowledged"])]
    table = Table("alert", "when (UTC)", "severity", "kind", "about", "times", "heard by", "what", box=None, pad_edge=False)
    for row in found:
        times = row["count"] + row["repeated"]
        table.add_row(
            str(row["alert"]), clock(row["time"]), _severity(row), shown(row["kind"]), shown(row["about"]), str(times),
            shown(row["acknowledged"]), shown(row["text"]),
        )  # fmt: skip
    waiting = any(not row["acknowledged"] for row in found)
    do = ["What to do about one: vienna alert show NUMBER", "That you have it:      vienna alert ack NUMBER --note ..."] if waiting else []
    here.answer({"alerts": found}, table if found else "There is nothing that somebody should hear of.", *do)


@alert.command()
@click.argument("number", type=click.IntRange(0))
@json_option
@pass_here
def show(here: Here, number: int) -> None:
    """One alert, what its kind means and what to do.

    \b
    Example:
      vienna alert show 81
    """
    row = here.ask(lambda vienna: _one(vienna, number))
    if row is None:
        raise BadEnd(f"there is no alert {number} for you: vienna alert list")
    kind = KINDS.get(row["kind"])
    table = Table("", "", box=None, show_header=False, pad_edge=False)
    for name in ("alert", "kind", "severity", "about", "case", "text", "count", "repeated", "acknowledged", "note"):
        if (value := row.get(name)) not in (None, ""):
            table.add_row(name, shown(str(value)))
    table.add_row("raised", f"{clock(row['time'])} UTC")
    table.add_row("means", "" if kind is None else kind.means)
    table.add_row("do", "" if kind is None else kind.do)
    if kind is not None:
        table.add_row("runbook", f"docs/operations.md#{kind.runbook}")
    if row["case"]:
        table.add_row("see", shown(f"vienna case {row['case']}"))
    if not row.get("acknowledged"):
        table.add_row("then", f"vienna alert ack {number} --note ...")
    here.answer({**row, "means": kind and kind.means, "do": kind and kind.do}, table)


@alert.command()
@click.argument("number", type=click.IntRange(0))
@click.option("--note", required=True, help="What you do about it; it stands on the ledger.")
@json_option
@pass_here
def ack(here: Here, number: int, note: str) -> None:
    """Say that you have heard of an alert, so that nobody else need be woken.

    \b
    Example:
      vienna alert ack 81 --note "I look at the target"
    """
    value = here.ask(lambda vienna: vienna.admin.acknowledge(number, note))
    here.answer(value, shown(f"{value['by']} has it already: {value['note']}" if value.get("repeated") else "It is yours."))


@alert.command()
@LEAST
@click.option("--from", "start", type=click.IntRange(0), help="From this entry of the log on.  Default: from now on.")
@click.option("--no-follow", is_flag=True, help="End with what there is.")
@json_option
@pass_here
def tail(here: Here, severity: str, start: int | None, no_follow: bool) -> None:
    """Alerts as they become durable, a line each; with --json an object each, whose `alert` + 1 is where to go on.

    \b
    Example:
      vienna alert tail --from 0 --no-follow
    """

    async def follow(vienna: Vienna) -> None:
        async with vienna.alerts(start, follow=not no_follow) as items:
            async for item in items:
                if _enough(item, severity):
                    _line(here, item)

    here.ask(follow)


async def _one(vienna: Vienna, number: int) -> dict[str, Any] | None:
    """From those that are remembered, else from the log itself."""
    for row in await vienna.admin.alerts():
        if row["alert"] == number:
            return dict(row)
    async with vienna.alerts(number, follow=False) as items:
        async for item in items:
            return item if item["alert"] == number else None
    return None


def _enough(row: Mapping[str, Any], severity: str) -> bool:
    return row["severity"] not in SEVERITIES or SEVERITIES.index(row["severity"]) >= SEVERITIES.index(severity)


def _severity(row: Mapping[str, Any]) -> Text:
    return shown(row["severity"], style=_STYLES.get(row["severity"], ""))


def _line(here: Here, item: Mapping[str, Any]) -> None:
    if here.as_json:
        here.json_line(item)
        return
    case = f" ({item['case']})" if item["case"] else ""
    times = f" ({item['count']} times)" if item["count"] > 1 else ""
    said = shown(f" {item['kind']}: {item['text']}{case}{times}")
    here.say(Text.assemble(f"{item['alert']} {clock(item['time'])} UTC ", _severity(item), said))
