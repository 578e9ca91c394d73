"""``vienna breaker list|show|trip|reset``: who is shut out, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from actors.governance.budget_words import amount
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.phrases import clock, until
from vienna_runtime.cli.shown import shown
from vienna_runtime.client.vienna import now

_SCOPE = "SCOPE is agent:NAME, action:NAME, both as in 'agent:NAME action:NAME', or tenant; for operators TENANT/SCOPE, or node."


@click.command("list")
@json_option
@pass_here
def list_(here: Here) -> None:
    """The breakers and what tripped them.

    \b
    Example:
      vienna breaker list
    """
    found = here.ask(lambda vienna: vienna.admin.breakers())
    table = Table("scope", "status", "detector", "bad / recent", "mismatches", "epoch", "opens", "why", box=None, pad_edge=False)
    for row in found:
        ratio = f"{row.get('bad', 0)} / {row.get('recent', 0)}"
        status = shown(row["status"], style="red" if row["status"] != "closed" else "green")
        detector, wrong, epoch = shown(row.get("detector") or ""), str(row.get("mismatches", 0)), str(row.get("epoch", ""))
        table.add_row(shown(row["scope"]), status, detector, ratio, wrong, epoch, _opens(row), shown(row["why"] or ""))
    shut = any(row["status"] != "closed" for row in found)
    do = ("Its numbers:        vienna breaker show 'SCOPE'", "To let it in again: vienna breaker reset 'SCOPE' --reason ...")
    here.answer({"breakers": found}, table if found else "No breaker has tripped.", *(do if shut else ()))


def _opens(row: dict[str, Any]) -> str:
    """When, and by whom, a shut scope is let in again."""
    if row["status"] == "closed":
        return ""
    if row["status"] == "probing":
        return "if its probe ends well"
    if row.get("until"):
        return until(row["until"], now())
    if not row.get("takes_two"):
        return "by a person"
    return f"by a second person: {row['votes'][0]['person']} has said so" if row["votes"] else "by two persons"


@click.command(epilog=_SCOPE)
@click.argument("scope")
@json_option
@pass_here
def show(here: Here, scope: str) -> None:
    """One scope: what tripped it and when, who may let it in again, and what each detector counts of it now.

    \b
    Example:
      vienna breaker show agent:ada
    """
    found = here.ask(lambda vienna: vienna.admin.breaker(scope))
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, text in _told(found):
        table.add_row(name, text)
    counted = Table("detector", "now", "limit", "what", box=None, pad_edge=False)
    for row in found["detectors"]:
        counted.add_row(shown(row["detector"]), *_figures(row), shown(row["what"]))
    nothing = "No detector of the bundle in force looks at this scope."
    here.answer(found, table, "", counted if found["detectors"] else nothing)


def _told(found: dict[str, Any]) -> Iterator[tuple[str, Text]]:
    yield "scope", shown(found["scope"])
    yield "status", shown(found["status"], style="red" if found["status"] != "closed" else "green")
    yield "epoch", shown(str(found["epoch"]))
    if found["tripped"]:
        yield "last tripped", shown(f"{clock(found['tripped'])}{' by ' + found['by'] if found['by'] else ''}")
    if found["status"] != "closed":
        yield "detector", shown(found["detector"] or "none: by hand")
        yield "why", shown(found["why"])
        yield "opens", shown(_opens(found))
    if found["probe"]:
        yield "probe", shown(found["probe"])
    for vote in found["votes"]:
        yield "may be reset, says", shown(f"{vote['person']} ({vote['by']}): {vote['reason']}")
    if found["forgiven"]:
        yield "last reset", shown(clock(found["forgiven"]))


def _figures(row: dict[str, Any]) -> tuple[str, str]:
    if row["detector"] == "spend":
        return amount("cost", row["count"]), amount("cost", row["limit"])
    return str(row["count"]), str(row["limit"])


@click.command(epilog=_SCOPE)
@click.argument("scope")
@click.option("--reason", required=True, help="Why; it stands on the ledger.")
@json_option
@pass_here
def trip(here: Here, scope: str, reason: str) -> None:
    """Shut SCOPE out: no new warrants, those outstanding are worthless, what runs is told to abort.

    \b
    Example:
      vienna breaker trip agent:ada --reason "it repeats itself"
    """
    value = here.ask(lambda vienna: vienna.admin.trip(scope, reason))
    here.answer(value, shown(f"{scope} is shut out. To let it in again: vienna breaker reset '{scope}' --reason ..."))


@click.command(epilog=_SCOPE)
@click.argument("scope")
@click.option("--reason", required=True, help="Why; it stands on the ledger.")
@json_option
@pass_here
def reset(here: Here, scope: str, reason: str) -> None:
    """Let SCOPE in again.  What a mismatch opened takes two persons, each by this command, once the tenant is sealed.

    \b
    Example:
      vienna breaker reset agent:ada --reason "fixed in release 12"
    """
    value = here.ask(lambda vienna: vienna.admin.reset(scope, reason))
    second = f"Your word is recorded. It was a mismatch, so a second person has to say so, too: vienna breaker reset '{scope}' --reason ..."
    here.answer(value, f"{scope} is let in again." if value.get("closed", True) else second)
