"""What befalls a node: lines are cut, disks fail and fill, clocks jump, actors fall, and the power goes."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from actors.messages import Introduce, Outcome
from ledger.memory import LOTS, disk_error
from vienna_runtime.selftest.simulation.acts import act
from vienna_runtime.selftest.simulation.machine import Bug
from vienna_runtime.selftest.simulation.people import ADMINS, OPERATOR, somebody
from vienna_runtime.selftest.simulation.schedule import Step
from vienna_runtime.selftest.simulation.world import World

MOST_POISON = 3  # in a run, of one that falls too often the tenant stays frozen
SECOND = 1_000_000


@act("weather", 6)
async def weather(world: World, step: Step) -> None:
    """How long frames take from now on."""
    world.network.weather = (0, 0, 0, 1, 2, 5, 12)[step.a % 7]


@act("cut", 12)
async def cut(world: World, step: Step) -> None:
    line = world.pick(world.network.lines, step.a)
    if line is not None:
        world.network.cut(line, both=step.b % 3 == 0, above=step.b % 3 == 1)


def once(world: World, point: str, after: int, error: Callable[[], BaseException]) -> None:
    """The disk fails when it comes to that point for the so-manieth time, and works again."""
    left = after

    def fault(at: str) -> None:
        nonlocal left
        if at == point:
            left -= 1
            if left < 0:
                world.machine.disk.fault = fine
                raise error()

    world.machine.disk.fault = fault


def for_good(world: World, point: str) -> None:
    """Each time, until somebody mends it."""

    def fault(at: str) -> None:
        if at == point:
            raise disk_error("input/output error", full=False)

    world.machine.disk.fault = fault


def fine(at: str) -> None:
    """A disk that works."""


@act("disk fails", 8)
async def disk_fails(world: World, step: Step) -> None:
    """Once or from now on, before or after what was to be written is in the cache."""
    point = ("put", "commit", "sync")[step.a % 3]
    if step.c % 3 == 0:
        for_good(world, point)
    else:
        once(world, point, step.b % (20 if point == "put" else 3), lambda: disk_error("input/output error", full=False))


@act("disk full", 4)
async def disk_full(world: World, step: Step) -> None:
    """Until somebody makes room."""
    world.machine.disk.free = 0

    def fault(at: str) -> None:
        if at == "put":
            raise disk_error("no space left on device", full=True)

    world.machine.disk.fault = fault


@act("disk works", 20)
async def disk_works(world: World, step: Step) -> None:
    world.machine.disk.free = LOTS
    world.machine.disk.fault = fine
    world.machine.go_on()


@act("disk hangs", 5)
async def disk_hangs(world: World, step: Step) -> None:
    world.machine.stall()


@act("power", 5)
async def power(world: World, step: Step) -> None:
    """It goes, and with it what was not synced: all of that, or the part that came last."""
    keep = step.a % (world.machine.disk.unsynced + 1)
    await world.plant.kill(power=True, keep=keep)
    world.look()  # what was durable is there, before anything is written over it
    await disk_works(world, step)


@act("kill", 5)
async def kill(world: World, step: Step) -> None:
    """The process alone."""
    await world.plant.kill(power=False)
    if step.a % 2:
        await disk_works(world, step)


@act("stop", 2)
async def stop(world: World, step: Step) -> None:
    """In order."""
    await disk_works(world, step)
    await world.plant.switch_off()


@act("start", 40)
async def start(world: World, step: Step) -> None:
    """Whoever runs the node starts it again, whatever ended it."""
    life = world.plant.life
    if life is not None and life.over.is_set():
        world.acts["the process ended by itself"] += 1
        await world.plant.kill(power=False)
    if world.plant.life is None and not world.plant.switch_on():
        world.acts["it does not start on this disk"] += 1


@attrs.frozen(eq=False)
class Venom:
    """Whoever compares it with anything falls."""

    name: str
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise Bug("an actor falls over a message")


def nobody(outcome: Outcome) -> None:
    """Who sent it does not wait."""


@act("actor falls", 4)
async def actor_falls(world: World, step: Step) -> None:
    node = world.plant.node
    if node is None or world.poisoned >= MOST_POISON:
        return
    world.poisoned += 1
    if step.b % 3 == 0:
        world.machine.breaks += 1  # the scribe, and with it everything that rests on it
        return
    place = node.directory.get(world.account(step.a).tenant)
    if place is not None and place.mailbox.is_open:
        place.ref.tell_nowait(Introduce(Venom(f"venom-{step.c % 2}"), False, nobody))  # type: ignore[arg-type]


@act("clock is set", 5)
async def clock_is_set(world: World, step: Step) -> None:
    """The wall clock alone, either way; or it is put right."""
    clock = world.machine.clock
    clock.set_by = (0, 0, 0, 3, -3, 60, -60, 3600, -3600)[step.a % 9] * SECOND


SPANS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 61.0, 120.0, 300.0, 301.0, 601.0, 3601.0, 4 * 3600.0, 86_400.0)


@act("time", 40)
async def time(world: World, step: Step) -> None:
    """Passes, or the machine has slept."""
    world.pass_time(SPANS[step.a % len(SPANS)] if step.b % 3 == 0 else SPANS[step.a % 6])


@act("deadline", 16)
async def deadline(world: World, step: Step) -> None:
    """Time passes up to the next thing that ends, just before it or just after."""
    now = world.now
    account = world.account(step.a)
    ends: list[int] = [live.terms.expires_at for live in account.live.values()]
    ends += [case.expires_at for case in account.held()] + [run.due for run in account.open_runs.values()]
    if later := [end for end in ends if end > now]:
        world.pass_time(max(0.0, (min(later) - now) / SECOND + (-0.5, 0.0, 0.5)[step.b % 3]))


async def care(world: World, step: Step) -> None:
    """Whoever is on duty puts one thing right that has stood for a while: a world in which all is shut shows nothing."""
    account = world.account(step.b)
    otto, admin = somebody("", OPERATOR), world.member(account.tenant, ADMINS[step.c % len(ADMINS)])
    pauses = [(side, scope) for side, scope in account.halts.pauses if side != "breaker"]  # the node's breaker is reset, below
    shut = [scope for scope, guard in account.halts.guards.items() if guard.status != "closed"]
    if world.machine.disk.fault is not fine or world.machine.stalled is not None:
        await disk_works(world, step)
    elif world.doubtful() and world.machine.clock.set_by:
        world.machine.clock.set_by = 0
    elif pauses:
        (side, scope), key = pauses[0], f"duty-{world.number()}"
        who = admin if side == "tenant" else otto
        named = scope if side == "tenant" or scope == "node" else account.tenant
        await world.call(who, "resume", {"scope": named, "reason": "on duty", "key": key})
    elif world.paused:
        await world.call(otto, "resume", {"scope": "node", "reason": "on duty", "key": f"duty-{world.number()}"})
    elif world.shut:
        await world.call(otto, "breaker.reset", {"scope": "node", "reason": "on duty"})
    elif shut:
        await world.call(admin, "breaker.reset", {"scope": shut[step.c % len(shut)], "reason": "on duty"})
