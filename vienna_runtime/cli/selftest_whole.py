"""``vienna selftest processes`` and ``chaos``: all of a node, killed, paused, filled and cut off, under load and in mid-case."""

from __future__ import annotations

import secrets
from collections import Counter
from pathlib import Path

import attrs
import click
from rich.table import Table

from vienna_runtime.cli.exits import BadEnd
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.progress import watching
from vienna_runtime.selftest import processes as cells
from vienna_runtime.selftest.phases import PHASES

_DIRECTORY = click.Path(path_type=Path, file_okay=False, exists=True)


@click.command()
@click.option("--who", multiple=True, type=click.Choice(cells.WHO), help="Only this process; repeat for several.")
@click.option("--signal", "signals", multiple=True, type=click.Choice(cells.SIGNALS), help="Only this signal.")
@click.option("--phase", "phases", multiple=True, type=click.Choice(PHASES), help="Only this phase; repeat for several.")
@click.option("--seed", type=int, help="Of the order.  Default: another each time; it is printed.")
@click.option("--in", "place", type=_DIRECTORY, help="Where: on the disk that is meant.  Default: where temporary files go.")
@json_option
@pass_here
def processes(
    here: Here, who: tuple[str, ...], signals: tuple[str, ...], phases: tuple[str, ...], seed: int | None, place: Path | None
) -> None:
    """Kill and pause node, executor, verifier and client in every phase of a case, and see where it ends.

    A node of its own with one tenant, and a target that counts what was really executed; 72 cells take two minutes.  Exit code 1
    when something was executed twice or not at all, or a case ended elsewhere than it must.

    \b
    Example:
      vienna selftest processes
      vienna selftest processes --who executor --signal KILL --phase acting
    """
    chosen = secrets.randbelow(1 << 32) if seed is None else seed
    wanted = [
        cell
        for cell in cells.ALL
        if cell.who in (who or cells.WHO) and cell.signal in (signals or cells.SIGNALS) and cell.phase in (phases or PHASES)
    ]
    with watching(here) as watch:
        found = cells.run(wanted, seed=chosen, place=place, progress=lambda run: watch("cells", len(run.cells), len(wanted)))
    here.answer(
        {
            "seed": chosen,
            "cells": [
                {
                    "who": one.cell.who,
                    "signal": one.cell.signal,
                    "phase": one.cell.phase,
                    "outcome": one.outcome,
                    "executions": one.executions,
                    "runs": one.runs,
                    "settled_by_probe": one.by_probe,
                    "seconds": round(one.seconds, 2),
                    "wrong": one.wrong,
                }
                for one in found.cells
            ],
            "starts": found.starts,
            "entries": found.entries,
            "seconds": round(found.seconds, 1),
            "finding": found.finding,
        },
        _table(found, wanted),
        f"{len(found.cells)} cells in {found.seconds:.0f} s, {len(found.wrong)} wrong; {found.entries} entries, verified; seed {chosen}",
        "(1): executed once; *: nobody knew the outcome, and a probe settled it",
    )
    if found.wrong:
        raise BadEnd("a promise was broken: " + "; ".join(found.wrong))


@click.command()
@click.option("--minutes", type=click.FloatRange(min=0.05), default=10.0, show_default=True, help="How long, after full load was measured.")
@click.option("--seed", type=int, help="Of what is left to chance.  Default: another each time; it is printed.")
@click.option(
    "--in", "place", type=_DIRECTORY, help="On this disk, which is not filled.  Default: one in memory (as root), 300 MiB a minute."
)
@json_option
@pass_here
def chaos(here: Here, minutes: float, seed: int | None, place: Path | None) -> None:
    """Keep a node at half of its full load through one misfortune after the other, and look for all that it acknowledged.

    Killed, paused, its disk filled, its connections cut, its network silent; after each, how long until a write is answered again. At
    the end every log is verified.  Exit code 1 when something acknowledged is not there, or stands there twice.

    \b
    Example:
      vienna selftest chaos --minutes 10
    """
    from vienna_runtime.selftest import chaos as misfortunes

    chosen = secrets.randbelow(1 << 32) if seed is None else seed
    with watching(here) as watch:
        found = misfortunes.run(
            minutes=minutes, seed=chosen, place=place, progress=lambda what, passed: watch(what, round(passed), round(minutes * 60))
        )
    table = Table("fault", "times", "back after p50", "p99", "longest", box=None, pad_edge=False)
    rows = [*((fault, sorted(found.recoveries[fault])) for fault in found.recoveries), ("all", found.all_recoveries)]
    for fault, ordered in rows:
        figures = (misfortunes.percentile(ordered, 50), misfortunes.percentile(ordered, 99), ordered[-1] if ordered else 0.0)
        table.add_row(fault, str(len(ordered)), *(f"{seconds:.2f} s" for seconds in figures))
    here.answer(
        {
            **attrs.asdict(found),
            "seed": chosen,
            "p50": misfortunes.percentile(found.all_recoveries, 50),
            "p99": misfortunes.percentile(found.all_recoveries, 99),
        },
        table,
        f"full load {found.full_load:.0f} cases/s, under chaos {found.load:.0f}; {found.seconds:.0f} s in all, seed {chosen}",
        f"{found.cases} cases and {found.reports} reports acknowledged, {len(found.lost)} lost, {len(found.twice)} done twice; "
        f"{found.answers_lost} more reports were taken, and their answer lost",
        f"{found.entries} entries, verified" if found.finding is None else f"a promise was broken: {found.finding}",
        *([f"not tried: {found.not_tried}"] if found.not_tried else []),
    )
    if found.wrong:
        raise BadEnd("a promise was broken: " + "; ".join(found.wrong))


def _table(found: cells.Table, wanted: list[cells.Cell]) -> Table:
    """A row for each process and signal, a column for each phase."""
    seen = {one.cell: f"{one.outcome} ({one.executions})" + ("*" if one.by_probe else "") for one in found.cells}
    phases = [phase for phase in PHASES if any(cell.phase == phase for cell in wanted)]
    rows = list(Counter((cell.who, cell.signal) for cell in sorted(wanted, key=lambda cell: (cells.WHO.index(cell.who), cell.signal))))
    table = Table("", "", *phases, box=None, pad_edge=False)
    for who, signal in rows:
        table.add_row(who, signal, *(seen.get(cells.Cell(who, signal, phase), "-") for phase in phases))
    return table
