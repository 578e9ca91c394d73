"""Every kind of state that a power cut may leave is opened and held against what was acknowledged by then.

A program runs once under strace.  Between two syncs is a crash point: everything synced is there, and of the rest any
choice, torn at any sectors; acknowledged is what was told before.  States of an earlier moment between the same two syncs
are among them, with less acknowledged, so they ask less.  Few writes are tried in all subsets; many by none, all, each one
missing, each one alone, and then by chance.

The reader of a state also writes to it and reads again, so what is left behind must be good to go on with.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import attrs

from vienna_runtime.selftest import apart
from vienna_runtime.selftest.disk import Disk, Pending, Torn, put
from vienna_runtime.selftest.errors import Broken, CannotTry
from vienna_runtime.selftest.trace import Call, Said, Synced, Wrote, traced

ALL_SUBSETS = 5  # so many writes have 32 subsets
MEMORY = Path("/dev/shm")  # noqa: S108  # where it exists, states are put into memory: thousands of them would wear a disk
MOST_KEPT = 5  # states with a violation that are kept to look at


@attrs.frozen
class Subject:
    """A program with a promise."""

    name: str
    program: Sequence[str]  # gets the descriptor to tell by as one more argument
    check: Callable[[Path, bytes], str]  # of what is left, and all that was told: in a word how it was found; raises Broken
    volatile: frozenset[str] = frozenset()  # names of files that are memory shared by processes, made anew after a crash


@attrs.frozen
class Finding:
    """A state that broke the promise."""

    state: int
    point: int
    what: str
    kept: str | None  # where it can be looked at


@attrs.define
class Exploration:
    """What was tried, and found."""

    subject: str
    calls: Counter[str] = attrs.Factory(Counter)
    points: int = 0
    states: int = 0
    acknowledged: int = 0  # how often the program said that something is durable
    findings: list[Finding] = attrs.Factory(list)
    violations: int = 0
    outcomes: Counter[str] = attrs.Factory(Counter)  # of the others


Progress = Callable[[Exploration], None]
_State = list[tuple[Pending, Torn]]


def explore(
    subject: Subject, below: Path, *, states: int, seed: int, keep: Path | None = None, progress: Progress = lambda _: None
) -> Exploration:
    """Run the subject's program below an empty directory, and check about ``states`` states; those that fail go to ``keep``."""
    with tempfile.TemporaryDirectory(prefix="vienna-states-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as images:
        made, _ = traced(subject.program, below, Path(images) / "calls")
        run = _Run(subject, below, Path(images), keep, Exploration(subject.name), progress)
        run.explore(made, states, random.Random(seed))  # noqa: S311  # chosen, not secret
        return run.found


class _Run:
    def __init__(self, subject: Subject, below: Path, images: Path, keep: Path | None, found: Exploration, progress: Progress) -> None:
        self._subject, self._below, self._images, self._keep, self.found, self._progress = subject, below, images, keep, found, progress
        self._waiting: list[tuple[apart.Apart, Path, int]] = []
        self._at_once = os.cpu_count() or 1

    def explore(self, made: list[Call], states: int, chosen: random.Random) -> None:
        points = sum(isinstance(call, Synced) or (isinstance(call, Wrote) and call.through) for call in made) + 1
        disk, told, left = Disk(self._below), bytearray(), states
        for call in made:
            self.found.calls[type(call).__name__.lower()] += 1
            under_way = disk.through(call)
            if isinstance(call, Synced) or under_way is not None:
                left -= self._point(disk, under_way, bytes(told), max(1, left // (points - self.found.points)), chosen)
            disk.do(call)
            if isinstance(call, Said):
                told += call.text
                self.found.acknowledged += 1
        self._point(disk, None, bytes(told), max(1, left), chosen)
        self._same(disk)
        while self._waiting:
            self._settle()

    def _point(self, disk: Disk, under_way: Pending | None, told: bytes, most: int, chosen: random.Random) -> int:
        self.found.points += 1
        pending = [*disk.pending, *([under_way] if under_way is not None else [])]
        tried = set[tuple[tuple[int, Torn], ...]]()
        for state in choices(pending, chosen):
            name = tuple((change.number, torn) for change, torn in state)
            if name not in tried:
                tried.add(name)
                self._try(disk.left(state), told)
            if len(tried) >= most:
                break
        return len(tried)

    def _try(self, left: dict[str, bytes | None], told: bytes) -> None:
        self.found.states += 1
        image = self._images / str(self.found.states)
        image.mkdir()
        put(left, self._below, image, leave=lambda name: os.path.basename(name) in self._subject.volatile)
        self._waiting.append((apart.start(partial(self._check, image, told)), image, self.found.points))
        if len(self._waiting) >= self._at_once:
            self._settle()

    def _check(self, image: Path, told: bytes) -> str:
        return self._subject.check(image, told)

    def _settle(self) -> None:
        checked, image, point = self._waiting.pop(0)
        number = int(image.name)
        try:
            self.found.outcomes[checked.result()] += 1
        except Broken as error:
            self.found.violations += 1
            if len(self.found.findings) < MOST_KEPT:
                kept = None
                if self._keep is not None:
                    kept = str(shutil.copytree(image, self._keep / f"{self._subject.name}-{number}", dirs_exist_ok=True))
                self.found.findings.append(Finding(number, point, str(error), kept))
        shutil.rmtree(image)
        self._progress(self.found)

    def _same(self, disk: Disk) -> None:
        """The calls that were seen make the files that are there: else something was written behind strace's back."""
        for name, content in disk.left([(change, frozenset()) for change in disk.pending]).items():
            if content is not None and os.path.basename(name) not in self._subject.volatile and Path(name).read_bytes() != content:
                raise CannotTry(f"{name} is not what the calls that were seen make of it")


def choices(pending: Sequence[Pending], chosen: random.Random) -> Iterator[_State]:
    """What of the cache may have reached the disk: the telling ones first, then without end by chance, unless that is all there is."""
    whole: Torn = frozenset()
    yield []
    if not pending:
        return
    yield [(change, whole) for change in pending]
    if len(pending) <= ALL_SUBSETS:
        for bits in range(1, (1 << len(pending)) - 1):
            yield [(change, whole) for place, change in enumerate(pending) if bits >> place & 1]
    else:
        for missing in chosen.sample(pending, len(pending)):
            yield [(change, whole) for change in pending if change is not missing]
            yield [(missing, whole)]
    if not any(change.sectors > 1 for change in pending) and len(pending) <= ALL_SUBSETS:
        return
    for _ in range(_CHANCES):
        there = chosen.choice((0.5, 0.9, 1.0))
        torn = chosen.choice((0.0, 0.1, 0.5, 0.9))
        state = []
        for change in pending:
            if chosen.random() <= there:
                lost = frozenset(number for number in range(change.sectors) if chosen.random() < torn) if change.sectors > 1 else whole
                if len(lost) < change.sectors:
                    state.append((change, lost))
        yield state


_CHANCES = 10_000  # at one crash point; more are asked for by nobody, and what repeats itself ends
