"""A life over months is ended by SIGKILL at a moment of chance, or at a named write point, and the next one goes on from there.

Like ``killing``, for what ``aging`` does: archiving, forgetting, witnessing, keys that hand over.  Between two lives everything
is looked at without changing it; so what was cut short is gone on with by the next life, in whatever order it comes to it.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import attrs

from vienna_runtime.selftest import apart, outlived
from vienna_runtime.selftest.aging import Life, Told, heard, saying
from vienna_runtime.selftest.errors import Broken
from vienna_runtime.selftest.killing import CHANCE, POINTS, listen

LATEST = 0.3  # s after a life began; it has made some dozens of steps by then
MOST_PASSES = 40  # of a named point before it kills
STEPS = 10_000  # more than a life has time for
LIVES_A_DIRECTORY = 12  # some hundred entries over some dozens of months: each look reads all of it


@attrs.define
class Culling:
    """What was tried, and found."""

    lives: int = 0
    steps: int = 0  # acknowledged
    doing: Counter[str] = attrs.Factory(Counter)  # what was under way, by its first word
    kills: Counter[str] = attrs.Factory(Counter)  # by the point
    finding: str | None = None
    kept: str | None = None  # the directory


def cull(*, lives: int, seed: int, place: Path | None = None, progress: Callable[[Culling], None] = lambda _: None) -> Culling:
    """So many lives, below ``place``; stops at the first finding, with its directory kept."""
    found, chosen = Culling(), random.Random(seed)  # noqa: S311  # chosen, not secret
    while found.lives < lives and found.finding is None:
        below = Path(tempfile.mkdtemp(prefix="vienna-cull-", dir=place))
        try:
            _lives(below / "aged", min(LIVES_A_DIRECTORY, lives - found.lives), chosen, found, progress)
        except Broken as error:
            found.finding, found.kept = str(error), str(below)
        else:
            shutil.rmtree(below)
    return found


def _lives(directory: Path, count: int, chosen: random.Random, found: Culling, progress: Callable[[Culling], None]) -> None:
    told = Told()
    for number in range(count):
        told = _killed(directory, told, chosen, found)
        apart.run(partial(_check, directory, told, number == count - 1))
        found.lives += 1
        found.doing[told.doing.partition(" ")[0]] += 1
        progress(found)


def _killed(directory: Path, before: Told, chosen: random.Random, found: Culling) -> Told:
    point = chosen.choice((CHANCE, *POINTS[:3]))
    read, write = os.pipe()
    life = apart.start(partial(_live, directory, write, chosen.getrandbits(64), point, chosen.randint(1, MOST_PASSES)))
    os.close(write)
    said = listen(read, life, chosen.uniform(0, LATEST) if point == CHANCE else None)
    os.close(read)
    code, text = life.ended()
    if code != -signal.SIGKILL:
        raise Broken(f"the life was not ended, it ended with {code}: {text.decode()}")
    found.kills[point] += 1
    told = heard(said)
    found.steps += told.steps
    if not said.count(b"\n"):
        return before  # it had nothing to say: what was under way before may be settled, or be as it was
    earlier = {log: [*before.destroyed.get(log, ()), *told.destroyed.get(log, ())] for log in {*before.destroyed, *told.destroyed}}
    return attrs.evolve(told, node_key=before.node_key or told.node_key, destroyed=earlier)


def _live(directory: Path, descriptor: int, seed: int, point: str, passes: int) -> None:
    left = passes

    def fault(reached: str) -> None:
        nonlocal left
        left -= reached == point
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    directory.mkdir(exist_ok=True)
    while True:
        Life(directory, random.Random(seed), saying(descriptor), fault).live(STEPS)  # noqa: S311  # chosen, not secret


def _check(directory: Path, told: Told, last: bool) -> None:
    outlived.check(directory, told, go_on=last)
