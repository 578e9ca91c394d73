"""Many seeds, in as many processes as there are processors, from where an earlier run was stopped.

What is found goes to a file of lines as it is found, a line for each stretch of seeds; a line that was cut off is done again.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any

import attrs

from vienna_runtime.selftest.simulation.run import play

STRETCH = 5  # seeds handed out at once: some seconds' work
FRESH = 40  # stretches until a process is replaced: a long life is another kind of test
AHEAD = 2  # stretches that wait for each process


@attrs.frozen(kw_only=True)
class Found:
    """A seed that broke a promise."""

    seed: int
    step: int
    promise: str
    seen: str


@attrs.define(kw_only=True)
class Tally:
    """What has been played."""

    seeds: int = 0
    steps: int = 0
    busy: float = 0.0  # s of processors
    events: Counter[str] = attrs.Factory(Counter)
    acts: Counter[str] = attrs.Factory(Counter)
    answers: Counter[str] = attrs.Factory(Counter)
    found: list[Found] = attrs.Factory(list)

    def add(self, line: Mapping[str, Any]) -> None:
        self.seeds += line["seeds"]
        self.steps += line["played"]
        self.busy += line["busy"]
        self.events.update(line["events"])
        self.acts.update(line["acts"])
        self.answers.update(line["answers"])
        self.found += [Found(**found) for found in line["found"]]


Progress = Callable[[Tally], None]


def _end_with(parent: int) -> None:
    """A process whose parent was killed ends too: nobody would fetch what it finds."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def stretch(first: int, seeds: int, steps: int) -> dict[str, Any]:
    """Plays some seeds one after the other; a line of the file."""
    begun, tally = time.process_time(), Tally()
    for seed in range(first, first + seeds):
        result = play(seed, steps)
        tally.steps += result.steps
        for counts, more in ((tally.events, result.events), (tally.acts, result.acts), (tally.answers, result.answers)):
            counts.update(more)
        if result.finding is not None:
            tally.found.append(Found(seed=seed, **attrs.asdict(result.finding)))
    return {
        "first": first, "seeds": seeds, "steps": steps, "played": tally.steps, "busy": time.process_time() - begun,
        "events": tally.events, "acts": tally.acts, "answers": tally.answers, "found": [attrs.asdict(found) for found in tally.found],
    }  # fmt: skip


def simulate(
    seeds: range, steps: int, *, jobs: int | None = None, resume: Path | None = None, progress: Progress = lambda tally: None
) -> Tally:
    """Plays them all; ends early at nothing but an error of its own."""
    tally, done = Tally(), set[tuple[int, int]]()
    if resume is not None and resume.exists() and not resume.read_text().endswith("\n"):
        with resume.open("a") as file:
            file.write("\n")  # behind a line that was cut off
    for line in _written(resume):
        if line["steps"] == steps and line["first"] in seeds:
            done.add((line["first"], line["seeds"]))
            tally.add(line)
    left = [part for part in _stretches(seeds) if part not in done]
    progress(tally)
    jobs = min(jobs or len(os.sched_getaffinity(0)), max(1, len(left)))
    if jobs == 1:
        for first, count in left:
            _take(tally, stretch(first, count, steps), resume, progress)
        return tally
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, max_tasks_per_child=FRESH, initializer=_end_with, initargs=(os.getpid(),)) as pool:
        waiting: set[Future[dict[str, Any]]] = set()
        while left or waiting:
            while left and len(waiting) < jobs * AHEAD:
                waiting.add(pool.submit(stretch, *left.pop(0), steps))
            ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for one in ended:
                _take(tally, one.result(), resume, progress)
    return tally


def _stretches(seeds: range) -> list[tuple[int, int]]:
    return [(first, min(STRETCH, seeds.stop - first)) for first in range(seeds.start, seeds.stop, STRETCH)]


def _take(tally: Tally, line: dict[str, Any], resume: Path | None, progress: Progress) -> None:
    tally.add(line)
    if resume is not None:
        with resume.open("a") as file:
            file.write(json.dumps(line) + "\n")
    progress(tally)


def _written(resume: Path | None) -> Iterator[dict[str, Any]]:
    """The lines of an earlier run that are whole."""
    if resume is None or not resume.exists():
        return
    for text in resume.read_text().splitlines():
        try:
            yield json.loads(text)
        except ValueError:
            continue
