"""``vienna reconcile``: where the ledger, the executors and the world say different things.  Some commands have files of their own."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click
from rich.console import Console, RenderableType
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from vienna_runtime.cli.exits import BadEnd
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.main import Lazy
from vienna_runtime.cli.phrases import clock, counted
from vienna_runtime.cli.shown import shown

STYLES = {"critical": "bold red", "warning": "yellow", "notice": "cyan"}


class _Reconcile(Lazy):
    """Its small commands are here; those that read evidence are imported when they are asked for."""

    table: Mapping[str, tuple[str, str, str]] = {
        "list": ("reconcile", "list_", "The findings that are open."),
        "show": ("reconcile", "show", "One finding: what was expected, what was observed."),
        "resolve": ("reconcile", "resolve", "Close a finding with a reason."),
        "import": ("reconcile_evidence", "import_", "Compare a provider's records with the log."),
        "git": ("reconcile_evidence", "git_", "Compare a repository's refs with the log."),
        "directory": ("reconcile_evidence", "directory_", "Compare a directory's files with the log."),
        "access-log": ("reconcile_evidence", "access_log_", "Compare an access log with the log."),
        "run": ("reconcile", "run", "Compare the state with the ledger now."),
    }


@click.group(cls=_Reconcile)
def reconcile() -> None:
    """Effects without a warrant, warrants without an effect, lost receipts: what does not agree is a finding."""


@click.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that were resolved, newest first.")
@click.option("--before", type=int, help="With --all: continue an earlier list from here.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@json_option
@pass_here
def list_(here: Here, everything: bool, before: int | None, limit: int) -> None:
    """Findings, the gravest first.

    \b
    Example:
      vienna reconcile list
    """
    value = here.ask(lambda vienna: vienna.admin.findings(everything=everything, before=before, limit=limit))
    table = Table("finding", "severity", "kind", "since (UTC)", "about", *(["state"] if everything else []), box=None, pad_edge=False)
    for row in value["findings"]:
        state = [shown("resolved" if row["resolved"] else "open")] if everything else []
        grave = shown(row["severity"], style=STYLES.get(row["severity"], ""))
        table.add_row(shown(row["finding"]), grave, shown(row["kind"]), clock(row["since"]), shown(row["about"]), *state)
    more = [] if value["next"] is None else [f"older ones: vienna reconcile list --all --before {value['next']}"]
    if any(not row.get("resolved") for row in value["findings"]):
        more.append("Both accounts of one: vienna reconcile show FINDING")
        more.append("To close it:          vienna reconcile resolve FINDING --reason ...")
    if value.get("more"):
        more.append("More were found than are remembered: resolve some of these, then compare again.")
    here.answer(value, table if value["findings"] else "None are open.", *more)


@click.command()
@click.argument("finding")
@json_option
@pass_here
def show(here: Here, finding: str) -> None:
    """FINDING with both accounts.

    \b
    Example:
      vienna reconcile show f81c0a...
    """
    value = here.ask(lambda vienna: vienna.admin.finding(finding))
    here.answer(value, *_accounts(value))


def _accounts(value: Mapping[str, Any]) -> list[RenderableType]:
    table = Table("", "", box=None, show_header=False, pad_edge=False)
    for name in ("about", "expected", "observed", "source", "by"):
        table.add_row(name, shown(value[name]))
    end = value["end"]
    table.add_row("state", shown("open" if end is None else f"resolved by {end['by']}: {end['reason']}"))
    return [shown(f"{value['severity']}: {value['what']}", style=STYLES.get(value["severity"], "")), table]


@click.command()
@click.argument("finding")
@click.option("--reason", required=True, help="What it was, and what was done about it; it stands on the ledger.")
@json_option
@pass_here
def resolve(here: Here, finding: str, reason: str) -> None:
    """Close FINDING.

    \b
    Example:
      vienna reconcile resolve f81c0a... --reason "our own backup wrote it; moved out of the root"
    """
    here.answer(here.ask(lambda vienna: vienna.admin.resolve_finding(finding, reason)), shown(f"{finding} is closed."))


@click.command()
@json_option
@pass_here
def run(here: Here) -> None:
    """Fold the ledger anew and compare it with the state in memory, and reservations with warrants.

    The node does so by itself on its schedule; this waits for one comparison more.  Exit 1 where something differs.

    \b
    Example:
      vienna reconcile run
    """
    columns = (SpinnerColumn(), TextColumn("the node folds its ledger"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=here.as_json or not sys.stderr.isatty()) as progress:
        progress.add_task("folding")
        value = here.ask(lambda vienna: vienna.admin.reconcile())
    agrees = value["state"] and not value["reservations"]
    said = f"{counted(value['size'], 'entry', 'entries')} folded in {value['milliseconds'] / 1000:.1f} s: "
    here.answer(value, said + ("everything agrees." if agrees else "it does not agree."))
    if not agrees:
        raise BadEnd("the state differs from the ledger" if not value["state"] else f"{value['reservations']} reservations differ")
