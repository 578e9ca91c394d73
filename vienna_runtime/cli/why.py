"""``vienna why``: a case's decision explained in sentences, from its evidence, each claim asked again."""

from __future__ import annotations

from pathlib import Path

import click
import trio
from rich.text import Text

from ledger import VerifierKey
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import VERIFIER_KEY
from vienna_runtime.cli.shown import escape, shown
from vienna_runtime.client import connect
from vienna_runtime.errors import VerificationError
from vienna_runtime.evidence import form
from vienna_runtime.evidence.fetch import fetch
from vienna_runtime.verify_evidence import verify_evidence
from vienna_runtime.why.explain import explain, sentences
from vienna_runtime.why.told import tell


@click.command()
@click.argument("case", required=False)
@click.option("--evidence", "file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Explain this file, without a node.")
@click.option("--key", type=VERIFIER_KEY, help="With --evidence: the node's verifier key.")
@json_option
@pass_here
def why(here: Here, case: str | None, file: Path | None, key: VerifierKey | None) -> None:
    """Say why CASE was decided as it was: the policies and what they read, this tier, this quorum, its end, and what would have differed.

    It is made from the case's evidence, which is verified first.  Whatever is said to have made a difference was put to the same
    policies again; two changes at once are not tried.  For admins, approvers and auditors; with --evidence for whoever has the file.

    \b
    Example:
      vienna why c2e56ef79592c87eb5fa5
      vienna why --evidence refund.evidence --key vienna.local+8ce88a58+Acp3zachS/nB...
    """
    if (file is None) == (case is None):
        raise click.UsageError("name a CASE, or a file with --evidence")
    if file is not None:
        if key is None:
            raise click.UsageError("--evidence goes with --key: the file is believed for nothing that the node's key does not vouch for")
        packed = file.read_bytes()
    else:
        credential = here.load()
        key = VerifierKey.parse(credential.node_key)

        async def asked() -> form.Evidence:
            async with connect(credential) as vienna:
                return await fetch(vienna, str(case))

        packed = form.pack(trio.run(asked))
    report = verify_evidence(packed, key)
    if (failure := report.first_failure) is not None:
        what = f"{escape(failure.name)}: {escape(failure.said)}"
        raise VerificationError(f"the evidence does not hold, and nothing is explained from it: {what}")
    found = explain(tell(form.unpack(packed)))
    here.answer(found, *(Text.assemble("  " * depth, shown(said)) for depth, said in sentences(found)))
