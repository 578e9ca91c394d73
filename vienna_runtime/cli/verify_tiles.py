"""``vienna verify`` of exported tiles: every byte is what a checkpoint vouches for, or the first file that is not is named."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from ledger import VerifierKey
from ledger.witness_policy import Policy
from vienna_runtime import verify_tiles as tiles
from vienna_runtime.cli.cosigned import cosigned_json, cosigned_lines, demanded, others
from vienna_runtime.cli.here import Here
from vienna_runtime.cli.progress import watching
from vienna_runtime.cli.shown import escape, shown


def verify_tiles(here: Here, path: Path, key: VerifierKey, policy: Policy | None = None) -> None:
    """Check everything that was exported to ``path``, and say what was found."""
    with watching(here) as watch:
        report = tiles.verify_tiles(path, key, progress=watch)
    covered = demanded(policy, [(log.log, log.note, log.keys, log.audited.size) for log in report.logs])
    table = Table("log", "entries", "root", "files", "commitments", "signatures not looked at", box=None, pad_edge=False)
    logs = list[dict[str, object]]()
    for log in report.logs:
        found, unseen = log.audited, others(log.audited.origin, log.signed.unverified, policy)
        table.add_row(
            shown(log.log or "(the node's)"),
            str(found.size),
            found.root.hex(),
            str(found.files),
            str(log.commitments),
            shown(", ".join(unseen) or "-"),
        )
        logs.append(
            {
                "log": log.log,
                "origin": found.origin,
                "size": found.size,
                "root": found.root,
                "files": found.files,
                "beyond": found.beyond,
                "commitments": log.commitments,
                "commitments_beyond": log.beyond,
                "unverified": unseen,
            }
        )
    entries, files = sum(log.audited.size for log in report.logs), sum(log.audited.files for log in report.logs)
    lines = [f"verified: {entries} entries in {files} files of {escape(path.name or str(path))}, every tile, bundle, header and checkpoint"]
    if beyond := sum(log.audited.beyond for log in report.logs):
        lines.append(f"not vouched for yet: {beyond} files that reach beyond their checkpoint, from an export under way or interrupted")
    if later := sum(log.beyond for log in report.logs):
        lines.append(f"not compared: {later} commitments of the node to sizes beyond, from an export of its log that is later")
    if not report.committed:
        lines.append("not compared: the logs with the node's commitments to them, which lie beside the node's own tiles")
    if report.absent:
        lines.append(f"not here: {', '.join(escape(name) for name in report.absent)}, which the node's log names")
    here.answer(
        {
            "verified": True,
            "entries": entries,
            "files": files,
            "logs": logs,
            "absent": report.absent,
            "committed": report.committed,
            **cosigned_json(covered),
        },
        table,
        *cosigned_lines(covered),
        *lines,
    )
