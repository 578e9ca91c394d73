"""``vienna ledger export``: a log as static files that any tlog-tiles client reads, made beside a running node."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs
import click
from rich.table import Table

from ledger import NODE
from ledger.published import Published, opened
from ledger.tile_export import Exported
from ledger.tile_export import export as write
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.ledger_place import ledger_in, named
from vienna_runtime.cli.progress import Watch, watching
from vienna_runtime.cli.shown import escape, shown

_OURS = frozenset({"checkpoint", "tile"})  # what the node's own log has where an export of everything puts the tenants


@click.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True, file_okay=False), default=".")
@click.option("--tenant", "tenants", multiple=True, metavar="NAME", help="This tenant's log.")
@click.option("--node", "node_log", is_flag=True, help="The node's own log.")
@click.option("--all", "everything", is_flag=True, help="Every log, each below DIR under its origin: the node's key then verifies all.")
@click.option("--tiles", "target", type=click.Path(path_type=Path, file_okay=False), required=True, metavar="DIR", help="Where to.")
@click.option("--latest", is_flag=True, help="The newest checkpoint, where a cosigned one is behind it.")
@json_option
@pass_here
def export(here: Here, path: Path, tenants: tuple[str, ...], node_log: bool, everything: bool, target: Path, latest: bool) -> None:
    """Write a log of the node in PATH as C2SP tlog-tiles: what any such client, mirror or monitor reads and checks.

    Reads only, beside a running node.  Writes what DIR has not yet, each file whole or not at all, the checkpoint last;
    interrupted, it goes on where it was.  Refuses a DIR of another log, one that is ahead of this ledger, and a fork.
    Holds every header (who did what when), no body.

    \b
    Example:
      vienna ledger export ./node --tenant belvedere --tiles ./public/belvedere
      vienna ledger export ./node --all --tiles ./public
    """
    if (len(tenants) + node_log + everything) != 1:
        raise click.UsageError("say which log: --tenant NAME, --node, or --all")
    with opened(ledger_in(path)) as logs, watching(here) as watch:
        if everything:
            done = _everything(logs, target, latest, watch)
        else:
            log = named(logs, NODE if node_log else tenants[0])
            done = [(target, _one(log, target, latest, watch))]
    whose = "the node's key" if everything or node_log else "the log's own key (`vienna whoami` shows it)"
    table = Table("log", "entries", "new", "files written", "files removed", "cosigned", "in", box=None, pad_edge=False)
    for place, made in done:
        numbers = (made.size, made.size - made.before, made.written, made.removed)
        table.add_row(shown(made.origin), *map(str, numbers), "yes" if made.cosigned else "no", shown(str(place)))
    here.answer(
        {"logs": [{**attrs.asdict(made), "directory": place} for place, made in done]},
        table,
        f"Anyone who has {whose} checks it: vienna verify {escape(str(target))} --key ...",
    )


def _everything(logs: Mapping[str, Published], target: Path, latest: bool, watch: Watch) -> list[tuple[Path, Exported]]:
    if taken := _OURS & logs.keys():
        raise click.UsageError(f"the log of tenant {min(taken)} would lie where the node's own has its files; export each log by itself")
    # The node's log last: it then names every log, and every key, that the others needed.
    found = []
    for name in sorted(logs, reverse=True):
        place = target / logs[name].checkpoint.origin
        found.append((place, _one(logs[name], place, latest, watch)))
    return found[::-1]


def _one(log: Published, target: Path, latest: bool, watch: Watch) -> Exported:
    return write(log, target, latest=latest, progress=lambda done, whole: watch(log.log, done, whole))
