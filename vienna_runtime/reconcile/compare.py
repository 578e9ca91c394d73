"""Effects without a warrant, warrants without an effect: records of what happened, or of what is there, against the runs of a log.

what happened    each record is one run; matched by the effect's id where the provider has it, else by place or resource, digest
                 where both have one, and time; each succeeded run of the window is one record
what is there    each place holds what its newest run left there, or what a run left that was under way during the look
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs

from vienna_runtime.reconcile.record import Record
from vienna_runtime.reconcile.runs import SLACK, Run, Runs

ROGUE, MISSING, DOUBT, FAILED = "effect_without_warrant", "warrant_without_effect", "unknown_but_there", "failed_but_there"
_BETTER = {"succeeded": 0, "open": 1, "unknown": 2, "failed": 3}


@attrs.define
class Counts:
    records: int = 0
    matched: int = 0
    since: int = 0
    until: int = 0


def happened(
    runs: Runs, records: Iterable[Record], actions: frozenset[str], since: int | None, until: int | None, told: Callable[[int], object]
) -> Counts:
    """Compares a list of events.  Runs of ``actions``, and of those that records name, must each have a record in the window, which is
    that of the records' own times where none is given."""
    counts, named, first, last = Counts(), set(actions), None, None
    for record in records:
        if record.time is not None and ((since is not None and record.time < since) or (until is not None and record.time > until)):
            continue
        counts.records += 1
        if record.time is not None:
            first = record.time if first is None else min(first, record.time)
            last = record.time if last is None else max(last, record.time)
        run = _run_of(runs, record)
        if run is None:
            runs.find(ROGUE, _about(record), "a redeemed warrant", _observed(record))
        else:
            named.add(run.action)
            counts.matched += 1
            runs.match(run)
            _doubtful(runs, run, record)
        if counts.records % 1_000 == 0:
            told(1_000)
    counts.since = since if since is not None else (first or 0)
    counts.until = until if until is not None else (last if last is not None else 2**63 - 1)
    for action in sorted(named):
        for run in runs.select(
            "action = ? and outcome = 'succeeded' and matched = 0 and opened >= ? and ended <= ? order by opened",
            action, counts.since, counts.until,
        ):  # fmt: skip
            _missing(runs, run, "no record of it")
    return counts


def _run_of(runs: Runs, record: Record) -> Run | None:
    """The run that this record tells of, and no other record did."""
    if record.effect:
        found = list(runs.select("effect = ? order by opened", record.effect))
        return min(found, key=lambda run: (run.matched, _BETTER[run.outcome]), default=None)
    where = "place = ?" if record.place else "resource = ?"
    values = [record.place or record.resource]
    if record.action:
        where, values = f"{where} and action = ?", [*values, record.action]
    found = [
        run
        for run in runs.select(f"{where} and matched = 0 order by opened", *values)
        if not (record.digest and run.digest) or record.digest == run.digest
    ]
    if record.time is None:
        return min(found, key=lambda run: _BETTER[run.outcome], default=None)
    at = record.time
    return next((run for run in found if run.opened - SLACK <= at and at - SLACK <= run.ended), None)


def _doubtful(runs: Runs, run: Run, record: Record) -> None:
    if run.outcome in ("unknown", "failed"):
        runs.find(DOUBT if run.outcome == "unknown" else FAILED, _about(record), f"{run}", _observed(record), run.run)


def present(runs: Runs, records: Iterable[Record], begun: int, told: Callable[[int], object]) -> Counts:
    """Compares what lies at each place now; ``begun`` is when the look began."""
    counts = Counts(until=begun)
    for record in records:
        counts.records += 1
        newest = _last(runs, record.place, begun)
        fits = [run for run in newest if not run.absent and (run.digest == record.digest or _leaves_anything(run))]
        if fits:
            counts.matched += 1
            best = min(fits, key=lambda run: _BETTER[run.outcome])
            _doubtful(runs, best, record)
        else:
            done = [run for run in newest if run.outcome == "succeeded"]
            runs.find(ROGUE, _about(record), _left(done[-1]) if done else "a redeemed warrant", _observed(record))
        for run in newest:
            runs.match(run)  # what it left is looked at: nothing is missing, at most another is there
        if counts.records % 1_000 == 0:
            told(1_000)
    previous = ""
    for run in runs.select("place != '' and outcome = 'succeeded' and matched = 0 and ended < ? order by place, opened desc", begun):
        if run.place == previous:
            continue
        previous = run.place
        last = [one for one in _last(runs, run.place, begun) if one.outcome == "succeeded"]
        if last and not last[-1].absent and not any(one.matched for one in last):
            _missing(runs, last[-1], "nothing is there")
    return counts


def _leaves_anything(run: Run) -> bool:
    """Nothing says what it leaves: then whatever lies there may be its own.  Of one that did not succeed nothing is its own."""
    return not run.digest and run.outcome in ("succeeded", "open")


def _last(runs: Runs, place: str, begun: int) -> list[Run]:
    """The runs that may have left what is at this place: the newest one that succeeded before the look, and all since."""
    found: list[Run] = []
    for run in runs.select("place = ? order by opened desc", place):
        found.append(run)
        if run.outcome == "succeeded" and run.ended + SLACK < begun:
            break
    return found[::-1]


def _missing(runs: Runs, run: Run, observed: str) -> None:
    what = run.place or f"{run.action} {run.resource}"
    runs.find(MISSING, f"{what} by run {run.run}", _left(run), observed, run.run)


def _left(run: Run) -> str:
    what = "nothing there" if run.absent else f"what it left, {run.digest}" if run.digest else "its effect"
    return f"{run}: {what}"


def _about(record: Record) -> str:
    when = "" if record.time is None or record.digest or record.effect else f" at {record.time}"
    return f"{record}{when}" if not record.effect else f"{record} effect {record.effect}" if record.place else f"{record}{when}"


def _observed(record: Record) -> str:
    parts = {"digest": record.digest, "by": record.actor, "effect": record.effect}
    return ", ".join([str(record.place or record.resource or "an effect"), *(f"{name} {value}" for name, value in parts.items() if value)])
