"""``vienna init``: makes a node."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from vienna_runtime import founding, passphrase
from vienna_runtime.secret import Secret


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--name", default="vienna.local", show_default=True, help="The node's name, first line of every checkpoint. It cannot change."
)
@click.option("--operator", default="operator", show_default=True, help="The first operator's name.")
@click.option("--listen", default="127.0.0.1:7443", show_default=True, help="HOST:PORT the node will listen on.")
@click.option("--insecure-dev-keys", is_flag=True, help="Ask for no passphrase; keys lie beside the data. Refused beyond loopback.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def init(directory: Path, name: str, operator: str, listen: str, insecure_dev_keys: bool, as_json: bool) -> None:
    """Make a node in DIRECTORY: its keys, a development certificate authority, its ledger, and its first operator's credential.

    Passphrases (for the keystore and for the operator's credential) are asked for, or read from the file that
    VIENNA_PASSPHRASE_FILE names.

    \b
    Example:
      vienna init ./node --insecure-dev-keys
      vienna serve ./node
    """
    host, _, port = listen.rpartition(":")
    if not host or not port.isascii() or not port.isdigit():
        raise click.UsageError("--listen takes HOST:PORT, for example 127.0.0.1:7443")

    def ask(what: str) -> Secret:
        return passphrase.read(what, environ=os.environ, new=True, prompt=passphrase.terminal_prompt(sys.stdin.isatty()))

    made = founding.found(
        founding.Wanted(
            directory=directory,
            node=name,
            operator=operator,
            host=host.strip("[]"),
            port=int(port),
            insecure_dev_keys=insecure_dev_keys,
            ask=ask,
        ),
        os.environ,
    )
    if as_json:
        click.echo(json.dumps({"directory": str(directory), "node_key": made.node_key, "credential": str(made.credential)}))
        return
    click.echo(f"The node {name} is in {directory}.")
    click.echo(f"Its verifier key, by which anyone checks its ledger:\n  {made.node_key}")
    click.echo(f"The operator's credential (keep it):\n  {made.credential}")
    click.echo(f"Next:\n  vienna serve {directory}\n  vienna --credential {made.credential} tenant create NAME --admin NAME --person NAME")
