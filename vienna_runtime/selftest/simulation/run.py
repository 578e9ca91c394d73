"""One seed from its beginning to its end: what happened, and whether a promise was broken."""

from __future__ import annotations

import gc
import logging
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
import structlog
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from ledger.memory import LOTS
from vienna_runtime.selftest.simulation import (
    by_advance,
    by_agents,
    by_changes,
    by_fate,
    by_hands,
    by_letters,
    by_looking,
    by_people,
    by_programs,
    by_stock,
)
from vienna_runtime.selftest.simulation import chance as chances
from vienna_runtime.selftest.simulation.acts import ACTS, WEIGHTS
from vienna_runtime.selftest.simulation.by_fate import care
from vienna_runtime.selftest.simulation.by_letters import listed
from vienna_runtime.selftest.simulation.by_looking import tried
from vienna_runtime.selftest.simulation.by_programs import redeemed
from vienna_runtime.selftest.simulation.by_stock import reported, taken
from vienna_runtime.selftest.simulation.entries import Broken
from vienna_runtime.selftest.simulation.people import OPERATOR, somebody
from vienna_runtime.selftest.simulation.schedule import Step, schedule
from vienna_runtime.selftest.simulation.template import found_all
from vienna_runtime.selftest.simulation.world import World

STEPS = 500
WHOLE_EVERY = 100  # steps between two looks at everything
VERIFIED_EVERY = 300  # steps between two runs of the ledger's own audit: chain and roots are followed as they grow anyway
# which fill the table of acts
ALL_ACTS = (by_agents, by_people, by_advance, by_programs, by_hands, by_fate, by_stock, by_letters, by_changes, by_looking)
CARED_FOR = 12  # steps, on the average, until somebody looks after what is wrong
PAUSES = (0.0, 0.0, 0.0, 0.0, 0.001, 0.01, 0.26, 1.1)  # s that pass with a step
UNEXPECTED = frozenset(
    {
        "the state in memory is not the fold of the ledger",
        "the ledger cannot be folded",
        "an answer could not be released",
        "an answer that cannot be sent",
        "forgetting does not go on",
        "the ledger could not be read",
        "an inbox could not be read",
    }
)  # what a node says of itself when it is not as it must be


@attrs.frozen(kw_only=True)
class Finding:
    """A promise that was broken, and at which step."""

    promise: str
    seen: str
    step: int


@attrs.frozen(kw_only=True)
class Result:
    seed: int
    steps: int
    digest: str
    events: Counter[str]
    acts: Counter[str]
    answers: Counter[str]
    finding: Finding | None = None


def play(seed: int, steps: int = STEPS, chosen: Sequence[Step] | None = None) -> Result:
    """Runs the seed's own schedule, or ``chosen`` in its place."""
    planned = schedule(seed, steps, WEIGHTS) if chosen is None else list(chosen)
    found_all()
    with chances.seeded(seed) as entropy:
        clock = MockClock()
        run = _Run(seed, planned, clock, entropy)
        with _listening(run), chances.remembering():
            trio.run(run.whole, clock=clock)
    world = run.world
    return Result(
        seed=seed,
        steps=run.at,
        digest=world.digest(),
        events=world.events,
        acts=world.acts,
        answers=world.answers.told,
        finding=run.finding,
    )


class _Run:
    def __init__(self, seed: int, planned: list[Step], clock: MockClock, entropy: Any) -> None:
        self.planned, self.clock, self.entropy = planned, clock, entropy
        self.world = World(seed, clock, entropy)
        self.world.reactions["redeem"] = lambda call, answer: redeemed(self.world, call, answer)
        self.world.reactions["report"] = lambda call, answer: reported(self.world, call, answer)
        self.world.reactions["executor.inventory"] = lambda call, answer: taken(self.world, call, answer)
        self.world.reactions["dead_letter.list"] = lambda call, answer: listed(self.world, call, answer)
        self.world.reactions["review.canary"] = lambda call, answer: tried(self.world, call, answer)
        self.finding: Finding | None = None
        self.at = 0
        self.down = 0  # steps

    async def whole(self) -> None:
        async with trio.open_nursery() as nursery:
            try:
                await self.world.begin(nursery, self.entropy)
                for step in self.planned:
                    self.at += 1
                    await self._step(step)
                    if self.at % WHOLE_EVERY == 0:
                        await wait_all_tasks_blocked()
                        self.world.refold(verified=self.at % VERIFIED_EVERY == 0)
                await self._end()
            except Broken as broken:
                self.finding = Finding(promise=broken.promise, seen=broken.seen, step=self.at)
            except Exception:  # noqa: BLE001  # the next seeds are played all the same
                self.finding = Finding(promise="the simulation itself goes on", seen=traceback.format_exc(), step=self.at)
            if self.world.plant.life is not None:
                await self.world.plant.kill(power=True)
            nursery.cancel_scope.cancel()

    async def _step(self, step: Step) -> None:
        world = self.world
        world.network.step = self.at
        world.acts[step.kind] += 1
        doubtful = world.doubtful() and world.is_quiet()
        before = {tenant: account.size for tenant, account in world.accounts.items()}
        await ACTS[step.kind](world, step)
        await self._restart(step)
        world.pass_time(PAUSES[step.c % len(PAUSES)])
        await world.settle(step.c // 8 % 7 if step.c % 19 == 0 else None)
        if doubtful and world.doubtful() and step.kind not in ("start", "clock is set"):
            self._nothing_granted_since(before)

    async def _restart(self, step: Step) -> None:
        """Whoever runs the node notices after a while that it is down."""
        plant = self.world.plant
        if step.a % CARED_FOR == 0:
            await care(self.world, step)
        if plant.node is not None:
            self.down = 0
        elif self.down < step.b % 7:
            self.down += 1
        else:
            self.down = 0
            await by_fate.start(self.world, step)

    def _nothing_granted_since(self, before: dict[str, int]) -> None:
        for tenant, account in self.world.accounts.items():
            if account.last_grant >= before[tenant]:
                raise Broken("nothing is granted while the clocks disagree", f"entry {account.last_grant} of {tenant}")

    async def _end(self) -> None:
        """Everything is put right, and time passes: then every case has come to its end, but for what takes a person."""
        world = self.world
        world.machine.disk.free, world.machine.disk.fault = LOTS, by_fate.fine
        world.machine.go_on()
        world.machine.breaks = 0
        world.machine.clock.set_by = 0
        world.network.weather = 0
        await world.settle()
        await world.plant.kill(power=True)
        assert world.plant.switch_on(), "a node starts on a disk that works"
        await world.settle()
        world.pass_time(max(0.0, (max(account.time for account in world.accounts.values()) - world.machine.clock.wall()) / 1_000_000))
        await world.settle()
        otto = somebody("", OPERATOR)
        for scope in ("node", *world.tenants):
            await world.call(otto, "resume", {"scope": scope, "reason": "the end", "key": f"end-{world.number()}"})
            await world.settle()
        if world.shut:
            await world.call(otto, "breaker.reset", {"scope": "node", "reason": "the end"})
        for seconds in (0.5, 1.0, 60.0, 61.0, 700.0, 5 * 3600.0, 5 * 3600.0, 700.0, 700.0, 86_400.0, 15 * 86_400.0, 61.0):
            world.pass_time(seconds)
            await world.settle()
            await wait_all_tasks_blocked()
        if world.plant.node is None:
            fell = "" if world.plant.life is None else world.plant.life.fell
            raise Broken("a node lives again after a start", fell or "it is down")
        world.refold(twice=True, verified=True)
        for account in world.accounts.values():
            frozen = world.plant.node.directory.places[account.tenant].tenant
            if frozen and frozen.frozen:
                raise Broken("a tenant lives again after a start", f"{account.tenant}: {frozen.frozen}")
            waiting = {run.opened.case for run in account.open_runs.values() if run.status == "unknown"}
            left = {name for name, case in account.open_cases.items() if name not in waiting}
            if left or account.live:
                raise Broken("every case ends", f"{account.tenant}: {sorted(left)} {sorted(account.live)}")


@contextmanager
def _listening(run: _Run) -> Iterator[None]:
    """What the node says of itself is heard, and not shown."""

    def hear(_: object, method: str, event: MutableMapping[str, Any]) -> Any:
        what = str(event.get("event", ""))
        run.world.events[f"says: {what[:60]}"] += 1
        if what in UNEXPECTED and "ledger is closed" not in str(event.get("why", "")):  # which it is while no sync works
            fallen = sys.exc_info()[1] if event.get("exc_info") else None
            run.world.notice(f"{what}: {event.get('why', '')} {fallen!r}")
        raise structlog.DropEvent

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.ERROR:
                error = "" if record.exc_info is None else repr(record.exc_info[1])
                run.world.notice(f"{record.getMessage()} {error}")

    before, handler = structlog.get_config(), Handler()
    structlog.configure(processors=[hear], cache_logger_on_first_use=False)
    root = logging.getLogger()
    level, root.level = root.level, logging.ERROR
    root.addHandler(handler)
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        root.removeHandler(handler)
        root.setLevel(level)
        structlog.configure(**before)
