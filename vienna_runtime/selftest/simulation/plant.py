"""A node on a simulated machine: the real composition, switched on and off, killed, or left to fall.

Nothing of it is replaced but what ``vienna_runtime.ports`` and ``ledger.medium`` name.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import attrs
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from ledger import Ledger, LedgerError
from ledger.memory import Plug
from vienna_runtime import node as nodes
from vienna_runtime.config import Config
from vienna_runtime.ledger_keys import LedgerKeys
from vienna_runtime.ports import Ports
from vienna_runtime.selftest.simulation.machine import MICROS, NODE_NAME, PLACE, Beside, Keys, Machine
from vienna_runtime.selftest.simulation.network import Network
from vienna_runtime.settings import SECTIONS, Limits, Schedule, Settings
from vienna_runtime.watermark import Mark, Watermark, keep

MAP_SIZE = 1 << 17  # bytes: small, so that it has to grow
PATIENCE = 40.0  # s for an orderly stop; more than all deadlines of its parts
NUDGE = 5.0  # s at a time


def config() -> Config:
    """A node's settings, with queues and intervals that fit a small world."""
    made: dict[str, Any] = {name: section() for name, section in SECTIONS.items()}
    made["limits"] = Limits(submissions=512, mailbox=64)
    made["schedule"] = Schedule(snapshot=150, reconcile=6 * 3600 * MICROS, heartbeat=300 * MICROS)
    return Config(directory=PLACE, settings=Settings(**made))


class Marks(Watermark):
    """The watermark's file, on the machine."""

    def write(self) -> None:
        kept = self.kept
        kept.clear()
        kept.update(self.marks)

    kept: dict[str, Mark]


@attrs.define(eq=False)
class Life:
    """One life of a node."""

    node: nodes.Node
    ledger: Ledger
    scope: trio.CancelScope = attrs.Factory(trio.CancelScope)
    over: trio.Event = attrs.Factory(trio.Event)
    ready: bool = False
    fell: str = ""  # why it ended, where nobody had asked for it


class Plant:
    """The machine's power switch, and what is switched on by it."""

    def __init__(
        self,
        machine: Machine,
        network: Network,
        nursery: trio.Nursery,
        clock: MockClock,
        chance: random.Random,
        entropy: Callable[[int], bytes],
    ) -> None:
        self.machine, self.network = machine, network
        self.life: Life | None = None
        self.marks: dict[str, Mark] = {}
        self.dying = False  # whatever a killed node still says on its way out, nobody would have heard
        self._nursery, self._clock, self._chance, self._entropy = nursery, clock, chance, entropy

    @property
    def node(self) -> nodes.Node | None:
        """The node, if it is alive."""
        life = self.life
        return life.node if life is not None and not life.over.is_set() else None

    def switch_on(self) -> bool:
        """Begins a life on what lies on the disk; whether there was something to begin."""
        machine = self.machine
        keys = Keys(machine)
        try:
            ledger = Ledger.open(PLACE, node=NODE_NAME, keys=LedgerKeys(keys), map_size=MAP_SIZE, medium=Plug(machine.disk))
        except (LedgerError, OSError):
            return False
        watermark = Marks(PLACE, NODE_NAME, dict(self.marks))
        watermark.kept = self.marks
        ports = Ports(
            door=self.network.door,
            runner=partial(machine.run, machine.disk.lives),
            keep=partial(keep, watermark, ledger.logs, _at_once),
            clock=machine.clock,
            jitter=self._chance.random,
            entropy=self._entropy,
            aside=Beside(),
        )
        self.life = life = Life(nodes.compose(config(), keys, ledger, ports), ledger)
        self._nursery.start_soon(self._live, life)
        return True

    async def _live(self, life: Life) -> None:
        def ready() -> None:
            life.ready = True

        try:
            with life.scope:
                try:
                    await nodes.live(life.node, ready)
                except* Exception as why:  # noqa: BLE001  # a process that ends: whoever runs it starts it again
                    life.fell = "; ".join(f"{type(one).__name__}: {one}" for one in why.exceptions)
        finally:
            life.over.set()

    async def kill(self, *, power: bool, keep: int = 0) -> None:
        """No last words: the process, or the whole machine with what it had not synced."""
        life, disk = self.life, self.machine.disk
        self.dying = True
        self.network.node_is_gone()
        if power:
            disk.cut_power(keep)
        else:
            disk.kill()
        self.machine.go_on()
        if life is not None:
            life.scope.cancel()
            await self._wait(life)
            life.ledger.close()
        self.life = None
        self.dying = False

    async def switch_off(self) -> None:
        """In order, with last words."""
        life = self.life
        if life is not None:
            life.scope.cancel()
            await self._wait(life)
            life.ledger.close()
        self.network.node_is_gone()
        self.machine.disk.kill()
        self.life = None

    async def _wait(self, life: Life) -> None:
        await wait_all_tasks_blocked()
        waited = 0.0
        while not life.over.is_set():
            if waited > PATIENCE:
                raise AssertionError("a node that was stopped does not end")
            self._clock.jump(NUDGE)
            waited += NUDGE
            await wait_all_tasks_blocked()


async def _at_once(function: Callable[[], None]) -> None:
    await trio.lowlevel.checkpoint()
    function()


Settle = Callable[[], Awaitable[None]]
