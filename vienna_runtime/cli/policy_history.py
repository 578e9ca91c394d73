"""``vienna policy history``: what was the law when, and who made it so."""

from __future__ import annotations

from typing import Any

import click
from rich.table import Table
from rich.text import Text

from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.phrases import clock
from vienna_runtime.cli.shown import shown
from vienna_runtime.client import Vienna


@click.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many of the newest entries.")
@json_option
@pass_here
def history(here: Here, limit: int) -> None:
    """List the bundles that were pushed and put in force, newest first: when, by whom, from which git commit, in force since and until.

    \b
    Example:
      vienna policy history
    """
    entries, more = here.ask(lambda vienna: _entries(vienna, limit))
    _spans(entries)
    table = Table("time", "what", "bundle", "name", "by", "commit", "in force until", "reason", box=None, pad_edge=False)
    for entry in entries:
        table.add_row(*_row(entry))
    notes = ["Times are UTC."] + (["There is more: name a higher --limit."] if more else [])
    lines = [table, *notes] if entries else ["No bundle was ever pushed. Begin one with: vienna policy new DIRECTORY --template payments"]
    here.answer({"entries": entries, "more": more}, *lines)


async def _entries(vienna: Vienna, limit: int) -> tuple[list[dict[str, Any]], bool]:
    """All that is needed to name the bundles, cut to ``limit`` afterwards."""
    found: list[dict[str, Any]] = []
    before: int | None = None
    while True:
        page = await vienna.admin.bundles(before=before, limit=100)
        found += page["entries"]
        before = page["next"]
        if before is None or len(found) > limit:
            break
    return found[:limit], before is not None or len(found) > limit


def _spans(entries: list[dict[str, Any]]) -> None:
    """Each activation is in force until the next one; an activation learns its bundle's name from the push, where that is there."""
    names = {entry["bundle"]: entry["name"] for entry in entries if entry["what"] == "pushed"}
    until: int | None = None
    for entry in entries:
        if entry["what"] == "activated":
            entry |= {"name": names.get(entry["bundle"], ""), "since": entry["time"], "until": until}
            until = entry["time"]


def _row(entry: dict[str, Any]) -> tuple[Text, ...]:
    if entry["what"] == "removed":
        return (Text(clock(entry["time"])), Text("forgotten"), *(Text("") for _ in range(6)))
    by = entry["by"] if entry["by"] == entry["person"] else f"{entry['by']} ({entry['person']})"
    commit = entry.get("commit", "")[:12] + (" and changes" if entry.get("dirty") else "")
    force = ""
    if entry["what"] == "activated":
        force = "in force now" if entry["until"] is None else clock(entry["until"])
    cells = (clock(entry["time"]), entry["what"], entry["bundle"].hex()[:16], entry["name"], by, commit, force, entry.get("reason", ""))
    return tuple(shown(str(cell), style="bold" if force == "in force now" else "") for cell in cells)
