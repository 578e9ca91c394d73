"""``vienna policy replay``: what a bundle would have said to everything that was ever asked."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import RenderableType

from actors.governance import budget_words, expected_flips
from actors.governance import bundle as bundles
from actors.governance.bundle import Bundle, Findings
from actors.governance.ids import Instant
from vienna_runtime.cli import flips, recorded_log
from vienna_runtime.cli.exits import BadEnd
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.phrases import counted, money
from vienna_runtime.cli.policy_directory import source_of
from vienna_runtime.cli.shown import shown
from vienna_runtime.cli.when import WHEN
from vienna_runtime.client import Vienna
from vienna_runtime.replay.report import Report
from vienna_runtime.replay.world import Replayed, World

MOST_NAMED = 5  # budgets in one line: the report as JSON has them all
SAID = {
    "same": "the candidate says the same to all of them",
    "looser": "the candidate is looser: something that was looked at, or refused, would pass more easily",
    "stricter": "the candidate is stricter: something that passed would be refused, or looked at by more people",
    "both": "the candidate is looser in some places and stricter in others",
    "terms": "the candidate permits the same to the same people, on other terms",
}


@click.command()
@click.option(
    "--against", "candidate", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True, help="The bundle to try."
)
@click.option("--since", type=WHEN, default=None, help="Only intents from then on: a date (UTC), or how long ago, as in 30d.")
@click.option("--last", type=click.IntRange(1), help="Only the last so many intents.")
@click.option(
    "--from", "directory", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Read a node's directory, or a backup."
)
@click.option("--tenant", help="With --from: whose log.")
@click.option("--ci", is_flag=True, help="Exit 1 on any flip that no [[flip]] in the candidate's tests expects.")
@json_option
@pass_here
def replay(here: Here, candidate: Path, since: int | None, last: int | None, directory: Path | None, tenant: str | None, ci: bool) -> None:
    """Ask the bundle in --against for every recorded intent again, with the state as it was then, and show which verdicts flip.

    The log is folded from its beginning, with what the candidate counts, by its budgets and its breakers' limits, so that an intent meets
    what it would have met.  It comes from your node, as you are allowed to read it, or with --from from a directory and its keys; nothing
    is written anywhere.  Money is the worst case of one use; minutes are what approvals took so far, from the card to the vote.

    \b
    Example:
      vienna policy replay --against ./policy --since 30d
      vienna policy replay --against ./policy --ci
      vienna policy replay --against ./policy --from /mnt/backup/monday --tenant belvedere
    """
    recorded_log.together(directory, tenant)
    files = source_of(candidate)
    loaded = bundles.load(files)
    if isinstance(loaded, Findings):
        raise BadEnd(f"the bundle has findings, nothing was replayed; see them with: vienna policy check {candidate}")
    report = Report(loaded, expected_flips.of(files))
    keep: list[tuple[int, Replayed]] = []  # a heap, the oldest first: a case that waited for people is told after younger ones

    def newest(one: Replayed) -> None:
        (heapq.heappush if len(keep) < (last or 0) else heapq.heappushpop)(keep, (one.seq, one))

    take = report.add if last is None else newest
    begun = time.monotonic()
    if directory is not None and tenant is not None:
        world = World(tenant, loaded, Instant(since or 0))
        recorded_log.over_directory(here, directory, tenant, "replaying", lambda chunk: _taken(world.feed(chunk), take))
        _taken(world.flush(), take)
    else:
        world = here.ask(lambda vienna: _from_node(here, vienna, loaded, Instant(since or 0), take))
    for _, one in sorted(keep):
        report.add(one)
    value = {**report.as_json(world.waits), "forgotten": world.forgotten, "seconds": round(time.monotonic() - begun, 3)}
    here.answer(value, *_lines(value, ci=ci))
    if ci and report.unexpected:
        raise BadEnd(f"{counted(report.unexpected, 'flip')} that no [[flip]] in the candidate's tests expects")


async def _from_node(here: Here, vienna: Vienna, candidate: Bundle, since: Instant, take: Callable[[Replayed], object]) -> World:
    world = World(vienna.log, candidate, since)
    await recorded_log.over_node(here, vienna, "replaying", lambda chunk: _taken(world.feed(chunk), take))
    _taken(world.flush(), take)
    return world


def _taken(found: Iterable[Replayed], take: Callable[[Replayed], object]) -> None:
    for one in found:
        take(one)


def _lines(value: dict[str, Any], *, ci: bool) -> Iterator[RenderableType]:
    groups = value["groups"]
    yield f"{counted(value['intents'], 'intent')} replayed in {value['seconds']:.1f} s: {counted(value['flips'], 'flip')}"
    if value["forgotten"]:
        yield f"{counted(value['forgotten'], 'intent')} could not be replayed: their bodies have been forgotten"
    if groups:
        yield ""
        yield flips.table(groups)
        yield from flips.examples(groups)
        yield ""
    if value["newly_allowed"] or value["newly_denied"] or value["newly_unwatched"]:
        yield f"newly allowed: {money(value['newly_allowed'])}"
        yield f"newly denied: {money(value['newly_denied'])}"
        yield f"looked at by a person then, by nobody now: {money(value['newly_unwatched'])}"
    if (over := value["over_budget"])["count"]:
        whose = ", ".join(f"{budget_words.said(scope)} {count}" for scope, count in list(over["budgets"].items())[:MOST_NAMED])
        yield shown(f"its budgets would have refused {counted(over['count'], 'intent')} worth {money(over['money'])}: {whose}")
    if value["approvals"]:
        minutes = value["approver_minutes"]
        took = "; none was ever given, so nobody knows how long they take" if minutes is None else f", about {minutes:+d} minutes"
        yield f"approvals: {value['approvals']:+d}{took}"
    for name, met in value["expected"].items():
        if not met:
            yield f"expected and not found: {name}"
    yield f"verdict: {value['verdict']}: {SAID[value['verdict']]}"
    if ci:
        yield "every flip was expected" if not value["unexpected"] else f"{counted(value['unexpected'], 'flip')} not expected"
