"""``vienna notifier``: the process that carries alerts out of the house."""

from __future__ import annotations

import math
import random
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
from rich.table import Table

from vienna_runtime import private_file
from vienna_runtime.cli.exits import BadEnd
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.phrases import counted
from vienna_runtime.cli.shown import shown
from vienna_runtime.client.patience import Patience
from vienna_runtime.client.vienna import connect, log_of
from vienna_runtime.executors.serving import credential, serve
from vienna_runtime.notifier import config as configs
from vienna_runtime.notifier import signature
from vienna_runtime.notifier.config import NotifierConfig
from vienna_runtime.notifier.journal import Journal
from vienna_runtime.notifier.service import Notifier

CONFIG = click.option(
    "--config", "path", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Who the notifier is, and where alerts go."
)


@click.group(cls=Listing)
def notifier() -> None:
    """Carry alerts to webhooks and commands, from a process of its own."""


@notifier.command()
@CONFIG
@click.option("--once", is_flag=True, help="End when something was carried and of what was heard nothing waits.")
def run(path: Path, once: bool) -> None:
    """Hear of alerts and carry each to every target that wants it, at least once.

    \b
    Example:
      vienna notifier run --config nora.toml
    Exit codes: 0 ended as asked, 1 it could not go on, 2 its configuration is wrong, 4 the node cannot be reached or trusted.
    """
    config = configs.load(path)
    held = credential(config.credential)
    tenant = log_of(held) or "node"
    journal = Journal(config.journal)
    try:
        service = Notifier(
            node=held.node_key,
            tenant=tenant,
            connect=partial(connect, held, patience=Patience(seconds=math.inf)),
            journal=journal,
            targets=config.targets,
            base=config.base,
            first=config.first,
            silence=config.silence,
            now=time.time,
            chance=random.random,
        )
        serve(service, f"vienna notifier of {tenant} ready: {', '.join(config.targets)}", once=once)
    finally:
        journal.close()


@notifier.command()
@CONFIG
@json_option
@pass_here
def check(here: Here, path: Path) -> None:
    """Read a configuration and its secrets, and say what would go where; nothing is sent.

    \b
    Example:
      vienna notifier check --config nora.toml
    """
    config = configs.load(path)
    rows = []
    table = Table("target", "what", "from", "kinds", "attempts", "alive", box=None, pad_edge=False)
    for name, target in config.targets.items():
        what, kinds, attempts = type(target.means).__name__.lower(), sorted(target.kinds), len(target.delays) + 1
        rows.append({"target": name, "what": what, "severity": target.least, "kinds": kinds, "attempts": attempts, "alive": target.alive})
        every = "-" if target.alive is None else f"{target.alive:g} s"
        table.add_row(name, what, target.least, " ".join(kinds) or "all", str(attempts), every)
    silent = f"When nothing is heard of the node for {config.silence:g} s, that is an alert, too."
    here.answer({"targets": rows, "silence": config.silence}, table, silent)


@notifier.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
@pass_here
def secret(here: Here, file: Path) -> None:
    """Make a secret for a webhook and write it into a new FILE that only you can read; whoever receives it needs it, too.

    \b
    Example:
      vienna notifier secret oncall.secrets
    """
    private_file.create(file, (signature.written(secrets.token_bytes(signature.FRESH)) + "\n").encode())
    here.answer({"file": str(file)}, f"A new secret is in {file}. Give it to whoever receives the webhook, in a way you trust.")


@notifier.group("dead-letters", cls=Listing)
def dead_letters() -> None:
    """What no attempt could carry."""


@dead_letters.command("list")
@CONFIG
@click.option("--target", help="Only of this target.")
@json_option
@pass_here
def list_(here: Here, path: Path, target: str | None) -> None:
    """What no attempt could carry, newest first, and why the last one failed; and how many are still waiting.

    \b
    Example:
      vienna notifier dead-letters list --config nora.toml
    """
    config = configs.load(path)
    with _opened(config) as journal:
        found, waiting = journal.dead(target), journal.waiting(target)
    if target is not None and target not in config.targets and not found and not waiting:
        raise click.UsageError(f"there is no target {target!r}; there are {', '.join(config.targets)}")
    rows = [
        {"letter": one.id, "target": one.target, "alert": one.number or None, "kind": one.kind, "attempts": one.attempts, "why": one.why}
        for one in found
    ]
    table = Table("letter", "target", "alert", "kind", "attempts", "why", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*("-" if value is None else shown(str(value)) for value in row.values()))
    here.answer({"letters": rows, "waiting": waiting}, *([table] if rows else []), *_still(waiting, bool(rows)))


def _still(waiting: int, dead: bool) -> tuple[str, ...]:
    if waiting:
        return (f"{counted(waiting, 'delivery', 'deliveries')} still waiting: a notifier that runs carries them, or tries them again.",)
    return () if dead else ("There are no dead letters, and of what was heard nothing waits.",)


@dead_letters.command()
@CONFIG
@click.argument("letters", nargs=-1, type=click.IntRange(1))
@click.option("--target", help="All of this target.")
@click.option("--all", "every", is_flag=True, help="All there are.")
@json_option
@pass_here
def retry(here: Here, path: Path, letters: tuple[int, ...], target: str | None, every: bool) -> None:
    """Try LETTERS again, from their first attempt on; a target that wanted nothing more is asked again.

    A notifier that runs takes them up within a second.

    \b
    Example:
      vienna notifier dead-letters retry --config nora.toml --target oncall
    """
    if sum((bool(letters), target is not None, every)) != 1:
        raise click.UsageError("say which: LETTERS by their numbers, --target NAME, or --all")
    with _opened(configs.load(path)) as journal:
        found = [one for one in journal.dead(target) if not letters or one.id in letters]
        if missing := set(letters) - {one.id for one in found}:
            raise BadEnd(f"there is no dead letter {min(missing)}; nothing was tried again")
        count = journal.revive(found)
    here.answer({"letters": count}, f"{count} will be tried again." if count else "There are no dead letters.")


@contextmanager
def _opened(config: NotifierConfig) -> Iterator[Journal]:
    journal = Journal(config.journal)
    try:
        yield journal
    finally:
        journal.close()
