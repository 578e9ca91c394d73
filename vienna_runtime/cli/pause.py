"""``vienna pause`` and ``vienna resume``: the kill switch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.phrases import clock

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
    _paused(here, _tenant(name), reason, f"vienna resume tenant {name or ''} --reason ...".replace("  ", " "))


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
    _resumed(here, _tenant(name), "the tenant" if name is None else f"the tenant {name}", reason)


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


def _tenant(name: str | None) -> str:
    return "tenant" if name is None else f"{name}/tenant"


def _paused(here: Here, scope: str, reason: str, again: str) -> None:
    value: Mapping[str, Any] = here.ask(lambda vienna: vienna.admin.pause(scope, reason))
    if value.get("repeated"):
        line = f"It is paused already, by {value['by']} since {clock(value['since'])} UTC: {value['reason']}"
    else:
        line = "Paused: nothing is granted or redeemed, the warrants of before are worthless, and what runs is told to abort."
    here.answer(value, line, f"To let it go on: {again}")


def _resumed(here: Here, scope: str, what: str, reason: str) -> None:
    value: Mapping[str, Any] = here.ask(lambda vienna: vienna.admin.resume(scope, reason))
    if not value.get("applied"):
        here.answer(value, f"You answer for what is paused, so two others have to approve: case {value['case']}")
    else:
        here.answer(value, f"{what[0].upper()}{what[1:]} {'was not paused' if value.get('repeated') else 'goes on'}.")
