"""From a schedule that breaks a promise to a short one that breaks the same: delta debugging over its steps, and a file of it.

all steps up to the break ──▶ halves, quarters, … left out as long as it still breaks ──▶ single steps ──▶ a file
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from vienna_runtime.selftest.simulation.acts import WEIGHTS
from vienna_runtime.selftest.simulation.run import STEPS, Result, play
from vienna_runtime.selftest.simulation.schedule import Step, schedule

MOST_TRIES = 400  # runs; each is shorter than the one before, so that they take about a minute


@attrs.frozen(kw_only=True)
class Shrunk:
    seed: int
    promise: str
    seen: str
    steps: tuple[Step, ...]
    tries: int


def shrink(
    seed: int, steps: int = STEPS, *, tries: int = MOST_TRIES, progress: Callable[[int, int], None] = lambda tried, left: None
) -> Shrunk | None:
    """The shortest that was found; None where the seed breaks nothing."""
    whole = play(seed, steps)
    if whole.finding is None:
        return None
    promise, best = whole.finding.promise, schedule(seed, steps, WEIGHTS)[: whole.steps]
    seen, tried, size = whole.finding.seen, 0, max(1, whole.steps // 2)
    while size and tried < tries:
        at, shorter = 0, False
        while at < len(best) and tried < tries:
            without = best[:at] + best[at + size :]
            tried += 1
            found = play(seed, chosen=without).finding
            progress(tried, len(best))
            if found is not None and found.promise == promise:
                best, seen, shorter = without[: found.step] if found.step else without, found.seen, True
            else:
                at += size
        size = size if shorter and size > 1 else size // 2
    return Shrunk(seed=seed, promise=promise, seen=seen, steps=tuple(best), tries=tried)


def write(place: Path, shrunk: Shrunk) -> Path:
    """A file that ``replay`` plays again, named after the seed."""
    file = place / f"seed-{shrunk.seed}.json"
    lines = ",\n    ".join(json.dumps(list(step)) for step in shrunk.steps)
    head = {"seed": shrunk.seed, "promise": shrunk.promise, "seen": shrunk.seen}
    file.write_text(json.dumps(head, indent=2)[:-2] + f',\n  "steps": [\n    {lines}\n  ]\n}}\n')
    return file


def replay(file: Path) -> Result:
    """Plays what is written in a file."""
    written = json.loads(file.read_text())
    return play(written["seed"], chosen=steps_of(written["steps"]))


def steps_of(rows: Sequence[Sequence[object]]) -> list[Step]:
    return [Step(*row) for row in rows]  # type: ignore[arg-type]  # as ``write`` wrote them
