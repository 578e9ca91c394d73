"""Who looks in whose place, and whether anybody does: seats that are handed on and taken back, and canaries."""

from __future__ import annotations

from typing import Any

from actors.governance import seat
from actors.governance.ids import Instant
from actors.governance.signing import Purpose
from transport.answers import Answer, Reply
from vienna_runtime.selftest.simulation.acts import act
from vienna_runtime.selftest.simulation.by_people import vote
from vienna_runtime.selftest.simulation.network import Call
from vienna_runtime.selftest.simulation.people import ADMINS, AGENTS, APPROVERS
from vienna_runtime.selftest.simulation.schedule import Step
from vienna_runtime.selftest.simulation.world import World

LIVES = (60_000_000, 600_000_000, 3_600_000_000, 86_400_000_000)  # µs


@act("hand a seat on", 14)
async def hand_a_seat_on(world: World, step: Step) -> None:
    """To another approver, to the other account of the same person, or to nobody who has one; now and then signed by another."""
    account = world.account(step.a)
    who = world.member(account.tenant, APPROVERS[step.b % len(APPROVERS)])
    to = (*APPROVERS, *APPROVERS, AGENTS[0])[step.b // 4 % 9]
    signer = who if step.c % 11 else world.member(account.tenant, APPROVERS[step.c % len(APPROVERS)])
    statement = seat.Statement(
        tenant=account.tenant if step.c % 19 else "another", to=to, until=Instant(world.now + LIVES[step.a // 2 % len(LIVES)]),
        reason="away", nonce=b"%016d" % world.number(), time=Instant(world.now),
    )  # fmt: skip
    packed = seat.pack(statement)
    await world.call(who, "seat.delegate", {"statement": packed, "signature": signer.sign(Purpose.SEAT, packed)})


@act("take a seat back", 6)
async def take_a_seat_back(world: World, step: Step) -> None:
    account = world.account(step.a)
    whose = world.pick(account.seats.held, step.b)
    if whose is not None:
        by = (whose, ADMINS[step.c % len(ADMINS)], APPROVERS[step.c % len(APPROVERS)])[step.a // 2 % 3]
        fields: dict[str, Any] = {"reason": "back"} if by == whose else {"reason": "back", "whose": whose}
        await world.call(world.member(account.tenant, by), "seat.return", fields)


@act("vote from another's seat", 18)
async def vote_from_anothers_seat(world: World, step: Step) -> None:
    """Whoever holds one, or held it until lately."""
    account = world.account(step.a)
    found = world.pick(account.seats.ever[-3:] if step.c % 3 == 0 else list(account.seats.held), step.b)
    case = world.pick(account.held(), step.a // 2)
    if found is not None and case is not None:
        to = account.seats.to[found]
        await vote(world, account, case, Step(step.kind, step.a, APPROVERS.index(to), 41 * 43), "approve")


@act("try people out", 14)
async def try_people_out(world: World, step: Step) -> None:
    """Proposes in an agent's name what should be denied; under few keys, so that some are asked for again."""
    account = world.account(step.a)
    fields = {
        "whose": AGENTS[step.b % len(AGENTS)], "action": ("orders.refund", "orders.payout", "notes.append")[step.c % 3],
        "resource": f"order/{step.b // 3 % 3}", "params": {"text": "t"} if step.c % 3 == 2 else {"amount": 40}, "purpose": "to try",
        "reason": "who looks?", "key": f"canary-{step.c // 3 % 12}",
    }  # fmt: skip
    by = ADMINS[step.a // 2 % len(ADMINS)] if step.c % 7 else APPROVERS[0]
    await world.call(world.member(account.tenant, by), "review.canary", fields)


@act("look at a canary", 16)
async def look_at_a_canary(world: World, step: Step) -> None:
    """As many as it takes approve it, or somebody has looked; its agent withdraws it."""
    account = world.account(step.a)
    waiting = [account.cases[name] for name in account.canaries.known if account.cases[name].place == "held"]
    case = world.pick(waiting, step.b)
    if case is None:
        return
    if step.c % 9 == 0:
        await world.call(world.member(account.tenant, case.agent), "case.cancel", {"case": case.case, "reason": "not mine"})
        return
    for number in range(3):
        decision = "deny" if (step.c + number) % 5 == 1 else "approve"
        await vote(world, account, case, Step(step.kind, step.a, (step.b // 3 + number) % len(APPROVERS), 41 * 43), decision)
        await world.settle()


def tried(world: World, call: Call, answer: Answer) -> None:
    """An admin knows its own."""
    if isinstance(answer, Reply) and isinstance(case := answer.value.get("case"), str):
        world.accounts[call.who.tenant].canaries.known[case] = call.who.name
