"""``vienna restore``: a backup becomes a node again, if it verifies and nobody has seen more."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import click

from ledger import VerifierKey
from vienna_runtime import restore as restores
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import VERIFIER_KEY
from vienna_runtime.cli.progress import Line
from vienna_runtime.restore_witnesses import asking

_LONGEST_REASON = 1000  # characters; as of vienna serve --accept-rollback


@click.command()
@click.argument("backup", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--key", type=VERIFIER_KEY, required=True, help="The node's verifier key, name+id+base64: the one root of trust.")
@click.option("--watermark", type=click.Path(path_type=Path, dir_okay=False), help="A watermark that survived; DIR's own counts anyway.")
@click.option("--policy", type=click.Path(path_type=Path, dir_okay=False), help="Ask the witnesses of this file, not of the settings.")
@click.option("--fork", metavar="REASON", help="Restore even what is older than was seen; the next start records the reason.")
@click.option("--replace", is_flag=True, help="Set aside a ledger that is in DIR already.")
@click.option("--even-expired", is_flag=True, help="Restore a backup that should have been destroyed.")
@json_option
@pass_here
def restore(
    here: Here,
    backup: Path,
    directory: Path,
    key: VerifierKey,
    watermark: Path | None,
    policy: Path | None,
    fork: str | None,
    replace: bool,
    even_expired: bool,
) -> None:
    """Put BACKUP into DIR, where `vienna serve DIR` finds it; nothing is put there before all of it was verified.

    Refused with exit code 3: a damaged backup, and one that is older than what a watermark or a witness has seen.  Settings,
    certificates and a keystore that are in DIR already stay as they are.

    \b
    Example:
      vienna restore /mnt/other-disk/monday ./node --key vienna.local+8ce88a58+Acp3zachS/nB...
    """
    if fork is not None and not (fork.strip() and fork.isprintable() and len(fork) <= _LONGEST_REASON):
        raise click.UsageError(f"--fork takes a reason of 1 to {_LONGEST_REASON} characters on one line")
    unheard: list[str] = []

    def silent(names: Sequence[str]) -> None:
        unheard.extend(names)

    line = Line(shown=not here.as_json)
    wanted = restores.Wanted(backup=backup, node=directory, key=key, watermark=watermark, fork=fork, replace=replace, expired=even_expired)
    try:
        with redirect_stdout(sys.stderr):  # where warnings belong: our own answer is all that is said on stdout
            done = restores.restore(wanted, ask=asking(backup, key, policy, silent), progress=line)
    finally:
        line.clear()
    manifest = done.manifest
    notes = [f"{name} was there and stays" for name in done.kept]
    if done.aside is not None:
        notes.append(f"the ledger that was there is in {done.aside}")
    if done.stale:
        notes += [f"it lacks what was seen: {what}" for what in done.stale]
        notes.append("the node's next start records that, with your reason")
    if not manifest.keys:
        notes.append("no keystore was in the backup: put it in place before you serve it")
    if unheard:
        notes.append(f"not asked, since they did not answer: {', '.join(unheard)}; the node asks them when it starts")
    about = {
        "restored": directory,
        "node": manifest.node,
        "made": manifest.made,
        "entries": manifest.entries,
        "stale": done.stale,
        "kept": done.kept,
        "aside": done.aside,
        "silent": unheard,
    }
    said = f"restored and verified: {manifest.entries} entries in {len(manifest.logs)} logs of {manifest.node}"
    here.answer(about, said, *notes, f"Next:\n  vienna serve {directory}")
