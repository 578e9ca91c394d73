"""A disk is full for as long as you say, under load: callers are refused, readers are served, and then it goes on.

    ballast and load fill a small disk ──▶ full: refused, read, probed ──▶ ballast away ──▶ writing again ──▶ everything checked

The scribe is the one of a node, with its thread and its queue; thirty-two callers append through it, each on one of the
logs, as a tenant does: reserve, submit, wait until it is durable.
"""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import trio

from actors.scribe import Reservation, Scribe
from actors.scribe.outcome import DURABLE
from actors.scribe.worker import Worker
from ledger import Ledger
from vienna_runtime.selftest import apart, promise, script
from vienna_runtime.selftest.errors import Broken, CannotTry
from vienna_runtime.selftest.told import Told

CALLERS = 32
MOST_AT_ONCE = 8  # entries of a caller in one submission
SMALLEST, LARGEST = 4 << 20, 1 << 30  # bytes of a disk: below, the tables alone fill it; above, filling it takes minutes
PIECE = 1 << 16  # bytes of the ballast at a time
AFTERWARDS = 2000  # entries that must be acknowledged once there is room again
PATIENCE = 120.0  # s until the disk is full, and until writing works again: the scribe looks every five seconds
READ_EVERY = 0.01  # s; what a few readers of a console ask for


@attrs.define
class Filling:
    """What was seen."""

    size: int  # bytes of the disk
    full_after: float = 0.0  # s
    full_for: float = 0.0  # s
    resumed_after: float = 0.0  # s after there was room
    acknowledged: int = 0  # entries
    acknowledged_before: int = 0  # until the disk was full
    indeterminate: int = 0  # submissions whose outcome was not known
    refused: Counter[str] = attrs.Factory(Counter)  # calls while the disk was full
    reads: int = 0  # while the disk was full; every one was right
    slowest_read: float = 0.0  # s
    entries: int = 0  # found at the end, verified
    failures: int = 0  # commits and probes that failed


Progress = Callable[[str, float], None]


def fill(place: Path, *, seconds: float, progress: Progress = lambda _, __: None) -> Filling:
    """On the small disk that ``place`` lies on; raises Broken."""
    room = os.statvfs(place)
    found = Filling(room.f_bavail * room.f_frsize)
    if not SMALLEST <= found.size <= LARGEST:
        raise CannotTry(f"{place} has {found.size >> 20} MiB free; a disk to fill has {SMALLEST >> 20} to {LARGEST >> 20}")
    ballast = place / "ballast"
    try:
        ballast.write_bytes(bytes(found.size // 2))
        ledger = script.open_ledger(place / "ledger", map_size=1 << 24)
        try:
            trio.run(_Load(ledger, ballast, found, seconds, progress).run)
            told = Told({log: (head.size, head.root.hex()) for log, head in ledger.logs().items()})
        finally:
            ledger.close()
        if found.acknowledged > sum(told.sizes[log] for log in script.LOGS):
            raise Broken(f"{found.acknowledged} entries were acknowledged, {told.sizes} are there")
        found.entries = apart.run(lambda: promise.keep(place / "ledger", told))
    finally:
        ballast.unlink(missing_ok=True)
    return found


@contextmanager
def small_disk(size: int) -> Iterator[Path]:
    """A file system of its own in memory; takes root."""
    with tempfile.TemporaryDirectory(prefix="vienna-full-") as place:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place]
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # the system's own
        if mounted.returncode:
            raise CannotTry(
                f"a small disk can only be mounted by root ({mounted.stderr.strip()}); name a directory on one that is there with --in"
            )
        try:
            yield Path(place)
        finally:
            subprocess.run(["umount", "-l", place], check=True)  # noqa: S603, S607  # likewise


class _Load:
    def __init__(self, ledger: Ledger, ballast: Path, found: Filling, seconds: float, progress: Progress) -> None:
        self._ledger, self._ballast, self._found, self._seconds, self._progress = ledger, ballast, found, seconds, progress
        self._scribe: Scribe
        self._full = False
        self._acknowledged = Counter[str]()

    async def run(self) -> None:
        for log in script.LOGS:
            self._ledger.create(log, time=script.BEGUN, actor="operator")
        async with Worker() as runner:
            self._scribe = Scribe(self._ledger, runner=runner, now=lambda: script.BEGUN)
            async with trio.open_nursery() as scribes:
                await scribes.start(self._scribe.run)
                async with trio.open_nursery() as load:
                    for number in range(CALLERS):
                        load.start_soon(self._call, script.LOGS[number % len(script.LOGS)], random.Random(number))  # noqa: S311  # chosen
                    load.start_soon(self._read, random.Random(CALLERS))  # noqa: S311  # chosen, not secret
                    await self._watch()
                    load.cancel_scope.cancel()
                scribes.cancel_scope.cancel()
        self._found.acknowledged, self._found.failures = self._acknowledged.total(), self._scribe.statistics().failures

    async def _watch(self) -> None:
        """Wait until the disk is full, stay so, make room, and wait until it goes on."""
        begun = time.monotonic()
        await self._until(lambda: self._scribe.statistics().read_only is not None, "the disk to be full")
        self._found.full_after, self._full = time.monotonic() - begun, True
        self._found.acknowledged_before = self._acknowledged.total()
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < self._seconds:
            self._progress("full", passed)
            await trio.sleep(min(0.1, self._seconds - passed))
        self._found.full_for, self._full = time.monotonic() - begun, False
        written = self._acknowledged.total()
        self._ballast.unlink()
        begun = time.monotonic()
        await self._until(lambda: self._acknowledged.total() > written, "writing to go on")
        self._found.resumed_after = time.monotonic() - begun
        await self._until(lambda: self._acknowledged.total() >= written + AFTERWARDS, "more to be written")

    async def _until(self, happened: Callable[[], bool], what: str) -> None:
        with trio.move_on_after(PATIENCE) as patience:
            while not happened():
                self._progress(f"waiting for {what}", trio.current_time() - patience.deadline + PATIENCE)
                await trio.sleep(0.01)
        if patience.cancelled_caught:
            raise Broken(f"waited {PATIENCE:.0f} s for {what}")

    async def _call(self, log: str, chosen: random.Random) -> None:
        """One caller, for ever."""
        while True:
            count = chosen.randint(1, MOST_AT_ONCE)
            reserved = self._scribe.reserve(log, count)
            if not isinstance(reserved, Reservation):
                if self._full:
                    self._found.refused[type(reserved).__name__] += 1
                await trio.sleep(0.001 * getattr(reserved, "retry_after", 1000))
                continue
            epoch, position = self._scribe.epoch(log), self._scribe.position(log)
            if not self._scribe.is_current(log, epoch):
                reserved.release()
                await self._scribe.wait_epoch(log, epoch)
                continue
            submission = self._scribe.submit(log, epoch, position, script.batch(log, position, count).drafts, reserved)
            if await self._scribe.settled(log, submission) is DURABLE:
                self._acknowledged[log] += count
            else:
                self._found.indeterminate += 1
                await trio.sleep(0.01)

    async def _read(self, chosen: random.Random) -> None:
        """One reader, for ever."""
        while True:
            log = chosen.choice(script.LOGS)
            if size := self._ledger.head(log).size:
                begun = time.monotonic()
                (record,) = self._ledger.read(log, at := chosen.randrange(size), at + 1)
                if self._ledger.open_body(log, record) != script.body(log, at):
                    raise Broken(f"entry {at} of log {log!r} is another than was written")
                if self._full:
                    self._found.reads += 1
                    self._found.slowest_read = max(self._found.slowest_read, time.monotonic() - begun)
            await trio.sleep(READ_EVERY)
