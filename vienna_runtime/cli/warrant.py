"""``vienna warrant``: what is out, a further use of it, taking it back, and handing it on in a file."""

from __future__ import annotations

import click
from rich.table import Table
from rich.text import Text

from actors.governance.canonical import Value
from vienna_runtime.cli import warrant_files
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import DIGEST, PARAM
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.phrases import clock
from vienna_runtime.cli.shown import shown
from vienna_runtime.client.vienna import new_key


@click.group(cls=Listing)
def warrant() -> None:
    """Warrants that are out."""


for command in warrant_files.COMMANDS:
    warrant.add_command(command)


@warrant.command("list")
@click.option("--agent", help="Only those of this agent.")
@click.option("--bundle", type=DIGEST, help="Only those granted under this bundle.")
@click.option("--after", help="Continue an earlier list from here.")
@click.option("--limit", type=click.IntRange(1, 200), default=100, show_default=True)
@json_option
@pass_here
def list_(here: Here, agent: str | None, bundle: bytes | None, after: str | None, limit: int) -> None:
    """Live warrants, oldest first: for people all, for agents and executors their own.

    \b
    Example:
      vienna warrant list --agent ada
    """
    fields = {name: value for name, value in (("scope", _scope(agent, bundle)), ("after", after)) if value is not None}
    found = here.ask(lambda vienna: vienna.call("warrant.list", limit=limit, **fields))
    table = Table("warrant", "agent", "executor", "action", "resource", "uses left", "until (UTC)", "state", box=None, pad_edge=False)
    for row in found["warrants"]:
        wide = " (wide)" if row["constraints"] else ""
        table.add_row(
            shown(row["warrant"]), shown(row["agent"]), shown(row["executor"]), shown(f"{row['action']}{wide}"), shown(row["resource"]),
            f"{row['uses_left']} of {row['uses']}", clock(row["expires_at"]), shown(row["worthless"] or "live"),
        )  # fmt: skip
    more = [] if not found["more"] else [Text.assemble("more: vienna warrant list --after ", shown(found["warrants"][-1]["warrant"]))]
    here.answer(found, table if found["warrants"] else "None are live.", *more)


@warrant.command()
@click.argument("name", metavar="WARRANT")
@click.option("-p", "--param", "params", type=PARAM, multiple=True, help="name=text, or name:=json; others stay as proposed.")
@click.option("--key", help="Idempotency key: the same key asks once.  Made for you if left out.")
@json_option
@pass_here
def use(here: Here, name: str, params: tuple[tuple[str, Value], ...], key: str | None) -> None:
    """Have WARRANT used once more, with other parameters where its constraints allow them; the executor carries it out.

    \b
    Example:
      vienna warrant use w41d09c... -p path=drafts/second.md
    """
    chosen = key or new_key()

    async def ask(vienna: object) -> dict[str, object]:
        changed = dict(params)
        fields: dict[str, object] = {}
        if changed:
            known = warrant_files.terms(await vienna.call("warrant.show", warrant=name))  # type: ignore[attr-defined]  # a Vienna
            fields["params"] = {**known.params, **changed}
        return await vienna.call("warrant.use", key=chosen, warrant=name, **fields)  # type: ignore[attr-defined,no-any-return]  # likewise

    value = here.ask(ask)
    here.answer(
        {**value, "key": chosen}, Text.assemble(f"use {value['use']} is asked for; see it: vienna case ", shown(str(value["case"])))
    )


@warrant.command()
@click.argument("name", metavar="WARRANT", required=False)
@click.option("--agent", help="Instead of one: all live warrants of this agent.")
@click.option("--bundle", type=DIGEST, help="Instead of one: all live warrants granted under this bundle.")
@click.option("--reason", required=True, help="Why; it stands on the ledger.")
@json_option
@pass_here
def revoke(here: Here, name: str | None, agent: str | None, bundle: bytes | None, reason: str) -> None:
    """Make WARRANT worthless, or all of an agent, or all under a bundle: at once, by one entry.

    \b
    Examples:
      vienna warrant revoke w41d09c... --reason "no longer wanted"
      vienna warrant revoke --agent ada --reason "its key was on a lost disk"
    """
    if (name is None) + (agent is None) + (bundle is None) != 2:
        raise click.UsageError("name one WARRANT, or --agent, or --bundle")
    if name is not None:
        one = name
        here.answer(here.ask(lambda vienna: vienna.admin.revoke_warrant(one, reason)), shown(f"{name} is worthless."))
        return
    scope = _scope(agent, bundle)
    value = here.ask(lambda vienna: vienna.call("warrants.revoke", scope=scope, reason=reason))
    here.answer(value, shown(f"{value['warrants']} warrant{'s are' if value['warrants'] != 1 else ' is'} worthless from now on ({scope})."))


def _scope(agent: str | None, bundle: bytes | None) -> str | None:
    if agent is not None and bundle is not None:
        raise click.UsageError("name --agent or --bundle, and one of the two only")
    return f"agent:{agent}" if agent is not None else f"bundle:{bundle.hex()}" if bundle is not None else None
