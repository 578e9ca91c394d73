"""``vienna verify``: what lies at a path is what a public key vouches for, or the first place that is not is named.

Here is only which it is; each kind is checked in a file of its own.
"""

from __future__ import annotations

from pathlib import Path

import click

from ledger import VerifierKey
from ledger.witness_policy import Policy
from vienna_runtime.cli import exits
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import POLICY, VERIFIER_KEY
from vienna_runtime.verify_tiles import is_there


@click.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--key", type=VERIFIER_KEY, required=True, help="The node's verifier key, name+id+base64: the one root of trust.")
@click.option("--policy", type=POLICY, help="Whose cosignatures are demanded as well: a C2SP tlog-policy file.")
@json_option
@pass_here
def verify(here: Here, path: Path, key: VerifierKey, policy: Policy | None) -> int:
    """Verify PATH offline, by one public key: a node's or a ledger's directory, exported tiles, a case's evidence, or a proof.

    Of a ledger every entry, tree node, checkpoint and body; of tiles every file, for which --key may also be the one log's
    own; of evidence every step from the key to the verdict, Cedar included; a .tlog-proof file takes its log's own key.  Reads
    only; a node may be running on it.  Exit code 3 with the log, the place and what is wrong there when it does not hold.

    With --policy a quorum of witnesses must have cosigned each log, and how much came after that is told; what a proof or
    evidence shows must all lie before.

    \b
    Example:
      vienna verify ./node --key vienna.local+8ce88a58+Acp3zachS/nB...
    """
    if path.is_file():
        return _file(here, path, key, policy)
    if is_there(path, key):
        from vienna_runtime.cli.verify_tiles import verify_tiles

        verify_tiles(here, path, key, policy)
    else:
        from vienna_runtime.cli.verify_ledger import verify_ledger

        verify_ledger(here, path, key, policy)
    return exits.DONE


def _file(here: Here, path: Path, key: VerifierKey, policy: Policy | None) -> int:
    from vienna_runtime.cli.verify_proof import is_proof, verify_proof

    if is_proof(path):
        verify_proof(here, path, key, policy)
        return exits.DONE
    from vienna_runtime.cli.verify_evidence import verify_evidence_file

    return verify_evidence_file(here, path, key, policy)
