"""``vienna verify``: what lies at a path is what a public key vouches for, or the first place that is not is named.

Here is only which it is; each kind is checked in a file of its own.
"""

from __future__ import annotations

from pathlib import Path

import click

from ledger import VerifierKey
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import VERIFIER_KEY


@click.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--key", type=VERIFIER_KEY, required=True, help="The node's verifier key, name+id+base64: the one root of trust.")
@json_option
@pass_here
def verify(here: Here, path: Path, key: VerifierKey) -> None:
    """Verify PATH offline, by one public key: every entry, tree node, checkpoint and body of a node's or a ledger's directory.

    Reads only; a node may be running on it.  Exit code 3 with the log, the place and what is wrong there
    when it does not hold.

    \b
    Example:
      vienna verify ./node --key vienna.local+8ce88a58+Acp3zachS/nB...
    """
    if path.is_file():
        raise click.UsageError(f"{path} is no directory: name a node's directory, or the ledger's own")
    from vienna_runtime.cli.verify_ledger import verify_ledger

    verify_ledger(here, path, key)
