"""``vienna verifier``: the process that looks whether it is so."""

from __future__ import annotations

from pathlib import Path

import click

from vienna_runtime.cli.listing import Listing
from vienna_runtime.executors import identity
from vienna_runtime.executors.config import wall_clock
from vienna_runtime.executors.serving import credential, dialling, serve
from vienna_runtime.executors.session import adopt_orphans
from vienna_runtime.verifiers import config as configs
from vienna_runtime.verifiers.service import Verifier


@click.group(cls=Listing)
def verifier() -> None:
    """Look at what was done, with read-only means of its own."""


@verifier.command()
@click.option(
    "--config", "config_path", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Which checks, and how to look."
)
@click.option("--once", is_flag=True, help="End after the first attestation.")
def run(config_path: Path, once: bool) -> None:
    """Wait for reports, look at the target, compare, and attest what was seen.

    A check is found by the action's name, else by the kind of observation that policy asks for, and must be of that kind.

    \b
    Example:
      vienna verifier run --config emil.toml
    Exit codes: 0 ended as asked, 1 it could not go on, 2 its configuration is wrong, 4 the node cannot be reached or trusted.
    """
    config = configs.load(config_path)
    held = credential(config.credential)
    who = identity.of(held)
    adopt_orphans()
    service = Verifier(who=who, dial=dialling(held), checks=config.checks, concurrency=config.concurrency, now=wall_clock)
    checks = ", ".join(sorted(config.checks))
    serve(service, f"vienna verifier {who.member} of {who.tenant} ready, up to {config.concurrency} at once: {checks}", once=once)
