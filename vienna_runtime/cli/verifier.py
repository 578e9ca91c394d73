"""``vienna verifier``: the process that looks whether it is so."""

from __future__ import annotations

from pathlib import Path

import click

from vienna_runtime.cli.exits import BadEnd
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.shown import shown
from vienna_runtime.executors import identity
from vienna_runtime.executors.config import wall_clock
from vienna_runtime.executors.serving import credential, dialling, serve
from vienna_runtime.executors.session import adopt_orphans
from vienna_runtime.verifiers import config as configs
from vienna_runtime.verifiers.dry_run import dry_run
from vienna_runtime.verifiers.kinds import kind_of
from vienna_runtime.verifiers.observe import Observation
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


@verifier.command()
@click.option(
    "--config", "config_path", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Which checks, and how to look."
)
@click.option("--case", help="Look at this case's target now; nothing is attested.")
@json_option
@pass_here
def check(here: Here, config_path: Path, case: str | None) -> None:
    """Read a configuration, and with --case try it on a case: what would be seen, and signed by nobody.

    \b
    Example:
      vienna verifier check --config emil.toml --case c81c0a...
    """
    config = configs.load(config_path)
    if case is None:
        checks = {name: kind_of(sight) for name, sight in config.checks.items()}
        here.answer({"checks": checks}, *(shown(f"{name}: {kind}") for name, kind in checks.items()))
        return
    held = credential(config.credential)
    found = dry_run(identity.of(held), dialling(held), config.checks, case)
    rows = [{"name": name, "agrees": isinstance(seen, Observation) and seen.agrees, "why": seen.why} for name, seen in found]
    lines = [shown(f"{row['name']}: {row['why']}", style="" if row["agrees"] else "red") for row in rows]
    here.answer({"case": case, "checks": rows}, *lines, shown("Nothing was attested."))
    if not all(row["agrees"] for row in rows):
        raise BadEnd("not everything is as expected, or could be seen")
