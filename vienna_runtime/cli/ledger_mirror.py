"""``vienna ledger mirror``: the tiles that somebody serves, kept in a directory and held against what it had before."""

from __future__ import annotations

import ssl
from pathlib import Path

import attrs
import click

from ledger import VerifierKey
from ledger.tile_export import export
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import VERIFIER_KEY
from vienna_runtime.cli.progress import watching
from vienna_runtime.cli.shown import escape
from vienna_runtime.tile_mirror import Remote


@click.command()
@click.argument("url")
@click.option("--key", type=VERIFIER_KEY, required=True, help="The log's own verifier key.")
@click.option("--tiles", "target", type=click.Path(path_type=Path, file_okay=False), required=True, metavar="DIR", help="Where to.")
@click.option(
    "--ca", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="The authority (PEM) of the server, if not the system's."
)
@json_option
@pass_here
def mirror(here: Here, url: str, key: VerifierKey, target: Path, ca: Path | None) -> None:
    """Fetch the tiles of the log at URL, a node's or any other tlog-tiles server's, into DIR.

    Fetches what DIR has not yet; interrupted, it goes on where it was.  The checkpoint must be signed by KEY and continue
    what DIR has: a log that was cut or rewritten is refused with exit code 3, and DIR is your evidence.  With --credential
    its API key is shown to the server, and its authority trusted.

    \b
    Example:
      vienna --credential rosa.vienna ledger mirror https://vienna.example.org:7443/belvedere --key KEY --tiles ./belvedere
    """
    credential = here.load() if here.credential is not None else None
    if credential is not None and ca is not None:
        raise click.UsageError("a credential's key is shown to nobody but the server its own authority vouches for: leave --ca out")
    authority = credential.ca if credential is not None else None if ca is None else ca.read_text()
    remote = Remote(url, key, tls=_context(authority), bearer=None if credential is None else credential.api_key)
    try:
        with watching(here) as watch:
            done = export(remote, target, progress=lambda at, whole: watch(key.name, at, whole))
    finally:
        remote.close()
    here.answer(
        {**attrs.asdict(done), "directory": target},
        f"{escape(done.origin)}: {done.size} entries, {done.size - done.before} of them new, in {done.written} new files.",
        f"Every byte is checked by: vienna verify {escape(str(target))} --key ...",
    )


def _context(authority: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # other people's servers; ours speak 1.3 alone
    return context
