"""``vienna verify``: a data directory is what the node's key vouches for, or the first place that is not is named."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.table import Table

from ledger import VerifierKey, verify_in_child
from vienna_runtime import config
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import VERIFIER_KEY
from vienna_runtime.cli.shown import escape, shown

_LEDGER_FILE = "data.mdb"  # LMDB's own name for it


@click.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--key", type=VERIFIER_KEY, required=True, help="The node's verifier key, name+id+base64: the one root of trust.")
@json_option
@pass_here
def verify(here: Here, path: Path, key: VerifierKey) -> None:
    """Verify every entry, tree node, checkpoint and body in PATH (a node's or a ledger's directory), offline, by one public key.

    Reads only; a node may be running on it.  Exit code 3 with the log, the place and what is wrong there when it does not hold.

    \b
    Example:
      vienna verify ./node --key vienna.local+8ce88a58+Acp3zachS/nB...
    """
    report = verify_in_child(_ledger_in(path), key, progress=None if here.as_json else _progress())
    _clear()
    table = Table("log", "entries", "root", "commitments", "bodies removed", box=None, pad_edge=False)
    for log in report.logs:
        table.add_row(shown(log.log or "(the node's)"), str(log.size), log.root.hex(), str(log.commitments), str(log.removed))
    logs = [
        {"log": log.log, "size": log.size, "root": log.root, "commitments": log.commitments, "removed": log.removed} for log in report.logs
    ]
    here.answer(
        {"verified": True, "node": report.node, "entries": report.entries, "logs": logs},
        table,
        f"verified: {report.entries} entries in {len(report.logs)} logs of {escape(report.node)}, "
        "every header, tree node, checkpoint and body",
        "not looked at: what the sealed bodies say, for which a data key is needed",
    )


def _ledger_in(path: Path) -> Path:
    """The ledger of a node's directory, or the directory itself."""
    if (path / config.FILE).exists():
        return config.load(path, environ={}).ledger
    if not (path / _LEDGER_FILE).exists():
        raise click.UsageError(f"there is no ledger in {path}: name a node's directory, or the ledger's own")
    return path


def _progress() -> _Watch | None:
    return _Watch() if sys.stderr.isatty() else None


class _Watch:
    """One line on the terminal that says where the check is."""

    def __call__(self, log: str, index: int) -> None:
        click.echo(f"\r\x1b[K{escape(log) or 'the node'}: entry {index}", nl=False, err=True)


def _clear() -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", nl=False, err=True)
