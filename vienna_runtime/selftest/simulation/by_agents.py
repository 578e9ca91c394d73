"""What agents do: propose, again and again, with old keys, with nonsense, and with other people's things."""

from __future__ import annotations

import hashlib
from typing import Any

from transport.session import ClientState
from vienna_runtime.selftest.simulation.acts import act
from vienna_runtime.selftest.simulation.people import AGENTS, KINDS
from vienna_runtime.selftest.simulation.schedule import Step
from vienna_runtime.selftest.simulation.world import World

ACTIONS = (
    "notes.append", "notes.append", "orders.refund", "orders.refund", "orders.payout", "files.write", "files.write", "files.note",
    "notes.read",
)  # fmt: skip
TEXT = ("notes.append", "files.write", "files.note")
MINUTE = 60_000_000
STATES = (None, None, None, hashlib.sha256(b"one").digest(), hashlib.sha256(b"two").digest())


def wish(world: World, step: Step) -> dict[str, Any]:
    """The fields of a proposal."""
    action = ACTIONS[step.a % len(ACTIONS)]
    few = step.b % 5  # few resources and values, so that the same effect is asked for again
    resource = "holiday/monday" if step.c % 61 == 0 else f"{'book' if action in TEXT else 'order'}/{few}"
    params = {"text": f"t{step.b % 3}"} if action in TEXT else {} if action == "notes.read" else {"amount": (1, 5, 40, 999, 1001)[few]}
    fields: dict[str, Any] = {"action": action, "resource": resource, "params": params, "purpose": "to see"}
    fields["key"] = f"key-{step.c % 40}" if step.c % 5 == 0 else f"key-{1000 + world.number()}"
    if (on := STATES[step.c // 7 % len(STATES)]) is not None:
        fields["state_digest"] = on
    if step.c % 23 == 0:
        fields["deadline"] = world.now + MINUTE
    if step.c % 11 == 0:
        fields["cost"] = step.b % 90 * 1_000_000
    if action == "notes.read" or step.c % 29 == 0:
        fields["run"] = world.run_name()
    return fields


@act("propose", 150)
async def propose(world: World, step: Step) -> None:
    account = world.account(step.a // 16)
    who = world.member(account.tenant, AGENTS[step.b // 8 % len(AGENTS)])
    fields = wish(world, step)
    if step.c % 13 == 0 and (above := world.pick(account.cases.values(), step.c)) is not None:
        fields["parent"] = above.case
    await world.call(who, "propose", fields)


TWINS = ("notes.append", "files.note", "files.write")  # what is granted at once


@act("ask for the same", 8)
async def ask_for_the_same(world: World, step: Step) -> None:
    """Several cases of one and the same effect, by several agents, before any of them is done."""
    account = world.account(step.a)
    fields = {"action": TWINS[step.b % len(TWINS)], "resource": f"book/{step.b % 2}", "params": {"text": "t0"}, "purpose": "to see"}
    for number in range(2 + step.c % 3):
        who = world.member(account.tenant, AGENTS[(step.c + number) % len(AGENTS)])
        await world.call(who, "propose", {**fields, "key": f"key-{1000 + world.number()}"})


@act("propose again", 12)
async def propose_again(world: World, step: Step) -> None:
    """The same key, with the same wish or another, by its own agent or by one whose it is not."""
    account = world.account(step.a)
    case = world.pick(account.cases.values(), step.b)
    if case is None or KINDS.get(case.agent) != "agent":
        return
    wanted = account.wish(case)
    fields: dict[str, Any] = {
        "action": wanted.action, "resource": wanted.resource, "params": dict(wanted.params), "purpose": wanted.purpose,
        "key": case.key, "cost": wanted.cost,
    }  # fmt: skip
    fields |= {name: value for name in ("state_digest", "parent", "deadline") if (value := getattr(wanted, name)) is not None}
    if step.c % 4 == 1:
        fields["resource"] = "order/another"
    by = case.agent if step.c % 4 else AGENTS[step.c % len(AGENTS)]
    await world.call(world.member(account.tenant, by), "propose", fields)


@act("cancel", 6)
async def cancel(world: World, step: Step) -> None:
    account = world.account(step.a)
    case = world.pick(account.open_cases.values(), step.b)
    if case is not None:
        by = case.agent if step.c % 3 else AGENTS[step.c % len(AGENTS)]
        if KINDS.get(by) == "agent":
            await world.call(world.member(account.tenant, by), "case.cancel", {"case": case.case, "reason": "no more"})


@act("answer", 4)
async def answer(world: World, step: Step) -> None:
    account = world.account(step.a)
    case = world.pick([case for case in account.held() if case.said], step.b)
    if case is not None and KINDS.get(case.agent) == "agent":
        await world.call(world.member(account.tenant, case.agent), "approval.answer", {"case": case.case, "answer": f"because {step.c}"})


@act("use again", 6)
async def use_again(world: World, step: Step) -> None:
    """Asks for a further use of a warrant."""
    account = world.account(step.a)
    live = world.pick(account.live.values(), step.b)
    if live is not None:
        fields = {"warrant": live.issued.warrant, "key": f"use-{step.c % 64}"}
        await world.call(world.member(account.tenant, live.terms.agent), "warrant.use", fields)


ODD: tuple[tuple[str, dict[str, Any]], ...] = (
    ("propose", {"action": "notes.append"}),
    ("propose", {"action": 7, "resource": "book/1", "params": {}, "purpose": "x", "key": "k"}),
    ("propose", {"action": "notes.append", "resource": "book/1", "params": {"text": 7}, "purpose": "x", "key": "odd-1"}),
    ("propose", {"action": "vienna.member.invite", "resource": "member/eve", "params": {}, "purpose": "x", "key": "odd-2"}),
    ("propose", {"action": "notes.append", "resource": "book/1", "params": {"text": "x"}, "purpose": "x", "key": "odd-3", "agent": "ben"}),
    ("approve", {"statement": b"no", "signature": bytes(64)}),
    ("redeem", {"warrant": b"no", "signature": bytes(64), "mac": bytes(32), "run": "r", "args_digest": bytes(32)}),
    ("breaker.reset", {"scope": "tenant", "reason": "please"}),
    ("no.such.call", {"x": 1}),
    ("case.show", {"case": "c" + "0" * 20}),
    ("status", {}),
)


@act("odd", 10)
async def odd(world: World, step: Step) -> None:
    """Calls that are malformed, or not an agent's."""
    tag, fields = ODD[step.a % len(ODD)]
    await world.call(world.member(world.account(step.b).tenant, AGENTS[step.c % len(AGENTS)]), tag, fields)


GARBAGE = (b"\xc1", b"\x81\xa1t", b"\x82\xa1t\xa4ping\xa1n\xc3", b"\x81\xa1t\xa7propose", bytes(64))


@act("garbage", 3)
async def garbage(world: World, step: Step) -> None:
    """Bytes that are no message: the line ends, and nobody else notices."""
    line = await world.line(world.member(world.account(step.b).tenant, AGENTS[step.c % len(AGENTS)]))
    if line is not None and line.session.state is ClientState.OPEN:
        line.send(GARBAGE[step.a % len(GARBAGE)])


@act("send again", 10)
async def send_again(world: World, step: Step) -> None:
    """Something that was sent before, once more, over a line of its own or another: a repeat, or a thief with a copy."""
    sent = world.pick(world.sent, step.a)
    if sent is not None:
        who, tag, fields, note = sent
        await world.call(who, tag, fields, note, anew=step.b % 4 == 0)


@act("show", 20)
async def show(world: World, step: Step) -> None:
    """Somebody looks: at what is on the disk, or at what the node believes is."""
    account, node = world.account(step.a), world.plant.node
    place = None if node is None else node.directory.get(account.tenant)
    believed = () if place is None or place.tenant is None else place.tenant.state.cases
    case = world.pick(account.cases if step.c % 3 else believed, step.b)
    if case is not None:
        name = ("greta", "clara", "anna", "till")[step.c // 3 % 4]
        await world.call(world.member(account.tenant, name), "case.show", {"case": case})
