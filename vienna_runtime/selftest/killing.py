"""A writer under load is killed, again and again, and each time everything it acknowledged is found, and nothing torn.

    found ──▶ write ──▶ SIGKILL at a moment of chance, or at a named write point ──▶ open, check ──▶ write …

What the kernel was given stays: this is the death of a process, not of a machine (``explore`` is about that).  One
directory serves many rounds, so that it is large when it is killed late; every entry is read once, and the whole of it
is verified every so often and at its end.
"""

from __future__ import annotations

import os
import random
import select
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from ledger import Ledger
from vienna_runtime.selftest import apart, promise, script, writing
from vienna_runtime.selftest.errors import Broken
from vienna_runtime.selftest.told import NOTHING, Telling, Told, heard

POINTS = ("begin", "commit", "committed", "reopen")  # as ``ledger.store`` names them
CHANCE = "at a moment of chance"
LATEST = 0.05  # s after the writer began: it has opened the ledger by a tenth of that, and made some dozens of commits
MOST_PASSES = 20  # of a named point before it kills
REOPENING = 0.1  # of the commits are followed by a reopening, as after a failure
ROUNDS_A_DIRECTORY = 200  # some hundred thousand entries
ROUNDS_A_WHOLE = 50  # between two verifications of everything


@attrs.define
class Killing:
    """What was tried, and found."""

    rounds: int = 0
    entries: int = 0  # acknowledged, and found again
    commits: int = 0  # acknowledged
    kills: Counter[str] = attrs.Factory(Counter)  # by the point
    there: int = 0  # a commit that was under way was found, whole
    absent: int = 0  # or nothing of it
    verified: int = 0  # entries that were verified with everything around them
    seconds: float = 0.0
    finding: str | None = None
    kept: str | None = None  # the directory


Progress = Callable[[Killing], None]


def kill(*, rounds: int, seed: int, place: Path | None = None, progress: Progress = lambda _: None) -> Killing:
    """So many rounds, below ``place``; stops at the first finding, with its directory kept."""
    found, begun = Killing(), time.monotonic()
    chosen = random.Random(seed)  # noqa: S311  # chosen, not secret
    while found.rounds < rounds and found.finding is None:
        directory = Path(tempfile.mkdtemp(prefix="vienna-crash-", dir=place))
        try:
            _Life(directory / "ledger", chosen, found, progress).rounds(min(ROUNDS_A_DIRECTORY, rounds - found.rounds))
        except Broken as error:
            found.finding, found.kept = str(error), str(directory)
        else:
            shutil.rmtree(directory)
        found.seconds = time.monotonic() - begun
    return found


class _Life:
    """One directory, from its founding."""

    def __init__(self, directory: Path, chosen: random.Random, found: Killing, progress: Progress) -> None:
        self._directory, self._chosen, self._found, self._progress = directory, chosen, found, progress
        self._known = NOTHING  # what was found last

    def rounds(self, count: int) -> None:
        for number in range(count):
            told = self._killed(self._chosen.choice((CHANCE, CHANCE, *POINTS)))
            self._look(told, whole=number % ROUNDS_A_WHOLE == ROUNDS_A_WHOLE - 1 or number == count - 1)
            self._found.rounds += 1
            self._progress(self._found)

    def _killed(self, point: str) -> Told:
        """Let a writer write until it is killed; what it said."""
        read, write = os.pipe()
        seed, passes = self._chosen.getrandbits(64), self._chosen.randint(1, MOST_PASSES)
        writer = apart.start(partial(_write, self._directory, write, seed, point, passes))
        os.close(write)
        said = listen(read, writer, self._chosen.uniform(0, LATEST) if point == CHANCE else None)
        os.close(read)
        code, text = writer.ended()
        if code != -signal.SIGKILL:
            raise Broken(f"the writer was not killed, it ended with {code}: {text.decode()}")
        self._found.kills[point] += 1
        return heard(said, attrs.evolve(self._known, acknowledged=0))

    def _look(self, told: Told, *, whole: bool) -> None:
        now = apart.run(partial(_read, self._directory, told, self._known, whole))
        known = Told({log: (size, root) for log, (size, root) in now["at"].items()}, None, now["snapshots"])
        if told.to is not None and any(told.sizes.get(log) != size for log, size in told.to.items()):
            moved = known.sizes != told.sizes
            self._found.there, self._found.absent = self._found.there + moved, self._found.absent + (not moved)
        self._found.entries += told.entries - self._known.entries
        self._found.commits += told.acknowledged
        self._found.verified += known.entries if whole else 0
        self._known = known


def _write(directory: Path, descriptor: int, seed: int, point: str, passes: int) -> None:
    """The writer: goes on until it is killed, by itself at a named point."""
    left = passes

    def fault(reached: str) -> None:
        nonlocal left
        left -= reached == point
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    chosen, telling = random.Random(seed), Telling(descriptor)  # noqa: S311  # chosen, not secret
    ledger = script.open_ledger(directory, fault)
    for log in script.LOGS:
        if kept := ledger.snapshots(log) if log in ledger.logs() else []:
            telling.snapshots[log] = kept[0].digest.hex()
    while True:
        writing.commit(ledger, chosen, telling)
        telling.acknowledged(ledger)
        if chosen.random() < REOPENING:
            ledger.reopen()


def listen(pipe: int, writer: apart.Apart, seconds: float | None) -> bytes:
    """All that is said; after ``seconds`` its speaker is killed."""
    said, end = bytearray(), None if seconds is None else time.monotonic() + seconds
    while True:
        left = None if end is None else max(0.0, end - time.monotonic())
        if select.select([pipe], [], [], left)[0]:
            data = os.read(pipe, 1 << 16)
            if not data:
                return bytes(said)
            said += data
        else:
            writer.kill()
            end = None


def _read(directory: Path, told: Told, known: Told, whole: bool) -> dict[str, Any]:
    """The reader: holds what is there against what was said, and says what is there."""
    ledger = script.open_ledger(directory)
    try:
        promise.check(ledger, told, since=known)
        if whole:
            ledger.verify()
        return {
            "at": {log: (head.size, head.root.hex()) for log, head in ledger.logs().items()},
            "snapshots": {log: kept for log in ledger.logs() if (kept := _snapshot(ledger, log))},
        }
    finally:
        ledger.close()


def _snapshot(ledger: Ledger, log: str) -> str | None:
    return next((snapshot.digest.hex() for snapshot in ledger.snapshots(log)), None)
