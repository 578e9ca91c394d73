"""``vienna breaker simulate``: when the detectors of a bundle would have tripped on what was recorded, and how often for nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
import click
from rich.console import RenderableType
from rich.table import Table

from actors.governance.breaker_limits import BreakerLimits
from actors.governance.ids import Instant
from vienna_runtime.cli import recorded_log
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.phrases import clock, counted, lasting
from vienna_runtime.cli.policy_directory import loaded, source_of
from vienna_runtime.cli.shown import shown
from vienna_runtime.cli.when import WHEN
from vienna_runtime.client import Vienna
from vienna_runtime.replay.breakers import DETECTORS, VERDICTS, Simulation, Trip

MOST_SHOWN = 20  # trips one by one; as JSON up to MOST_TOLD
MOST_TOLD = 1_000


@click.command()
@click.option("--since", type=WHEN, default=None, help="Only trips from then on: a date (UTC), or how long ago, as in 30d.")
@click.option(
    "--bundle",
    "candidate",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="By this one's [breaker]; else as in force.",
)
@click.option(
    "--from", "directory", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Read a node's directory, or a backup."
)
@click.option("--tenant", help="With --from: whose log.")
@json_option
@pass_here
def simulate(here: Here, since: int | None, candidate: Path | None, directory: Path | None, tenant: str | None) -> None:
    """Fold the recorded log and say when each detector would have tripped which scope, and how often nothing bad followed.

    A trip is *right* where a run then failed, was a mismatch or became unknown, or an intent was denied, in its scope within the
    detector's window, and *false* where things were decided or run and none of that happened.  *quiet*: nothing followed.  *shut*: the
    scope was shut or paused in truth.  *open*: the log ends before.  Nothing is written anywhere.

    \b
    Example:
      vienna breaker simulate --since 30d
      vienna breaker simulate --bundle ./policy --from /mnt/backup/monday --tenant belvedere
    """
    recorded_log.together(directory, tenant)
    if since is not None and since > time.time_ns() // 1000:
        raise click.UsageError("--since is yet to come: nothing is recorded from then on")
    limits = None if candidate is None else loaded(candidate, source_of(candidate)).settings.breaker
    trips: list[Trip] = []
    begun = time.monotonic()
    if directory is not None and tenant is not None:
        simulation = Simulation(tenant, limits, Instant(since or 0))
        recorded_log.over_directory(here, directory, tenant, "simulating", lambda chunk: trips.extend(simulation.feed(chunk)))
    else:
        simulation = here.ask(lambda vienna: _from_node(here, vienna, limits, Instant(since or 0), trips))
    trips += simulation.end()
    trips.sort(key=lambda trip: trip.seq)
    here.answer(_value(simulation, trips, time.monotonic() - begun), *_lines(simulation, trips))


async def _from_node(here: Here, vienna: Vienna, limits: BreakerLimits | None, since: Instant, trips: list[Trip]) -> Simulation:
    simulation = Simulation(vienna.log, limits, since)
    await recorded_log.over_node(here, vienna, "simulating", lambda chunk: trips.extend(simulation.feed(chunk)))
    return simulation


def groups(trips: Iterable[Trip]) -> list[dict[str, Any]]:
    """A line for each detector and scope that ever tripped, in the order of the detectors."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for trip in trips:
        one = found.setdefault((trip.detector, trip.scope), {"detector": trip.detector, "scope": trip.scope, "trips": 0})
        one["trips"] += 1
        one[trip.verdict] = one.get(trip.verdict, 0) + 1
    for one in found.values():
        one |= {verdict: one.get(verdict, 0) for verdict in VERDICTS}
    return sorted(found.values(), key=lambda one: (DETECTORS.index(one["detector"]), one["scope"]))


def _value(simulation: Simulation, trips: list[Trip], seconds: float) -> dict[str, Any]:
    return {
        "intents": simulation.intents,
        "runs": simulation.runs,
        "first": simulation.first,
        "last": simulation.last,
        "forgotten": simulation.forgotten,
        "groups": groups(trips),
        "trips": [attrs.asdict(trip) for trip in trips[:MOST_TOLD]],
        "seconds": round(seconds, 3),
    }


def _lines(simulation: Simulation, trips: list[Trip]) -> Iterator[RenderableType]:
    span = lasting(simulation.last - simulation.first) if simulation.last > simulation.first else "no time"
    seen = f"{counted(simulation.intents, 'intent')} and {counted(simulation.runs, 'ended run')}"
    yield f"{seen} within {span}: {counted(len(trips), 'trip')}"
    if simulation.forgotten:
        yield f"{counted(simulation.forgotten, 'entry', 'entries')} could not be looked at: their bodies have been forgotten"
    if not trips:
        return
    yield ""
    table = Table("detector", "scope", "trips", *VERDICTS, box=None, pad_edge=False)
    for one in groups(trips):
        table.add_row(shown(one["detector"]), shown(one["scope"]), *(str(one[name]) for name in ("trips", *VERDICTS)))
    yield table
    yield ""
    each = Table("when (UTC)", "entry", "scope", "verdict", "why", box=None, pad_edge=False)
    for trip in trips[:MOST_SHOWN]:
        each.add_row(clock(trip.at), str(trip.seq), shown(trip.scope), trip.verdict, shown(trip.why))
    yield each
    if len(trips) > MOST_SHOWN:
        yield f"and {len(trips) - MOST_SHOWN} more; --json has them"
