"""``vienna verify`` of a data directory: it is what the node's key vouches for, or the first place that is not is named."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.table import Table

from ledger import VerifierKey, verify_in_child
from ledger.witness_policy import Policy
from vienna_runtime.cli.cosigned import cosigned_json, cosigned_lines, demanded
from vienna_runtime.cli.here import Here
from vienna_runtime.cli.ledger_place import ledger_in
from vienna_runtime.cli.shown import escape, shown


def verify_ledger(here: Here, path: Path, key: VerifierKey, policy: Policy | None = None) -> None:
    """Check every entry, tree node, checkpoint and body of the ledger in ``path``, and say what was found."""
    report = verify_in_child(ledger_in(path), key, progress=None if here.as_json else _progress())
    _clear()
    covered = demanded(policy, [(log.log, log.witnessed, log.keys, log.size) for log in report.logs])
    table = Table("log", "entries", "root", "commitments", "bodies removed", box=None, pad_edge=False)
    for log in report.logs:
        table.add_row(shown(log.log or "(the node's)"), str(log.size), log.root.hex(), str(log.commitments), str(log.removed))
    logs = [
        {"log": log.log, "size": log.size, "root": log.root, "commitments": log.commitments, "removed": log.removed} for log in report.logs
    ]
    here.answer(
        {"verified": True, "node": report.node, "entries": report.entries, "logs": logs, **cosigned_json(covered)},
        table,
        *cosigned_lines(covered),
        f"verified: {report.entries} entries in {len(report.logs)} logs of {escape(report.node)}, "
        "every header, tree node, checkpoint and body",
        "not looked at: what the sealed bodies say, for which a data key is needed",
    )


def _progress() -> _Watch | None:
    return _Watch() if sys.stderr.isatty() else None


class _Watch:
    """One line on the terminal that says where the check is."""

    def __call__(self, log: str, index: int) -> None:
        click.echo(f"\r\x1b[K{escape(log) or 'the node'}: entry {index}", nl=False, err=True)


def _clear() -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", nl=False, err=True)
