"""Changes of a sealed tenant: asked for, agreed to, denied, and asked for again under the same key when they are over."""

from __future__ import annotations

from typing import Any

from actors.governance.signing import Purpose
from vienna_runtime.selftest.simulation.acts import act
from vienna_runtime.selftest.simulation.by_people import statement
from vienna_runtime.selftest.simulation.people import ADMINS, APPROVERS, KINDS
from vienna_runtime.selftest.simulation.policy import DIGESTS
from vienna_runtime.selftest.simulation.remembered import CaseNow
from vienna_runtime.selftest.simulation.schedule import Step
from vienna_runtime.selftest.simulation.world import World

ROLES = (["lead"], ["finance", "lead"], ["finance"])
VOTERS = (*APPROVERS, *ADMINS)


def wanted(step: Step) -> tuple[str, dict[str, Any]]:
    match step.b % 4:
        case 0:
            return "bundle.activate", {"bundle": DIGESTS[step.b // 4 % len(DIGESTS)]}
        case 1:
            return "member.change", {"member": "clara-two", "roles": ROLES[step.b // 4 % len(ROLES)]}
        case _:
            return "member.change", {"member": "hugo", "roles": ROLES[step.b // 4 % 2]}


@act("change", 12)
async def change(world: World, step: Step) -> None:
    """Under one of few keys: most of them have been used, for the same or for something else."""
    account = world.account(step.a)
    if account.halts.sealed:
        tag, fields = wanted(step)
        who = world.member(account.tenant, ADMINS[step.c % len(ADMINS)])
        await world.call(who, tag, {**fields, "key": f"change-{step.c // 2 % 8}"})


def is_change(case: CaseNow) -> bool:
    return KINDS.get(case.agent) == "admin"


@act("decide a change", 16)
async def decide_a_change(world: World, step: Step) -> None:
    """Two agree, or one says no and it is over; whoever hears of that asks again."""
    account = world.account(step.a)
    case = world.pick([case for case in account.held() if is_change(case)], step.b)
    if case is None:
        return
    decision = "approve" if step.c % 3 else "deny"
    for number in range(2 if decision == "approve" else 1):
        who = world.member(account.tenant, VOTERS[(step.b // 3 + number) % len(VOTERS)])
        packed = statement(world, case, decision)
        await world.call(who, decision, {"statement": packed, "signature": who.sign(Purpose.APPROVAL, packed)})
        await world.settle()
    await ask_again(world, account.tenant, case, step)


@act("change again", 10)
async def change_again(world: World, step: Step) -> None:
    """A change that is over, under its own key: as it was, or another."""
    account = world.account(step.a)
    case = world.pick([case for case in account.cases.values() if is_change(case) and case.place == "closed"], step.b)
    if case is not None:
        await ask_again(world, account.tenant, case, step)


async def ask_again(world: World, tenant: str, case: CaseNow, step: Step) -> None:
    wish = world.accounts[tenant].wish(case)
    tag, fields = wanted(step)
    if step.c % 4:  # the same again, as far as that can be told from its card
        match wish.action:
            case "vienna.bundle.activate":
                name = wish.resource.removeprefix("bundle/")
                tag, fields = "bundle.activate", {"bundle": next(known for known in DIGESTS if known.hex().startswith(name))}
            case "vienna.member.revoke":
                tag, fields = "member.revoke", {"member": wish.resource.removeprefix("member/"), "reason": "left"}
            case _:
                pass
    await world.call(world.member(tenant, case.agent), tag, {**fields, "key": case.key})
