"""``vienna selftest simulate``: whole nodes on simulated machines, each from one seed, against what must always hold."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import attrs
import click
from rich.table import Table

from vienna_runtime.cli.exits import BadEnd
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.progress import watching

_MOST = 1 << 31  # seeds


@click.command()
@click.option("--seeds", type=click.IntRange(1), default=100, show_default=True, help="How many seeds, one after the other.")
@click.option("--from", "first", type=click.IntRange(0, _MOST), default=0, show_default=True, help="The first of them.")
@click.option("--seed", type=click.IntRange(0, _MOST), help="This one alone.  It does the same each time; its digest is printed.")
@click.option("--steps", type=click.IntRange(1), default=500, show_default=True, help="Steps of each seed.")
@click.option("--jobs", type=click.IntRange(1), help="Processes.  Default: one a processor.")
@click.option("--resume", type=click.Path(path_type=Path, dir_okay=False), help="Note here what is done, and go on from what is noted.")
@click.option(
    "--shrink",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Look for the shortest schedule that breaks the same promise, and write it into this directory.",
)
@click.option("--replay", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Play a schedule that was written so.")
@json_option
@pass_here
def simulate(
    here: Here,
    seeds: int,
    first: int,
    seed: int | None,
    steps: int,
    jobs: int | None,
    resume: Path | None,
    shrink: Path | None,
    replay: Path | None,
) -> None:
    """Run whole nodes on simulated disks, networks and clocks, and hold every step against what must always hold.

    Agents, approvers and executors of every kind; frames late and lines cut; disks that fail, fill and hang; crashes and clocks that
    jump.  Exit code 1 when a promise was broken, with the seed, which breaks it each time.

    \b
    Example:
      vienna selftest simulate --seeds 100
      vienna selftest simulate --seeds 10000 --jobs 8 --resume simulated.jsonl
      vienna selftest simulate --seed 4711 --shrink .
    """
    from vienna_runtime.selftest.simulation import many, run
    from vienna_runtime.selftest.simulation import shrink as shrinking

    if replay is not None:
        _one(here, shrinking.replay(replay))
    elif seed is not None and shrink is None:
        _one(here, run.play(seed, steps))
    else:
        chosen = range(first, first + seeds) if seed is None else range(seed, seed + 1)
        with watching(here) as watch:
            found = many.simulate(
                chosen, steps, jobs=jobs, resume=resume, progress=lambda tally: watch("simulated seeds", tally.seeds, len(chosen))
            )
            files = [] if shrink is None else [_shrunk(one, steps, shrink, watch) for one in found.found]
        here.answer(
            {**attrs.asdict(found), "files": files},
            _events(found.events),
            f"{found.seeds} seeds, {found.steps} steps, {found.busy / max(1, found.steps) * 1000:.2f} ms of a processor each: "
            f"{len(found.found)} seeds broke a promise",
            *(f"written: {file}" for file in files),
        )
        _judge([f"seed {one.seed}, step {one.step}: {one.promise}: {one.seen[:300]}" for one in found.found])


def _shrunk(found: object, steps: int, place: Path, watch: object) -> str:
    from vienna_runtime.selftest.simulation import many
    from vienna_runtime.selftest.simulation import shrink as shrinking

    assert isinstance(found, many.Found)
    assert callable(watch)
    shrunk = shrinking.shrink(
        found.seed, steps, progress=lambda tried, left: watch(f"seed {found.seed}: {left} steps left, tried", tried, shrinking.MOST_TRIES)
    )
    return "" if shrunk is None else str(shrinking.write(place, shrunk))


def _one(here: Here, result: object) -> None:
    from vienna_runtime.selftest.simulation.run import Result

    assert isinstance(result, Result)
    here.answer(attrs.asdict(result), _events(result.events), f"seed {result.seed}, {result.steps} steps, digest {result.digest}")
    if (found := result.finding) is not None:
        _judge([f"seed {result.seed}, step {found.step}: {found.promise}: {found.seen[:300]}"])


def _events(events: Counter[str]) -> Table:
    """What happened, and how often: that nothing broke says nothing where nothing happened."""
    table = Table("what happened", "times", box=None, pad_edge=False)
    for event, count in sorted(events.items()):
        table.add_row(event, str(count))
    return table


def _judge(findings: list[str]) -> None:
    if findings:
        raise BadEnd("a promise was broken: " + "; ".join(findings[:10]), *findings[10:])
