"""What approvers, admins and operators do, the malicious ones included."""

from __future__ import annotations

from typing import Any

from actors.governance import approval, canonical
from actors.governance.ids import CaseId, Instant
from actors.governance.signing import Purpose
from vienna_runtime.selftest.simulation.account import Account
from vienna_runtime.selftest.simulation.acts import act
from vienna_runtime.selftest.simulation.people import ADMINS, AGENTS, APPROVERS, OPERATOR, somebody
from vienna_runtime.selftest.simulation.policy import DIGESTS
from vienna_runtime.selftest.simulation.remembered import CaseNow, heard
from vienna_runtime.selftest.simulation.schedule import Step
from vienna_runtime.selftest.simulation.world import World

NARROWINGS: tuple[dict[str, Any], ...] = ({}, {}, {}, {"uses": 1}, {"uses": 9}, {"cost_cap": 0}, {"ttl": 1}, {"ttl": 60_000_000})
VOTERS = (*APPROVERS, *APPROVERS, "greta", "anna")
SKEWED = 70_000_000  # µs; beyond what a signed time may differ


def statement(world: World, case: CaseNow, decision: str, /, **changed: Any) -> bytes:
    fields: dict[str, Any] = {
        "case": CaseId(case.case), "intent": canonical.digest(case.intent), "card": canonical.digest(case.card),
        "bundle": case.verdict.bundle, "tier": case.verdict.tier, "decision": decision, "narrowing": {}, "reason": "because",
        "heard": heard(case), "nonce": b"n" * 16, "time": Instant(world.now),
    }  # fmt: skip
    return approval.pack(approval.Statement(**{**fields, **changed}))


def exactly(account: Account, case: CaseNow, step: Step) -> dict[str, Any]:
    """A narrowing to the very amount that was proposed, where policy lets it vary; or none."""
    if "amount" not in case.verdict.constraints or step.b // 16 % 2:
        return {}
    return {"params": {"amount": {"exact": account.wish(case).params["amount"]}}}


async def vote(world: World, account: Account, case: CaseNow, step: Step, decision: str) -> None:
    name = VOTERS[step.b % len(VOTERS)]
    changed: dict[str, Any] = {}
    match step.c % 41:
        case 1:
            changed["tier"] = "T0"
        case 2:
            changed["card"] = b"c" * 32
        case 3:
            changed["time"] = Instant(world.now - SKEWED)
        case 4:
            changed["decision"] = "deny" if decision == "approve" else "approve"
        case 5:
            changed["heard"] = b"h" * 32
        case _:
            if decision == "approve":
                changed["narrowing"] = exactly(account, case, step) or NARROWINGS[step.c // 41 % len(NARROWINGS)]
    packed = statement(world, case, decision, **changed)
    signer = name if step.c % 43 else APPROVERS[step.c % len(APPROVERS)]
    signature = world.member(account.tenant, signer).sign(Purpose.APPROVAL, packed)
    await world.call(world.member(account.tenant, name), decision, {"statement": packed, "signature": signature})


@act("approve", 130)
async def approve(world: World, step: Step) -> None:
    account = world.account(step.a)
    case = world.pick(account.held(), step.a // 2)
    if case is not None:
        await vote(world, account, case, step, "approve")


@act("deny", 10)
async def deny(world: World, step: Step) -> None:
    account = world.account(step.a)
    case = world.pick(account.held(), step.a // 2)
    if case is not None:
        await vote(world, account, case, step, "deny")


@act("vote late", 8)
async def vote_late(world: World, step: Step) -> None:
    """On a case that may be over: approved after a denial, denied after a grant."""
    account = world.account(step.a)
    case = world.pick([case for case in account.cases.values() if case.card], step.a // 2)
    if case is not None:
        await vote(world, account, case, step, "approve" if step.c % 2 else "deny")


@act("vote again", 8)
async def vote_again(world: World, step: Step) -> None:
    """The same signed bytes, by whose they are or by somebody else."""
    account = world.account(step.a)
    given = world.pick(account.given, step.b)
    if given is not None:
        by = given.approver if step.c % 3 else APPROVERS[step.c % len(APPROVERS)]
        await world.call(world.member(account.tenant, by), "approve", {"statement": given.statement, "signature": given.signature})


@act("ask", 6)
async def ask(world: World, step: Step) -> None:
    account = world.account(step.a)
    case = world.pick(account.held(), step.a // 2)
    if case is not None:
        by = world.member(account.tenant, APPROVERS[step.b % len(APPROVERS)])
        tag, fields = ("approval.ask", {"question": f"why {step.c}?"}) if step.c % 2 else ("approval.open", {})
        await world.call(by, tag, {"case": case.case, **fields})


def admin(world: World, account: Account, step: Step) -> Any:
    return world.member(account.tenant, ADMINS[step.c % len(ADMINS)])


@act("revoke", 6)
async def revoke(world: World, step: Step) -> None:
    account = world.account(step.a)
    live = world.pick(account.live.values(), step.b)
    if live is None:
        return
    if step.c % 4:
        await world.call(admin(world, account, step), "warrant.revoke", {"warrant": live.issued.warrant, "reason": "no more"})
    else:
        scope = f"agent:{live.terms.agent}" if step.c % 8 else f"bundle:{live.terms.bundle.hex()}"
        await world.call(admin(world, account, step), "warrants.revoke", {"scope": scope, "reason": "no more"})


SCOPES = ("tenant", *(f"agent:{name}" for name in AGENTS), "action:notes.append", "action:orders.refund")


@act("trip", 5)
async def trip(world: World, step: Step) -> None:
    account = world.account(step.a)
    await world.call(admin(world, account, step), "breaker.trip", {"scope": SCOPES[step.b % len(SCOPES)], "reason": "halt"})


@act("reset", 20)
async def reset(world: World, step: Step) -> None:
    account = world.account(step.a)
    scope = world.pick([scope for scope, guard in account.halts.guards.items() if guard.status != "closed"], step.b)
    if scope is not None:
        await world.call(admin(world, account, step), "breaker.reset", {"scope": scope, "reason": "looked"})


@act("settle", 20)
async def settle(world: World, step: Step) -> None:
    """Says what became of an effect of unknown outcome."""
    account = world.account(step.a)
    run = world.pick([name for name, run in account.open_runs.items() if run.status == "unknown" or step.c % 7 == 0], step.b)
    if run is not None:
        by = admin(world, account, step) if step.c % 5 else world.member(account.tenant, APPROVERS[step.c % len(APPROVERS)])
        world.acts["one of several settled"] += len(account.blocked.get(account.open_runs[run].opened.effect, ())) > 2
        await world.call(by, "effect.settle", {"run": run, "happened": bool(step.c % 2), "reason": "looked"})


@act("letter", 12)
async def letter(world: World, step: Step) -> None:
    """Retries or resolves a dead letter, or one that is resolved."""
    account = world.account(step.a)
    found = world.pick(account.all_letters if step.c % 4 == 0 else account.letters, step.b)
    if found is not None:
        tag, more = ("dead_letter.resolve", {"reason": "read"}) if step.c % 3 else ("dead_letter.retry", {"key": f"again-{step.c % 2}"})
        await world.call(admin(world, account, step), tag, {"letter": found, **more})


@act("activate", 4)
async def activate(world: World, step: Step) -> None:
    account = world.account(step.a)
    fields = {"bundle": DIGESTS[step.b % len(DIGESTS)], "key": f"bundle-{world.number()}"}
    await world.call(admin(world, account, step), "bundle.activate", fields)


@act("member", 1)
async def member(world: World, step: Step) -> None:
    """Somebody's roles change, or its rights end."""
    account = world.account(step.a)
    key = f"member-{world.number()}"
    if step.b % 3:
        fields = {"member": "hugo", "roles": ["lead"] if step.b % 2 else ["finance", "lead"], "key": key}
        await world.call(admin(world, account, step), "member.change", fields)
    else:
        gone = ("mallory", "clara-two", "vera", "ben")[step.b % 4]
        await world.call(admin(world, account, step), "member.revoke", {"member": gone, "reason": "left", "key": key})


@act("operate", 16)
async def operate(world: World, step: Step) -> None:
    """The operator stops a tenant or the node, by a pause or a breaker, and lets them go on: that more often."""
    otto = somebody("", OPERATOR)
    tenant = world.account(step.a).tenant
    key = f"operate-{world.number()}"
    match step.b % 12:
        case 0:
            await world.call(otto, "pause", {"scope": tenant, "reason": "look"})
        case 1:
            await world.call(otto, "breaker.trip", {"scope": "node", "reason": "halt"})
        case 2:
            await world.call(otto, "pause", {"scope": "node", "reason": "halt"})
        case 3 | 4:
            await world.call(otto, "breaker.reset", {"scope": "node", "reason": "looked"})
        case 5:
            await world.call(otto, "status", {})
        case 6 | 7 | 8:
            await world.call(otto, "resume", {"scope": "node", "reason": "looked", "key": key})
        case _:
            await world.call(otto, "resume", {"scope": tenant, "reason": "looked", "key": key})


@act("pause", 8)
async def pause(world: World, step: Step) -> None:
    """An admin stops an agent or the tenant, or lets it go on: that more often, and alone or by a quorum, as it may."""
    account = world.account(step.a)
    scope = (*(f"agent:{name}" for name in AGENTS), "tenant")[step.b % (len(AGENTS) + 1)]
    if step.c % 3:
        scope = world.pick([known for side, known in account.halts.pauses if side == "tenant"], step.b) or scope
        fields = {"scope": scope, "reason": "looked", "key": f"resume-{world.number()}"}
        await world.call(admin(world, account, step), "resume", fields)
    else:
        await world.call(admin(world, account, step), "pause", {"scope": scope, "reason": "halt"})
