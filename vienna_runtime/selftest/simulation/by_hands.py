"""Warrants that are handed on: by executors and agents to each other, offline, narrowed, widened, forged, and redeemed at the end."""

from __future__ import annotations

from typing import Any

import attrs

from actors.governance import links
from actors.governance.ids import Cost, Instant
from actors.governance.signing import Purpose
from vienna_runtime.selftest.simulation.account import Account
from vienna_runtime.selftest.simulation.acts import act
from vienna_runtime.selftest.simulation.by_programs import ask, otherwise, redemption
from vienna_runtime.selftest.simulation.people import ADMINS, AGENTS, EXECUTORS, VERIFIERS
from vienna_runtime.selftest.simulation.remembered import WarrantNow
from vienna_runtime.selftest.simulation.schedule import Step
from vienna_runtime.selftest.simulation.world import Handed, World

HANDS = (*EXECUTORS, *AGENTS, *EXECUTORS)  # who can redeem; agents only what is T0
MINUTE, HOUR = 60_000_000, 3_600_000_000
MOST_HANDED = 64  # chains that lie about


def beginning(account: Account, live: WarrantNow) -> Handed:
    """A warrant that nobody has handed on yet."""
    return Handed(account.tenant, live, (), (live.terms.executor,), live.terms.expires_at, live.terms.uses, live.terms.cost_cap)


@act("hand on", 24)
async def hand_on(world: World, step: Step) -> None:
    """By one to three, who hold it or do not; nobody tells the node."""
    account = world.account(step.a)
    known = [handed for handed in world.handed if handed.tenant == account.tenant and handed.live.live]
    above = world.pick(known, step.a // 2) if step.b % 3 == 0 else None
    if above is None:
        live = world.pick(account.live.values(), step.a // 2)
        if live is None:
            return
        above = beginning(account, live)
    more = 1 + step.c // 31 % 3
    for number in range(more):
        last = number + 1 == more
        name = HANDS[step.b // 3 % len(HANDS)] if last else on_the_way(account, above.live, step.b // 3 + number)
        to = world.member(account.tenant, name)
        made = link(world, above, to.public, step, holds=not last)
        by = above.holders[-1] if not last or step.c % 31 != 4 else AGENTS[step.b % len(AGENTS)]
        packed = links.pack(made)
        signed = (packed, world.member(account.tenant, by).sign(Purpose.LINK, packed))
        holders = (*above.holders, to.name)
        above = Handed(account.tenant, above.live, (*above.chain, signed), holders, made.expires_at, made.uses, made.cost_cap)
    world.handed.append(above)
    del world.handed[:-MOST_HANDED]
    if step.a // 64 % 2:
        await redeem_by(world, account, above, step)


@act("go around a pause", 8)
async def go_around_a_pause(world: World, step: Step) -> None:
    """What is granted while an agent is paused goes through its hands all the same."""
    account = world.account(step.a)
    paused = AGENTS[step.b % len(AGENTS)]
    other = AGENTS[(step.b + 1 + step.c % 2) % len(AGENTS)]
    if not account.halts.stopped(paused):
        admin = world.member(account.tenant, ADMINS[step.c % len(ADMINS)])
        await world.call(admin, "pause", {"scope": f"agent:{paused}", "reason": "halt"})
        await world.settle()
    fields = {"action": "notes.append", "resource": f"book/{step.c % 5}", "params": {"text": "t0"}, "purpose": "to see"}
    await world.call(world.member(account.tenant, other), "propose", {**fields, "key": f"key-{1000 + world.number()}"})
    await world.settle()
    live = [one for one in account.live.values() if one.terms.agent == other and not one.used and not one.revoked]
    if not live:
        return
    above = beginning(account, live[-1])
    for name in (paused, EXECUTORS[step.c // 2 % len(EXECUTORS)]):
        packed = links.pack(link(world, above, world.member(account.tenant, name).public, Step(step.kind, 0, 1, 0), holds=True))
        signed = (packed, world.member(account.tenant, above.holders[-1]).sign(Purpose.LINK, packed))
        cap = links.unverified_unpack(packed).cost_cap
        above = attrs.evolve(above, chain=(*above.chain, signed), holders=(*above.holders, name), cap=cap)
    world.handed.append(above)
    await redeem_by(world, account, above, Step(step.kind, 128, step.b, 1))


def on_the_way(account: Account, live: WarrantNow, number: int) -> str:
    """Mostly somebody whom it must not go through: who approved it, who will look at it, or who is stopped."""
    given = tuple(account.cases[live.issued.case].given.values())
    stopped = tuple(name for name in AGENTS if is_stopped(account, name))
    some = stopped if stopped and number % 2 else (given, HANDS, VERIFIERS, AGENTS, AGENTS, HANDS)[number % 6] or HANDS
    return some[number // 6 % len(some)]


def is_stopped(account: Account, name: str) -> bool:
    return bool(account.halts.stopped(name)) or account.halts.guard(f"agent:{name}").status != "closed"


def link(world: World, above: Handed, to: bytes, step: Step, *, holds: bool) -> links.Link:
    """One that holds, or mostly; it says the same as what is above it, or less."""
    issued, terms = above.live.issued, above.live.terms
    cap = None if above.cap is None else Cost(above.cap - above.cap // 3 * (step.b % 2))
    parent = links.digest(*above.chain[-1]) if above.chain else links.digest(issued.fields, issued.signature)
    fields: dict[str, Any] = {
        "parent": parent, "holder": to, "constraints": {}, "expires_at": Instant(above.expires_at - (0, 0, MINUTE)[step.c // 7 % 3]),
        "uses": max(1, above.uses - step.c // 2 % 3), "cost_cap": cap,
    }  # fmt: skip
    if step.b % 4 == 0:
        bounds = {name: {"exact": value} for name, value in terms.params.items()}
        if "amount" in terms.constraints and step.b // 4 % 2:
            bounds["amount"] = {"range": {"low": 1, "high": terms.params["amount"], "places": None}}
        fields["constraints"] = bounds
    match 0 if holds else step.c % 31:
        case 1:
            fields["uses"] = above.uses + 1
        case 2:
            fields["expires_at"] = Instant(above.expires_at + HOUR)
        case 3:
            fields["cost_cap"] = None if above.cap is None else Cost(above.cap + 1)
        case 5:
            other = world.pick([known for known in world.handed if known.tenant == above.tenant], step.b)
            fields["parent"] = b"p" * 32 if other is None or not other.chain else links.digest(*other.chain[-1])
        case 6:
            fields["constraints"] = {name: {"exact": "else"} for name in terms.params}
        case 7:
            fields["expires_at"] = Instant(world.now + 1_000_000)
        case _:
            pass
    return links.Link(**fields)


@act("redeem handed on", 48)
async def redeem_handed_on(world: World, step: Step) -> None:
    """By the last of the hands that it went through, or by another of them."""
    account = world.account(step.a)
    known = [handed for handed in world.handed if handed.tenant == account.tenant and (handed.live.live or step.c % 16 == 0)]
    around = [handed for handed in known if any(is_stopped(account, name) for name in handed.holders[:-1])]
    handed = world.pick(around or known if step.b // 13 % 2 else known, step.a // 2)
    if handed is not None:
        await redeem_by(world, account, handed, step)


async def redeem_by(world: World, account: Account, handed: Handed, step: Step) -> None:
    """Now and then in the moment in which one of those hands is stopped."""
    agents = [name for name in handed.holders[:-1] if name in AGENTS and name != handed.live.terms.agent]
    if agents and step.a // 128 % 4 == 0:
        tag = "pause" if step.b % 2 else "breaker.trip"
        admin = world.member(account.tenant, ADMINS[step.b // 2 % len(ADMINS)])
        await world.call(admin, tag, {"scope": f"agent:{agents[step.b % len(agents)]}", "reason": "halt"})
        await world.settle()
    by = handed.holders[-1] if step.c % 13 else handed.holders[step.b % len(handed.holders)]
    changed: dict[str, Any] = {"chain": links.pack_chain(handed.chain), **otherwise(handed.live, step)}
    if handed.live.used:
        changed["use"] = handed.live.used + 1
    left = attrs.evolve(handed.live, terms=attrs.evolve(handed.live.terms, expires_at=handed.expires_at, cost_cap=handed.cap))
    await ask(world, account, left, by, world.run_name(), redemption(handed.live, "", **changed))
