"""``vienna selftest``: what the ledger promises about crashes, tried on this machine, in directories that are thrown away."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TypeVar

import attrs
import click
from rich.table import Table

from ledger import VerifierKey
from vienna_runtime.cli.exits import BadEnd
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import VERIFIER_KEY
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.progress import watching
from vienna_runtime.cli.selftest_simulate import simulate
from vienna_runtime.cli.selftest_whole import chaos, processes

F = TypeVar("F", bound=Callable[..., object])
_SEEDS = 1 << 32


def _seed(command: F) -> F:
    return click.option("--seed", type=int, help="Of everything that is left to chance.  Default: another each time; it is printed.")(
        command
    )


def _place(command: F) -> F:
    directory = click.Path(path_type=Path, file_okay=False, exists=True)
    return click.option("--in", "place", type=directory, help="Where: on the disk that is meant.  Default: where temporary files go.")(
        command
    )


@click.group(cls=Listing)
def selftest() -> None:
    """Try what the ledger promises about crashes, and the whole node on simulated machines.  Nothing of a node is touched."""


selftest.add_command(simulate)
selftest.add_command(processes)
selftest.add_command(chaos)


@selftest.command("crash-states")
@click.option(
    "--states",
    type=click.IntRange(10),
    default=2000,
    show_default=True,
    help="Of the ledger; half as many of months in which it is archived and forgotten, a quarter as many of the other files.",
)
@_seed
@_place
@json_option
@pass_here
def crash_states(here: Here, states: int, seed: int | None, place: Path | None) -> None:
    """Open every kind of state that a power cut may leave, and look for what was acknowledged (needs strace).

    A writer's system calls are recorded; between each two syncs, any choice of what was not synced yet is taken as lost, torn
    at sectors of 512 bytes.  Exit code 1 when a promise was broken; the state is kept to look at.

    \b
    Example:
      vienna selftest crash-states --states 2000
    """
    from vienna_runtime.selftest import explore, subjects

    chosen, found = _chosen(seed), []
    for name, most in (("ledger", states), ("months", max(10, states // 2)), ("files", max(10, states // 4))):
        with _below(place) as directory, watching(here) as watch:
            below = Path(directory).resolve()
            subject = {
                "ledger": partial(subjects.ledger, commits=max(10, states // 30)),
                "months": partial(subjects.aged, steps=max(20, states // 20)),
                "files": partial(subjects.files, rounds=max(10, states // 50)),
            }[name](below, seed=chosen)

            def progress(run: explore.Exploration, name: str = name, most: int = most, watch: Callable[..., None] = watch) -> None:
                watch(f"states of the {name}", run.states, most)

            found.append(explore.explore(subject, below, states=most, seed=chosen, keep=_kept(place, chosen), progress=progress))
    table = Table(
        "what", "system calls", "crash points", "states", "opened whole", "refused to open", "violations", box=None, pad_edge=False
    )
    for run in found:
        counts = (run.calls.total() - run.calls["said"], run.points, run.states, run.outcomes["whole"] + run.outcomes["nothing yet"])
        table.add_row(run.subject, *map(str, counts), str(run.outcomes["refused"]), str(run.violations))
    here.answer({"seed": chosen, "subjects": [attrs.asdict(run) for run in found]}, table, f"seed {chosen}")
    _judge([f"{run.subject}, state {one.state}: {one.what} (kept in {one.kept})" for run in found for one in run.findings])


@selftest.command()
@click.option("--every", type=click.IntRange(1), default=1, show_default=True, help="Try only one fault of so many.")
@_seed
@_place
@json_option
@pass_here
def inject(here: Here, every: int, seed: int | None, place: Path | None) -> None:
    """Have each system call of a writer fail, or be its last, one run each (needs strace).

    EIO and ENOSPC once and from then on, short writes, no memory for a larger map, SIGKILL.  Exit code 1 when a promise was broken.

    \b
    Example:
      vienna selftest inject
      vienna selftest inject --every 20
    """
    from vienna_runtime.selftest import sweep

    chosen = _chosen(seed)
    with watching(here) as watch:
        found = sweep.sweep(
            seed=chosen, every=every, keep=_kept(place, chosen), progress=lambda run: watch("faults injected", run.runs, run.of)
        )
    table = Table("system call", "fault", "runs", "what became of the writer", box=None, pad_edge=False)
    faults = sorted({(call, fault) for call, fault, _ in found.outcomes})
    for call, fault in faults:
        ends = {end: count for (of, by, end), count in sorted(found.outcomes.items()) if (of, by) == (call, fault)}
        table.add_row(call, fault, str(sum(ends.values())), ", ".join(f"{end} {count}" for end, count in ends.items()))
    outcomes = [{"call": call, "fault": fault, "ended": end, "runs": count} for (call, fault, end), count in sorted(found.outcomes.items())]
    here.answer(
        {**attrs.asdict(found, filter=lambda field, _: field.name != "outcomes"), "seed": chosen, "outcomes": outcomes},
        table,
        f"{found.runs} runs, {found.failed} commits of unknown outcome, {found.acknowledged} entries acknowledged, "
        f"{found.violations} violations; seed {chosen}",
    )
    _judge([f"{one.call} number {one.number}, {one.fault}: {one.what} (kept in {one.kept})" for one in found.findings])


@selftest.command()
@click.option("--rounds", type=click.IntRange(1), default=100, show_default=True, help="How often the writer is killed.")
@_seed
@_place
@json_option
@pass_here
def crash(here: Here, rounds: int, seed: int | None, place: Path | None) -> None:
    """Kill a writer under load, again and again, and look for every entry that it acknowledged.

    At moments of chance, and at each named write point.  Exit code 1, with the seed and the directory, when a promise was broken.

    \b
    Example:
      vienna selftest crash --rounds 1000
    """
    from vienna_runtime.selftest import killing

    chosen = _chosen(seed)
    with watching(here) as watch:
        found = killing.kill(rounds=rounds, seed=chosen, place=place, progress=lambda run: watch("rounds", run.rounds, rounds))
    table = Table("killed", "rounds", box=None, pad_edge=False)
    for point, count in sorted(found.kills.items()):
        table.add_row(point if point == killing.CHANCE else f"at the point {point}", str(count))
    here.answer(
        {**attrs.asdict(found), "seed": chosen},
        table,
        f"{found.rounds} rounds in {found.seconds:.0f} s ({found.rounds / max(found.seconds, 0.001):.1f}/s), seed {chosen}",
        f"{found.entries} entries in {found.commits} commits acknowledged and found again; {found.verified} verified",
        f"of the commits under way {found.there} were found whole, {found.absent} not at all, none in part"
        if found.finding is None
        else "a promise was broken",
    )
    _judge([] if found.finding is None else [f"round {found.rounds + 1}: {found.finding} (kept in {found.kept}, seed {chosen})"])


@selftest.command("disk-full")
@click.option("--seconds", type=click.FloatRange(min=0.1), default=60.0, show_default=True, help="How long the disk stays full.")
@click.option("--size", type=click.IntRange(4, 1024), default=16, show_default=True, help="MiB of the small disk that is made (as root).")
@_place
@json_option
@pass_here
def disk_full(here: Here, seconds: float, size: int, place: Path | None) -> None:
    """Fill a small disk under the load of 32 callers, and see that it only refuses until there is room.

    The disk is one in memory, which takes root, or an empty directory on a small one that is named with --in.

    \b
    Example:
      vienna selftest disk-full --seconds 60
      vienna selftest disk-full --in /mnt/small
    """
    from vienna_runtime.selftest import filling

    with watching(here) as watch, filling.small_disk(size << 20) if place is None else nullcontext(place) as disk:
        found = filling.fill(disk, seconds=seconds, progress=lambda what, passed: watch(what, round(passed), round(seconds)))
    table = Table(show_header=False, box=None, pad_edge=False)
    for what, value in (
        ("full after", f"{found.full_after:.1f} s, {found.acknowledged_before} entries"),
        ("full for", f"{found.full_for:.1f} s"),
        ("calls refused meanwhile", ", ".join(f"{count} {why}" for why, count in found.refused.items())),
        ("reads meanwhile", f"{found.reads}, every one right, the slowest {found.slowest_read * 1000:.0f} ms"),
        ("writing again after", f"{found.resumed_after:.1f} s of room"),
        ("acknowledged", f"{found.acknowledged} entries"),
        ("found at the end", f"{found.entries} entries, verified"),
        ("outcome unknown", f"{found.indeterminate} submissions, in {found.failures} failed commits and probes"),
    ):
        table.add_row(what, value)
    here.answer(attrs.asdict(found), table)


@selftest.command()
@click.option("--count", type=click.IntRange(1), default=2_000_000, show_default=True, help="How many bits, one at a time.")
@click.option("--whole", type=click.IntRange(0), default=300, show_default=True, help="How many more, put to the whole of `vienna verify`.")
@click.option("--evidence", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Turn bits over in this file as well.")
@click.option("--key", type=VERIFIER_KEY, help="The node's verifier key for it.")
@click.option("--of-evidence", type=click.IntRange(1), default=2000, show_default=True, help="How many bits in that file.")
@_seed
@_place
@json_option
@pass_here
def flips(
    here: Here,
    count: int,
    whole: int,
    evidence: Path | None,
    key: VerifierKey | None,
    of_evidence: int,
    seed: int | None,
    place: Path | None,
) -> None:
    """Turn single bits over in stored entries, nodes, bodies, checkpoints and tiles, and see that each is noticed.

    Each is put to the very check of `vienna verify` that has to notice it; some hundred more are made in the files and put to the
    whole of it.  Exit code 1 when one went unnoticed.

    \b
    Example:
      vienna selftest flips --count 2000000
      vienna selftest flips --count 1000 --evidence case.evidence --key vienna.local+8ce88a58+Acp3zachS/nB...
    """
    from vienna_runtime.selftest import flip_places
    from vienna_runtime.selftest import flips as flipping

    if (evidence is None) is not (key is None):
        raise click.UsageError("--evidence and --key belong together")
    chosen, file = _chosen(seed), None if evidence is None or key is None else (evidence.read_bytes(), key)
    with watching(here) as watch:
        found = flipping.flip(count=count, whole=whole, seed=chosen, place=place, evidence=file, of_evidence=of_evidence, progress=watch)
    table = Table("in", "bits", "by the whole of verify", box=None, pad_edge=False)
    for kind in (*flip_places.KINDS, flipping.EVIDENCE):
        if found.flips[kind] or found.whole[kind]:
            table.add_row(kind, str(found.flips[kind]), str(found.whole[kind]))
    here.answer(
        {**attrs.asdict(found), "seed": chosen},
        table,
        f"{found.flips.total() + found.whole.total()} bits in {found.seconds:.0f} s, {found.missed} unnoticed; seed {chosen}",
    )
    _judge(found.undetected)


def _chosen(seed: int | None) -> int:
    return secrets.randbelow(_SEEDS) if seed is None else seed


def _below(place: Path | None) -> AbstractContextManager[str]:
    return tempfile.TemporaryDirectory(prefix="vienna-selftest-", dir=place)


def _kept(place: Path | None, seed: int) -> Path:
    """Made only when there is something to keep."""
    return (place or Path(tempfile.gettempdir())) / f"vienna-selftest-found-{seed}"


def _judge(findings: list[str]) -> None:
    if findings:
        raise BadEnd("a promise of the ledger was broken: " + "; ".join(findings))
