"""What approvers sign in advance: narrow and wide, for themselves too, for another bundle, and what becomes of it."""

from __future__ import annotations

from actors.governance import canonical, constraints, envelope
from actors.governance.constraints import Constraint
from actors.governance.ids import Cost, Digest, Instant, MemberId, TenantId
from actors.governance.signing import Purpose
from vienna_runtime.selftest.simulation.account import Account
from vienna_runtime.selftest.simulation.acts import act
from vienna_runtime.selftest.simulation.by_people import vote
from vienna_runtime.selftest.simulation.people import ADMINS, AGENTS, APPROVERS
from vienna_runtime.selftest.simulation.policy import DIGESTS
from vienna_runtime.selftest.simulation.schedule import Step
from vienna_runtime.selftest.simulation.world import World

WHERE: tuple[Constraint, ...] = (constraints.Prefix("order/"), constraints.Prefix("order/"), constraints.Exact("order/1"))
COUNTS = (1, 1, 2, 3, 20)
TOTALS = (None, None, 0, 6_000_000, 50_000_000)
LIVES = (60_000_000, 600_000_000, 3_600_000_000, 86_400_000_000)


@act("approve in advance", 16)
async def approve_in_advance(world: World, step: Step) -> None:
    account = world.account(step.a)
    amount: dict[str, Constraint] = {} if step.b % 3 == 0 else {"amount": constraints.Range(low=1, high=(5, 40, 999)[step.a // 2 % 3])}
    template = envelope.Template(
        agent=MemberId(AGENTS[step.b % len(AGENTS)]), action=("orders.refund", "orders.refund", "orders.payout")[step.c % 3],
        resource=WHERE[step.c // 3 % len(WHERE)], params=amount, open=() if amount else ("amount",),
    )  # fmt: skip
    packed_template, total = envelope.pack_template(template), TOTALS[step.a // 6 % len(TOTALS)]
    statement = envelope.Statement(
        tenant=TenantId(account.tenant), template=Digest(canonical.digest(packed_template)), count=COUNTS[step.b // 3 % len(COUNTS)],
        total=None if total is None else Cost(total), until=Instant(world.now + LIVES[step.c // 9 % len(LIVES)]),
        bundle=account.bundle if step.c % 13 else DIGESTS[step.b % len(DIGESTS)], tier=("T2", "T1", "T1")[step.a // 2 % 3],
        reason="as ever", nonce=b"%016d" % world.number(), time=Instant(world.now),
    )  # fmt: skip
    packed = envelope.pack(statement)
    who = world.member(account.tenant, APPROVERS[step.c // 2 % len(APPROVERS)])
    signer = who if step.c % 17 else world.member(account.tenant, APPROVERS[step.b % len(APPROVERS)])
    fields = {"template": packed_template, "statement": packed, "signature": signer.sign(Purpose.ENVELOPE, packed)}
    await world.call(who, "envelope.sign", fields)


@act("revoke in advance", 8)
async def revoke_in_advance(world: World, step: Step) -> None:
    """Its signer, an admin, or somebody whose it is not."""
    account = world.account(step.a)
    known = world.pick(account.advance.known.values(), step.b)
    if known is not None:
        by = (known.signed.approver, ADMINS[step.c % len(ADMINS)], APPROVERS[step.c % len(APPROVERS)])[step.a // 2 % 3]
        await world.call(world.member(account.tenant, by), "envelope.revoke", {"envelope": known.signed.envelope, "reason": "no more"})


@act("ask for what is approved", 36)
async def ask_for_what_is_approved(world: World, step: Step) -> None:
    """What an envelope is for, or was until lately, or nearly: by its agent or another, within its bounds or just beyond."""
    account = world.account(step.a)
    known = world.pick(account.advance.over[-4:] if step.c % 3 == 0 else account.advance.known.values(), step.b)
    if known is None:
        return
    agent = known.template["agent"] if step.c % 11 else AGENTS[step.c % len(AGENTS)]
    fields = {
        "action": known.template["action"], "resource": f"order/{1 if step.c % 4 else step.b % 5}", "purpose": "as agreed",
        "params": {"amount": (1, 2, 5, 40, 41)[step.b % 5]}, "key": f"key-{1000 + world.number()}",
    }  # fmt: skip
    more = 2 if known.said["total"] is not None and step.c % 2 else step.c % 5 == 0  # a total is reached by several
    for _ in range(1 + more):
        await world.call(world.member(account.tenant, agent), "propose", fields)
        fields = {**fields, "key": f"key-{1000 + world.number()}"}
    if known.template["action"] == "orders.payout" and step.a // 2 % 4:
        await world.settle()
        await fill(world, account, agent, step)


async def fill(world: World, account: Account, agent: str, step: Step) -> None:
    """Of what takes two the one that signed nothing in advance agrees as well."""
    held = [case for case in account.held() if case.agent == agent and account.wish(case).purpose == "as agreed"]
    if held:
        await vote(world, account, held[-1], Step(step.kind, step.a, step.b // 5, 41 * 43), "approve")
