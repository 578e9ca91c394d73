"""``vienna pause`` and ``vienna resume``: the kill switch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from rich.table import Table

from actors.governance import kinds
from actors.governance.pauses import BREAKER, OPERATORS
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.phrases import clock
from vienna_runtime.cli.shown import shown
from vienna_runtime.credential import Credential

REASON = click.option("--reason", required=True, help="Why; it stands on the ledger.")


@click.group(cls=Listing)
def pause() -> None:
    """Stop an agent, a tenant or the whole node at once, until somebody resumes it."""


@click.group(cls=Listing)
def resume() -> None:
    """Let go on what was paused."""


@pause.command("agent")
@click.argument("name")
@REASON
@json_option
@pass_here
def pause_agent(here: Here, name: str, reason: str) -> None:
    """Stop the agent NAME (admins): its warrants are worthless, and what it runs is aborted.

    \b
    Example:
      vienna pause agent ada --reason "it deletes what it should archive"
    """
    _paused(here, f"agent:{name}", reason, f"vienna resume agent {name} --reason ...")


@pause.command("tenant")
@click.argument("name", required=False)
@REASON
@json_option
@pass_here
def pause_tenant(here: Here, name: str | None, reason: str) -> None:
    """Stop every agent of your tenant (admins), or the tenant NAME as a whole (operators).

    \b
    Example:
      vienna pause tenant --reason "we do not know which agent it is"
    """
    held = here.load()
    again = f"vienna resume tenant {name or ''} --reason ...".replace("  ", " ")
    _paused(here, _tenant(held, name), reason, again, held)


@pause.command("node")
@REASON
@json_option
@pass_here
def pause_node(here: Here, reason: str) -> None:
    """Stop every tenant of the node (operators).

    \b
    Example:
      vienna --credential operator.vienna pause node --reason "an executor host is compromised"
    """
    _paused(here, "node", reason, "vienna resume node --reason ...")


@pause.command("list")
@json_option
@pass_here
def list_(here: Here) -> None:
    """What is stopped at present: by whom, since when, why, and who lets it go on.

    \b
    Example:
      vienna pause list
      vienna --credential node/operator.vienna pause list
    """
    value: Mapping[str, Any] = here.ask(lambda vienna: vienna.status())
    found = [*value["pauses"], *({**stop, "tenant": row["tenant"]} for row in value.get("tenants", ()) for stop in row["pauses"])]
    table = Table("what", "by", "since (UTC)", "why", "to let it go on", box=None, pad_edge=False)
    for stop in found:
        who = stop["by"] if stop["person"] in ("", stop["by"]) else f"{stop['by']} ({stop['person']})"
        what = f"tenant {stop['tenant']}" if "tenant" in stop else stop["scope"].replace(":", " ")
        table.add_row(shown(what), shown(who), clock(stop["since"]), shown(stop["reason"]), shown(_lifted(stop)))
    here.answer({"pauses": found}, table if found else "Nothing is paused.")


def _lifted(stop: Mapping[str, Any]) -> str:
    if stop["side"] == BREAKER:
        return "an operator: vienna breaker reset node --reason ..."
    if stop["side"] == OPERATORS:
        what = "node" if stop["scope"] == "node" else f"tenant {stop.get('tenant', 'NAME')}"
        return f"an operator: vienna resume {what} --reason ..."
    return f"an admin: vienna resume {stop['scope'].replace(':', ' ')} --reason ..."


@resume.command("agent")
@click.argument("name")
@REASON
@json_option
@pass_here
def resume_agent(here: Here, name: str, reason: str) -> None:
    """Let the agent NAME go on; what it held before stays worthless.

    Once the tenant is sealed, whoever answers for the agent needs two others who approve.

    \b
    Example:
      vienna resume agent ada --reason "fixed in release 12"
    """
    _resumed(here, f"agent:{name}", f"the agent {name}", reason)


@resume.command("tenant")
@click.argument("name", required=False)
@REASON
@json_option
@pass_here
def resume_tenant(here: Here, name: str | None, reason: str) -> None:
    """Let your tenant go on (admins), or the tenant NAME (operators): each what they paused themselves.

    \b
    Example:
      vienna resume tenant --reason "it was ben, who is paused alone now"
    """
    held = here.load()
    _resumed(here, _tenant(held, name), "the tenant" if name is None else f"the tenant {name}", reason, held)


@resume.command("node")
@REASON
@json_option
@pass_here
def resume_node(here: Here, reason: str) -> None:
    """Let the node go on (operators).

    \b
    Example:
      vienna --credential operator.vienna resume node --reason "the host is replaced"
    """
    _resumed(here, "node", "the node", reason)


def _tenant(held: Credential, name: str | None) -> str:
    """Operators name one; members have one."""
    if held.role == kinds.OPERATOR:
        if name is None:
            raise click.UsageError("which tenant? an operator names it: vienna pause tenant NAME")
        return f"{name}/tenant"
    if name not in (None, held.tenant):
        raise click.UsageError(f"{held.principal} is a member of {held.tenant}; another tenant is its own people's, or an operator's")
    return "tenant"


def _paused(here: Here, scope: str, reason: str, again: str, held: Credential | None = None) -> None:
    value: Mapping[str, Any] = here.ask(lambda vienna: vienna.admin.pause(scope, reason), held)
    if value.get("repeated"):
        line = f"It is paused already, by {value['by']} since {clock(value['since'])} UTC: {value['reason']}"
    else:
        line = "Paused: nothing is granted or redeemed, the warrants of before are worthless, and what runs is told to abort."
    here.answer(value, line, f"To let it go on: {again}")


def _resumed(here: Here, scope: str, what: str, reason: str, held: Credential | None = None) -> None:
    value: Mapping[str, Any] = here.ask(lambda vienna: vienna.admin.resume(scope, reason), held)
    if not value.get("applied"):
        here.answer(value, f"You answer for what is paused, so two others have to approve: case {value['case']}")
    else:
        here.answer(value, f"{what[0].upper()}{what[1:]} {'was not paused' if value.get('repeated') else 'goes on'}.")
