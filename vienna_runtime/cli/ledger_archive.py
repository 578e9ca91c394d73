"""``vienna ledger archive``: closed months leave the database for files that never change."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import attrs
import click
from rich.table import Table

from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.shown import escape, shown
from vienna_runtime.client import Vienna
from vienna_runtime.client.vienna import now

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)


class _Month(click.ParamType[int]):
    """The beginning of a month (UTC), in µs."""

    name = "month"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = _MONTH.fullmatch(value)
        if found is None or found[1] == "0000":
            self.fail("a month is written like 2026-11", param, ctx)
        return int(datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC).timestamp()) * 1_000_000


@attrs.define
class _Log:
    """What became of one log."""

    name: str
    segments: list[list[int]]
    archived: int = 0
    size: int = 0


@click.command()
@click.option("--tenant", "tenants", multiple=True, help="This tenant's log only; repeat for several.  Default: every log.")
@click.option("--before", type=_Month(), help="Leave this month and later ones (2026-11).  Default: this month.")
@json_option
@pass_here
def archive(here: Here, tenants: tuple[str, ...], before: int | None) -> None:
    """Move closed months out of the database into immutable files beside it (operators; the node goes on working).

    Nothing changes for anybody who reads, proves, follows or verifies; back-ups must hold the files, as `vienna backup` sees to.
    A log's newest month always stays.  Interrupted, it goes on where it was when asked again.

    \b
    Example:
      vienna --credential operator.vienna ledger archive
      vienna --credential operator.vienna ledger archive --tenant belvedere --before 2026-09
    """
    until = now() if before is None else before

    async def whole(vienna: Vienna) -> list[_Log]:
        node = [] if tenants else [await _archive(here, vienna, None, until)]  # first: who may not ask is told so of what they asked
        names = tenants or [tenant["tenant"] for tenant in await vienna.admin.tenants()]
        return node + [await _archive(here, vienna, name, until) for name in names]

    logs = here.ask(whole)
    table = Table("log", "moved", "in the archive", "entries", box=None, pad_edge=False)
    for log in logs:
        moved = sum(stop - start for start, stop in log.segments)
        table.add_row(shown(log.name or "(the node's)"), str(moved), str(log.archived), str(log.size))
    here.answer({"logs": [attrs.asdict(log) for log in logs]}, table)


async def _archive(here: Here, vienna: Vienna, name: str | None, before: int) -> _Log:
    log = _Log(name or "", [])
    while True:
        found = await (
            vienna.call("ledger.archive", before=before) if name is None else vienna.call("ledger.archive", before=before, tenant=name)
        )
        log.archived, log.size = found["archived"], found["size"]
        if found["moved"] is None:
            return log
        log.segments.append(found["moved"])
        if not here.as_json:
            here.say(
                f"{escape(log.name) or 'the node'}: entries {found['moved'][0]} to {found['moved'][1] - 1} are in the archive", err=True
            )
