"""``vienna evidence``: one case in one file, for somebody who has nothing but the node's verifier key."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import trio

from ledger import VerifierKey
from vienna_runtime import private_file
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.phrases import counted
from vienna_runtime.cli.shown import escape
from vienna_runtime.client import connect
from vienna_runtime.errors import VerificationError
from vienna_runtime.evidence import form
from vienna_runtime.evidence.fetch import fetch, nobody_watches
from vienna_runtime.verify_evidence import verify_evidence


@click.command()
@click.argument("case")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write.")
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
@json_option
@pass_here
def evidence(here: Here, case: str, output: Path, force: bool) -> None:
    """Write what proves CASE into one file: its entries with their bodies, and everything they rest on, each with its proof.

    It is verified before it is written.  Whoever has the file sees what the case says, and who belongs to the tenant: it is written
    for your eyes only (mode 0600).  For admins, approvers and auditors.

    \b
    Example:
      vienna evidence c2e56ef79592c87eb5fa5 -o refund.evidence
      vienna verify refund.evidence --key vienna.local+8ce88a58+Acp3zachS/nB...
    """
    if not force and output.exists():
        raise click.UsageError(f"{output} exists already and is not overwritten; choose another name, or say --force")
    credential = here.load()

    async def whole() -> form.Evidence:
        async with connect(credential) as vienna:
            return await fetch(vienna, case, nobody_watches if here.as_json else _watch)

    packed = form.pack(trio.run(whole))
    report = verify_evidence(packed, VerifierKey.parse(credential.node_key))
    if (failure := report.first_failure) is not None:
        raise VerificationError(f"the node's evidence does not hold and was not written: {failure.name}: {failure.said}")
    (private_file.replace if force else private_file.create)(output, packed)
    _clear()
    where = {"case": case, "file": str(output), "bytes": len(packed), "outcome": report.outcome, "closed": report.closed}
    gone = f"; bodies removed: {', '.join(map(str, report.removed))}" if report.removed else ""
    here.answer(
        {**where, "removed": list(report.removed), "node_key": credential.node_key},
        f"{escape(str(output))}: {counted(len(packed), 'byte')}, {report.outcome or 'outcome not known'}"
        f"{'' if report.closed else ', not closed'}{gone}",
        f"Anyone who has the node's key, best by another way than the file, checks it: vienna verify {escape(str(output))} --key ...",
        f"  {credential.node_key}",
    )


def _watch(entries: int) -> None:
    """One line on the terminal that says how far it is."""
    if sys.stderr.isatty() and entries % 32 == 0:
        click.echo(f"\r\x1b[K{entries} entries", nl=False, err=True)


def _clear() -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", nl=False, err=True)
