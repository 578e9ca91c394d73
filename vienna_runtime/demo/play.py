"""Who can be asked for what: the members' credentials and sessions, and the few things that every act does."""

from __future__ import annotations

import secrets
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import trio

from actors.governance.canonical import Value
from vienna_runtime.client import Patience, Progress, Vienna, connect
from vienna_runtime.client.vienna import now
from vienna_runtime.demo.board import Board
from vienna_runtime.demo.errors import DemoError
from vienna_runtime.demo.scenery import Scenery
from vienna_runtime.demo.stage import Running, Stage
from vienna_runtime.secret import Secret

SECOND = 1_000_000  # µs
REPO = "repo/vienna"
OPERATOR = "operator"
Params: TypeAlias = Mapping[str, Value]
CASE_SECONDS = 45.0  # for a case that nothing holds up; more means that something is broken
BELVEDERE, SCHOENBRUNN = "belvedere", "schoenbrunn"

# a machine that is busy with other things as well answers late, and a node that is started again takes a few seconds
_PATIENCE = Patience(seconds=60.0)


@attrs.define(kw_only=True)
class Play:
    stage: Stage
    board: Board
    scenery: Scenery
    sessions: trio.Nursery
    port: int
    passphrase: str
    interactive: bool = False
    node_key: str = ""
    server: Running | None = None
    machines: dict[str, Running] = attrs.Factory(dict)
    cases: dict[str, str] = attrs.Factory(dict)  # cases by what a later act calls them
    _open: dict[tuple[str, str], Vienna] = attrs.Factory(dict)

    def credential(self, tenant: str, member: str) -> Path:
        return self.stage.directory / tenant / f"{member}.vienna"

    async def at(self, tenant: str, member: str) -> Vienna:
        """That member's session in this process: agents and admins keep theirs open."""
        if (tenant, member) not in self._open:
            self._open[tenant, member] = await self.sessions.start(self._hold, tenant, member)
        return self._open[tenant, member]

    async def _hold(self, tenant: str, member: str, task_status: trio.TaskStatus[Vienna]) -> None:
        """In a task of its own: whoever asked first may end before who asks next."""
        passphrase = Secret(self.passphrase.encode())
        async with connect(self.credential(tenant, member), passphrase=passphrase, patience=_PATIENCE) as session:
            task_status.started(session)
            await trio.sleep_forever()

    async def propose(
        self, member: str, action: str, params: Params, purpose: str, *, life: float | None = None, tenant: str = BELVEDERE
    ) -> Progress:
        """Proposes and does not wait."""
        resource = REPO if tenant == BELVEDERE else "order/8812"
        deadline = None if life is None else now() + int(life * SECOND)
        agent = await self.at(tenant, member)
        return await agent.propose(action, resource, params, purpose=purpose, deadline=deadline, wait=False)

    async def outcome(self, member: str, case: str, *, tenant: str = BELVEDERE) -> str:
        """How the case ended."""
        with trio.move_on_after(CASE_SECONDS):
            return (await (await self.at(tenant, member)).wait(case)).outcome
        raise DemoError(f"case {case} had not ended after {CASE_SECONDS:.0f} s")

    async def done(self, member: str, action: str, params: Params, purpose: str, *, tenant: str = BELVEDERE) -> str:
        """Proposes and waits for the end; for what nobody has to approve."""
        case = await self.propose(member, action, params, purpose, tenant=tenant)
        return case.outcome if case.ended else await self.outcome(member, case.case, tenant=tenant)

    async def approve(self, case: str, *approvers: str, tenant: str = BELVEDERE) -> None:
        """Each with its own key in a process of its own; by hand where somebody sits there for it."""
        if self.interactive and tenant == BELVEDERE:
            await self._by_hand(case, approvers)
            return
        for approver in approvers:
            said = await self.stage.vienna("approve", case, "--yes", "--reason", "seen", credential=self.credential(tenant, approver))
            self.board.say(f"{approver} approves {case} with its own key; the case is {said['status']}")

    async def _by_hand(self, case: str, approvers: tuple[str, ...]) -> None:
        self.board.say(f"Now you: approve {case}. In another shell, one of these for each person (the passphrase: {self.passphrase}):")
        for approver in approvers:
            self.board.console.print(f"    {program()} --credential {self.credential(BELVEDERE, approver)} approve {case}", markup=False)
        async with (await self.at(BELVEDERE, "otto")).watch(case) as steps:
            async for step in steps:
                if step["outcome"] != "held" and step["tag"].startswith(("approval.", "warrant.", "change.", "case.expired")):
                    return

    async def enrol(self, tenant: str, member: str, *, sealed: bool) -> dict[str, Any]:
        """The member makes its keys, in a process of its own, from the invitation it was given."""
        where = self.stage.directory / tenant
        arguments = ["enrol", str(where / f"{member}.invitation"), "-o", str(self.credential(tenant, member))]
        enrolled: dict[str, Any] = await self.stage.vienna(*arguments, *(() if sealed else ("--no-passphrase",)))
        return enrolled

    async def serve(self) -> None:
        """The node, on the port its members know."""
        self.server = await self.stage.start(
            "serve", "vienna_runtime.cli.main", "serve", str(self.stage.directory / "node"), "--listen", f"127.0.0.1:{self.port}"
        )

    async def machine(self, name: str, *module: str) -> None:
        """An executor or verifier process, named so that a later act can end it."""
        self.machines[name] = await self.stage.start(name, *module)
        self.board.say(self.machines[name].ready)


def program() -> str:
    """What to type: the program by its name where the shell finds it, else by its place."""
    return "vienna" if shutil.which("vienna") else str(Path(sys.executable).with_name("vienna"))


def fresh(prefix: str) -> str:
    return prefix + secrets.token_hex(10)
