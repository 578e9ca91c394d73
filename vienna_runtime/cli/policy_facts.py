"""``vienna policy facts``: what a policy would see right now."""

from __future__ import annotations

from typing import Any

import click
from rich.table import Table
from rich.text import Text

from actors.governance.canonical import Value
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import PARAM
from vienna_runtime.cli.shown import shown

_SAID_BY = {"agent": "--agent", "action": "--action", "resource": "--resource", "parent": "--parent"}


@click.command()
@click.option("--agent", help="Whose wish it would be.")
@click.option("--action", help="Only the facts that policies of this action read.")
@click.option("--resource", help="On what.")
@click.option("-p", "--param", "params", type=PARAM, multiple=True, help="name=text, or name:=json (12.50 is an exact decimal).")
@click.option("--parent", help="The case that it would belong to.")
@json_option
@pass_here
def facts(
    here: Here, agent: str | None, action: str | None, resource: str | None, params: tuple[tuple[str, Value], ...], parent: str | None
) -> None:
    """Show what policies of the bundle in force would see right now beside such a wish; nothing is proposed.

    \b
    Example:
      vienna policy facts --agent ada --action payments.refund -p customer=franz
    """
    said = dict(params)
    found = here.ask(lambda vienna: vienna.admin.facts(agent=agent, action=action, resource=resource, params=said, parent=parent))
    rows = found["facts"]
    table = Table("fact", "now", "what it is", "read by", box=None, pad_edge=False)
    for row in rows:
        table.add_row(shown(row["fact"]), _now(row), shown(row["is"]), shown(", ".join(row["read_by"]) or "no policy"))
    here.answer(found, table if rows else _nothing(found["bundle"], action))


def _now(row: dict[str, Any]) -> Text:
    if row["needs"]:
        options = [_SAID_BY.get(need, f"-p {need.removeprefix('params.')}=...") for need in row["needs"]]
        return shown(f"say {' '.join(options)}", style="dim")
    if row["unavailable"]:
        return shown(f"not available, and denies: {row['unavailable']}", style="red")
    value = row["value"]
    return shown(("yes" if value else "no") if isinstance(value, bool) else str(value), style="bold")


def _nothing(bundle: bytes | None, action: str | None) -> Text:
    if bundle is None:
        return Text("No bundle is in force: nothing is permitted. Push one with: vienna policy push DIRECTORY --activate")
    return Text("The bundle in force declares no facts.") if action is None else shown(f"No policy of {action} reads a fact.")
