"""``vienna backup``: a consistent copy of a node, whether it is running or not."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from vienna_runtime import backup as backups
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.progress import Line
from vienna_runtime.cli.shown import shown


@click.command()
@click.argument("target", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--node", type=click.Path(path_type=Path, exists=True, file_okay=False), default=".", help="The node's directory (here).")
@click.option("--without-keys", is_flag=True, help="Leave out the keystore and the certificates' keys.")
@click.option(
    "--expires", type=click.IntRange(1, 36_500), metavar="DAYS", help="How long it may be kept: it keeps what is forgotten later."
)
@json_option
@pass_here
def backup(here: Here, target: Path, node: Path, without_keys: bool, expires: int | None) -> None:
    """Copy a node into the new directory DIR, while it runs: its logs at one moment, keys, settings and certificates.

    Whatever the node acknowledged before the command began is in it.  DIR has its name only when everything in it is on the disk.

    \b
    Example:
      vienna backup /mnt/other-disk/monday --node ./node --expires 35
    """
    line = Line(shown=not here.as_json)
    try:
        made = backups.make(backups.Wanted(node=node, target=target, keys=not without_keys, days=expires), progress=line)
    finally:
        line.clear()
    manifest = made.manifest
    table = Table("log", "entries", "root", box=None, pad_edge=False)
    for head in manifest.logs:
        table.add_row(shown(head.log or "(the node's)"), str(head.size), head.root.hex())
    about = {
        "backup": target,
        "node": manifest.node,
        "made": manifest.made,
        "expires": manifest.expires,
        "keys": manifest.keys,
        "entries": manifest.entries,
        "bytes": sum(file.size for file in manifest.files),
        "logs": [{"log": head.log, "size": head.size, "root": head.root} for head in manifest.logs],
        "warnings": made.warnings,
    }
    here.answer(about, table, f"backed up: {manifest.entries} entries in {len(manifest.logs)} logs, in {target}", *made.warnings)
