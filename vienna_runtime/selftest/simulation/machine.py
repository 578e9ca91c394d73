"""The machine that a simulated node runs on: its disk, its clocks, its keys, and the power switch.

What a node's life leaves behind is what lies here when it ends.  Everything else is gone with it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import attrs
import trio

from ledger.memory import Image, MemoryDisk
from vienna_runtime.keyring import Keyring
from vienna_runtime.keystore import Keystore
from vienna_runtime.selftest.simulation import policy

T = TypeVar("T")
NODE_NAME = "vienna.simulated"
NOON = 1_790_000_000_000_000  # µs; any day will do, as long as it is always the same
MICROS = 1_000_000
PLACE = Path("/simulated")


class Keys(Keystore):
    """A keystore whose file lies on the simulated machine: written as a whole, and durable then."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(PLACE, None, machine.keys, machine.clock.wall)  # type: ignore[arg-type]  # nothing is sealed: nobody reads it
        self._machine, self._life = machine, machine.disk.lives

    def _write(self, ring: Keyring) -> None:
        if self._life != self._machine.disk.lives:
            raise OSError("the power is off")
        self._machine.keys = self._ring = ring


@attrs.define(eq=False)
class MachineClock:
    """The clocks follow the run's own, which moves only between steps; the wall clock can be set."""

    started: int = NOON  # µs: what the wall clock showed at the beginning
    set_by: int = 0  # µs that somebody has put the wall clock forward since, below zero back
    begun: float = 0.0  # of the run's own clock, s

    def boot(self) -> int:
        return round((trio.current_time() - self.begun) * MICROS)

    def wall(self) -> int:
        return self.started + self.boot() + self.set_by


@attrs.define(eq=False)
class Machine:
    """What outlives a node."""

    keys: Keyring
    disk: MemoryDisk = attrs.Factory(MemoryDisk)
    clock: MachineClock = attrs.Factory(MachineClock)
    stalled: trio.Event | None = None  # set when a disk that hangs goes on
    breaks: int = 0  # how often a worker falls over what it is given to do
    work: int = 0  # so many functions have been run beside the loop

    @classmethod
    def of(cls, image: Image, keys: Keyring) -> Machine:
        return cls(keys, MemoryDisk(image.copy()))

    def stall(self) -> None:
        """The disk hangs until ``go_on``."""
        if self.stalled is None:
            self.stalled = trio.Event()

    def go_on(self) -> None:
        if self.stalled is not None:
            self.stalled.set()
            self.stalled = None

    async def run(self, life: int, function: Callable[[], T]) -> T:
        """As the scribe's worker of one life: in order, and what has begun is never given up."""
        if self.stalled is not None:
            await self.stalled.wait()
        await trio.lowlevel.checkpoint()
        if life != self.disk.lives:
            raise OSError("the power is off")
        if self.breaks:
            self.breaks -= 1
            raise Bug("the worker falls over")
        self.work += 1
        result = function()
        await trio.lowlevel.checkpoint()
        return result


class Bug(Exception):
    """What an actor falls over when a simulation makes it."""


class Beside:
    """An ``actors.aside.Aside`` that reads each policy once in a process: the same bytes give the same bundle."""

    _read: dict[tuple[str, bytes], Any] = {}  # noqa: RUF012  # shared on purpose

    async def __call__(self, function: Callable[..., T], /, *args: object) -> T:
        await trio.lowlevel.checkpoint()
        files = getattr(args[0], "files", None) if args else None
        if files not in policy.BUNDLES:
            return function(*args)
        key = function.__name__, policy.DIGESTS[policy.BUNDLES.index(files)]
        if key not in self._read:
            self._read[key] = function(*args)
        found: T = self._read[key]
        return found


Runner = Callable[[Callable[[], T]], Awaitable[T]]
