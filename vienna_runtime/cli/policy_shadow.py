"""``vienna policy shadow``: a candidate beside the bundle in force, which decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from actors.governance import bundle as bundles
from actors.governance.bundle import Findings
from actors.governance.flip import MEANING
from vienna_runtime.cli.exits import BadEnd
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import DIGEST
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.phrases import clock, counted
from vienna_runtime.cli.policy_directory import source_of
from vienna_runtime.cli.shown import shown
from vienna_runtime.client import Vienna


@click.group(cls=Listing)
def shadow() -> None:
    """Run a candidate beside the bundle in force: start, status, stop."""


@shadow.command()
@click.argument("candidate")
@json_option
@pass_here
def start(here: Here, candidate: str) -> None:
    """Run CANDIDATE (a directory, which is pushed, or the digest of a pushed bundle) beside the bundle in force.

    It decides nothing. Whatever is proposed from now on is asked of it too, and where it says something else is recorded: the first of
    each kind with both sentences, then numbers once a minute.

    \b
    Example:
      vienna policy shadow start ./policy
    """
    files: Mapping[str, bytes] | None = None
    digest = b""
    if Path(candidate).is_dir():
        source = source_of(Path(candidate))
        if isinstance(bundles.load(source), Findings):
            raise BadEnd(f"the bundle has findings, nothing was pushed; see them with: vienna policy check {candidate}")
        files = source.files
    else:
        digest = DIGEST.convert(candidate, None, None)

    async def both(vienna: Vienna) -> dict[str, Any]:
        pushed = digest if files is None else await vienna.admin.push(files)
        return await vienna.admin.start_shadow(pushed)

    value = here.ask(both)
    where = "See what it would change with: vienna policy shadow status"
    here.answer(value, f"{value['bundle'].hex()} runs in the shadow of what is in force.", where)


@shadow.command()
@json_option
@pass_here
def stop(here: Here) -> None:
    """Stop the candidate; what was recorded of it stays on the ledger.

    \b
    Example:
      vienna policy shadow stop
    """
    value = here.ask(lambda vienna: vienna.admin.stop_shadow())
    here.answer(value, "No candidate runs." if value["bundle"] is None else f"{value['bundle'].hex()} is stopped.")


@shadow.command()
@json_option
@pass_here
def status(here: Here) -> None:
    """Show what the candidate would have decided otherwise so far.

    \b
    Example:
      vienna policy shadow status
    """
    value = here.ask(lambda vienna: vienna.admin.shadow())
    here.answer(value, *_lines(value))


def _lines(value: Mapping[str, Any]) -> Iterator[RenderableType]:
    if value["bundle"] is None:
        yield "No candidate runs beside the bundle in force. Start one with: vienna policy shadow start DIRECTORY"
        return
    yield Text.assemble(f"bundle {value['bundle'].hex()}, since {clock(value['since'])} UTC, started by ", shown(value["by"]))
    yield f"{counted(value['compared'], 'intent')} compared, {value['passed_over']} passed over"
    if not value["groups"]:
        yield "it has said the same to all of them"
        return
    table = Table("flip", "action", "intents", "meaning", box=None, pad_edge=False)
    for group in value["groups"]:
        table.add_row(f"{group['from']} → {group['to']}", shown(group["action"]), str(group["count"]), MEANING[group["kind"]])
    yield table
    for group in value["groups"]:
        for example in group["examples"]:
            yield Text.assemble("  ", shown(f"{example['case']}  {example['agent']}"), (f"  {clock(example['time'])}", "dim"))
            yield Text.assemble("    in force   ", shown(example["said"]))
            yield Text.assemble("    candidate  ", shown(example["says"]))
