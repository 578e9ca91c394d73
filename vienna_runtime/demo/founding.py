"""Act 1: a node, two tenants with their members and policies, and the end of their founding."""

from __future__ import annotations

from functools import partial

import attrs
import trio

from actors.governance import kinds
from vienna_runtime.cli import inviting
from vienna_runtime.client import Vienna
from vienna_runtime.demo import scenery
from vienna_runtime.demo.play import BELVEDERE, OPERATOR, SCHOENBRUNN, SECOND, Play

ADMIN = "otto"
_LIFE = 3600 * SECOND  # of an invitation: the demo is over sooner


@attrs.frozen
class Cast:
    member: str
    kind: str
    person: str
    roles: tuple[str, ...] = ()

    @property
    def sealed(self) -> bool:
        return self.kind in (kinds.APPROVER, kinds.ADMIN)


TENANTS: dict[str, tuple[str, tuple[Cast, ...]]] = {
    BELVEDERE: (
        "git-workshop",
        (
            Cast("clara", kinds.APPROVER, "Clara", ("reviewer",)),
            Cast("dora", kinds.APPROVER, "Dora", ("reviewer",)),
            Cast("ada", kinds.AGENT, "Otto", ("developer",)),
            Cast("ben", kinds.AGENT, "Otto", ("developer",)),
            Cast("workshop", kinds.EXECUTOR, "Otto"),
            Cast("emil", kinds.VERIFIER, "Emil"),
        ),
    ),
    SCHOENBRUNN: (
        "payments",
        (
            Cast("clara", kinds.APPROVER, "Clara", ("support-lead",)),
            Cast("dora", kinds.APPROVER, "Dora", ("finance",)),
            Cast("ada", kinds.AGENT, "Otto", ("support",)),
            Cast("mallory", kinds.AGENT, "Otto", ("support",)),
            Cast("till", kinds.EXECUTOR, "Otto"),
        ),
    ),
}


async def play(p: Play) -> None:
    p.board.act("Founding", "a node on loopback with TLS and LMDB, and two tenants, each with one admin who may still do things alone")
    await p.board.step(OPERATOR, "a node: its keys, its authority, its ledger", "ready", partial(make_node, p))
    async with trio.open_nursery() as nursery:
        for tenant in TENANTS:
            nursery.start_soon(_tenant, p, tenant)
    await p.board.step(
        "workshop, emil, till", "to hold the means and to look, each in a process of its own", "ready", partial(_machines, p)
    )
    await p.board.step(ADMIN, "a new auditor in the sealed tenant, alone", "held", partial(_add, p))
    await p.board.step("clara and dora", "to approve the change", "applied", partial(_approved, p, "invited"))
    await p.board.step(ADMIN, "the auditor emma to be confirmed by her fingerprint, as two persons wanted", "applied", partial(_confirm, p))


async def make_node(p: Play) -> str:
    made = await p.stage.vienna("init", "node", "--insecure-dev-keys", "--name", "demo.example", "--listen", f"127.0.0.1:{p.port}")
    p.node_key = made["node_key"]
    await p.serve()
    p.board.say(p.server.ready if p.server is not None else "")
    return "ready"


async def _tenant(p: Play, tenant: str) -> None:
    bundle, cast = TENANTS[tenant]
    await p.board.step(OPERATOR, f"the tenant {tenant}", "founding", partial(found, p, tenant))
    await p.board.step(ADMIN, f"{len(cast)} members of {tenant}", f"{len(cast)} in force", partial(admit, p, tenant, cast))
    await p.board.step(ADMIN, f"the policy {bundle} for {tenant}", "in force", partial(_policy, p, tenant))
    await p.board.step(ADMIN, f"the founding of {tenant} to end", "sealed", partial(_seal, p, tenant))


async def found(p: Play, tenant: str) -> str:
    where = p.stage.directory / tenant
    where.mkdir(mode=0o700)
    invitation = str(where / f"{ADMIN}.invitation")
    operator = p.stage.directory / "node" / "operator.vienna"
    await p.stage.vienna("tenant", "create", tenant, "--admin", ADMIN, "--person", "Otto", "-o", invitation, credential=operator)
    await p.enrol(tenant, ADMIN, sealed=True)
    return str((await (await p.at(tenant, ADMIN)).whoami())["phase"])


async def admit(p: Play, tenant: str, cast: tuple[Cast, ...]) -> str:
    admin = await p.at(tenant, ADMIN)
    for one in cast:
        await _invite(p, admin, tenant, one)
        enrolled = await p.enrol(tenant, one.member, sealed=one.sealed)
        await admin.admin.confirm(one.member, enrolled["fingerprint"])
    expected = {one.member for one in cast}
    return f"{sum(row['status'] == 'active' and row['member'] in expected for row in await admin.admin.members())} in force"


async def _invite(p: Play, admin: Vienna, tenant: str, one: Cast) -> dict[str, object]:
    owner = ADMIN if one.kind == kinds.AGENT else None
    return await inviting.invite(
        admin,
        p.stage.directory / tenant / f"{one.member}.invitation",
        tenant=tenant,
        name=one.member,
        kind=one.kind,
        life=_LIFE,
        record=lambda token, expires: admin.admin.invite(
            one.member,
            one.kind,
            one.person,
            roles=one.roles,
            owner=owner,
            invitation=token.id,
            token_hash=token.digest(),
            expires_at=expires,
        ),
    )


async def _policy(p: Play, tenant: str) -> str:
    directory = scenery.BUNDLES / TENANTS[tenant][0]
    await p.stage.vienna("policy", "push", str(directory), "--activate", credential=p.credential(tenant, ADMIN))
    shown = await (await p.at(tenant, ADMIN)).admin.bundle()
    return "in force" if shown["files"] == scenery.bundle(TENANTS[tenant][0]) else "another policy is in force"


async def _seal(p: Play, tenant: str) -> str:
    await p.stage.vienna("tenant", "seal", "--yes", credential=p.credential(tenant, ADMIN))
    return str((await (await p.at(tenant, ADMIN)).status())["phase"])


async def _machines(p: Play) -> str:
    where = p.stage.directory
    workshop = scenery.write(where / "workshop.toml", p.scenery.workshop(p.credential(BELVEDERE, "workshop")))
    emil = scenery.write(where / "emil.toml", p.scenery.emil(p.credential(BELVEDERE, "emil")))
    till = scenery.write(where / "till.toml", p.scenery.cashier(p.credential(SCHOENBRUNN, "till")))
    for name, kind, config in (("workshop", "executor", workshop), ("emil", "verifier", emil), ("till", "executor", till)):
        await p.machine(name, "vienna_runtime.cli.main", kind, "run", "--config", str(config))
    return "ready"


_EMMA = Cast("emma", kinds.AUDITOR, "Emma")


async def _add(p: Play) -> str:
    answer = await _invite(p, await p.at(BELVEDERE, ADMIN), BELVEDERE, _EMMA)
    p.cases["invited"] = str(answer["case"])
    return str(answer.get("status", "applied" if answer.get("applied") else "held"))


async def _approved(p: Play, name: str) -> str:
    await p.approve(p.cases[name], "clara", "dora")
    return str((await (await p.at(BELVEDERE, ADMIN)).case(p.cases[name]))["outcome"])


async def _confirm(p: Play) -> str:
    enrolled = await p.enrol(BELVEDERE, _EMMA.member, sealed=False)
    answer = await (await p.at(BELVEDERE, ADMIN)).admin.confirm(_EMMA.member, enrolled["fingerprint"])
    return "applied" if answer["applied"] else "held"
