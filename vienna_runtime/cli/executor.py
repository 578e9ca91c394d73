"""``vienna executor``: the process that alone holds the means."""

from __future__ import annotations

from pathlib import Path

import click

from vienna_runtime.cli.listing import Listing
from vienna_runtime.executors import config as configs
from vienna_runtime.executors import identity
from vienna_runtime.executors.journal import open_journal
from vienna_runtime.executors.repertoire import Repertoire
from vienna_runtime.executors.service import Executor
from vienna_runtime.executors.serving import credential, dialling, serve
from vienna_runtime.executors.session import adopt_orphans

JOURNAL = ".journal"  # beside the credential: whose deeds it tells of


@click.group(cls=Listing)
def executor() -> None:
    """Carry out what warrants allow, in a process of its own."""


@executor.command()
@click.option(
    "--config", "config_path", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Which actions, by which means."
)
@click.option("--journal", type=click.Path(path_type=Path, dir_okay=False), help="Where it notes what it has begun. [CREDENTIAL.journal]")
@click.option("--once", is_flag=True, help="End after the first run that has been reported.")
def run(config_path: Path, journal: Path | None, once: bool) -> None:
    """Wait for warrants, check them, redeem them, act, and report.

    Prints one ready line; the log goes to stderr as JSON. SIGTERM ends it after what is running has been reported, a second
    one at once; what was begun and not reported is reported by the next start, as unknown, and not done again.

    \b
    Example:
      vienna executor run --config workshop.toml
    Exit codes: 0 ended as asked, 1 it could not go on, 2 its configuration is wrong, 4 the node cannot be reached or trusted.
    """
    config = configs.load(config_path)
    held = credential(config.credential)
    who = identity.of(held)
    adopt_orphans()
    place = journal or config.credential.with_name(config.credential.name + JOURNAL)
    with open_journal(place, now=configs.wall_clock()) as kept:
        service = Executor(
            who=who,
            dial=dialling(held),
            means=Repertoire(config),
            journal=kept,
            concurrency=config.concurrency,
            now=configs.wall_clock,
        )
        actions = ", ".join(sorted(config.actions))
        serve(service, f"vienna executor {who.member} of {who.tenant} ready, up to {config.concurrency} at once: {actions}", once=once)
