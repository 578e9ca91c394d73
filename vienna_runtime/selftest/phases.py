"""Nine phases of a case, and how a case is brought into each and held there, without a clock: by wires and by gates.

    proposed    recorded, the answer is on the wire    acting      the program has begun and waits at its gate
    held        nobody has approved yet                acted       it is done and noted, the report is on the wire
    warranted   the warrant is on the wire             reported    the report is recorded, the verifier has not heard of it
    redeemed    recorded, the answer is on the wire    verifying   the verifier's look has begun and waits at its gate
                                                       closed      it is over

The target is one file, to which each execution adds one line: what happened twice stands there twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import trio

from actors.governance import kinds
from vienna_runtime.client import Vienna
from vienna_runtime.selftest.errors import Broken
from vienna_runtime.selftest.program import Program
from vienna_runtime.selftest.valve import Valve
from vienna_runtime.selftest.workplace import Cast

PHASES = ("proposed", "held", "warranted", "redeemed", "acting", "acted", "reported", "verifying", "closed")
CAST = (
    Cast("ada", kinds.AGENT),
    Cast("clara", kinds.APPROVER),
    Cast("workshop", kinds.EXECUTOR),
    Cast("emil", kinds.VERIFIER),
)
PATIENCE = 60.0  # s for one step on a machine that is busy with other things
LOOK = 0.02  # s between two looks at what tells nobody
_AGAIN = 3.0  # s after which one more piece of what is on the wire is let through

BUNDLE = {
    "bundle.toml": b"""
[bundle]
name = "processes"
description = "one piece of work, approved, done and looked at"
[actions."work.do"]
executor = "workshop"
params = { name = "string" }
observe = { name = "done", kind = "exit_code", item = "{params.name}" }
probe = { name = "done", kind = "exit_code", item = "{params.name}" }
""",
    "work.cedar": b'@id("work") @tier("T1") @ttl("10m") @verify("observed")\npermit (principal, action == Action::"work.do", resource);\n',
}
# They end by themselves when the directory is thrown away.
_WORK = 'echo "$1" >> began\nwhile [ ! -e "act.$1" ]; do [ -e began ] || exit 1; sleep 0.02; done\necho "$1" >> target\n'
_LOOK = ': > "looking.$1"\nwhile [ ! -e "look.$1" ]; do [ -e began ] || exit 2; sleep 0.02; done\ngrep -qx "$1" target\n'


@attrs.define(eq=False)
class Works:
    """The place of the work, and the programs' configuration for it."""

    directory: Path

    def build(self) -> None:
        self.directory.mkdir()
        (self.directory / "work.sh").write_text(_WORK)
        (self.directory / "look.sh").write_text(_LOOK)
        (self.directory / "target").touch()

    def executor(self, credential: Path) -> str:
        return f"""
credential = "{credential}"
[actions."work.do"]
kind = "process"
params = {{ name = "text" }}
resource = "work/{{name}}"
root = "{self.directory}"
argv = ["bash", "{self.directory}/work.sh", "{{name}}"]
timeout = "5m"
"""

    def verifier(self, credential: Path) -> str:
        return f"""
credential = "{credential}"
[checks.done]
kind = "exit_code"
read_only = true
params = {{ "verify.item" = "text" }}
resource = "work/{{verify.item}}"
root = "{self.directory}"
argv = ["bash", "{self.directory}/look.sh", "{{verify.item}}"]
timeout = "5m"
"""

    def begun(self, name: str) -> int:
        began = self.directory / "began"
        return began.read_text().splitlines().count(name) if began.exists() else 0

    def done(self, name: str) -> int:
        """How often it was really executed."""
        return (self.directory / "target").read_text().splitlines().count(name)

    def let_act(self, name: str) -> None:
        (self.directory / f"act.{name}").touch()

    def let_look(self, name: str) -> None:
        (self.directory / f"look.{name}").touch()

    def looking(self, name: str) -> bool:
        return (self.directory / f"looking.{name}").exists()


@attrs.define(eq=False)
class Scene:
    """What one case passes through: its wires, its people, and who proposes it."""

    works: Works
    client: Program
    client_wire: Valve
    executor_wire: Valve
    verifier_wire: Valve
    journal: Path
    agent: Vienna
    approver: Vienna

    async def reach(self, phase: str, name: str) -> str:
        """Proposes the work of that name and holds its case in that phase; the case."""
        at = PHASES.index(phase)
        if at < PHASES.index("acting"):
            self.works.let_act(name)
        if phase not in ("acting", "acted", "reported", "verifying"):
            self.works.let_look(name)
        if phase == "proposed":
            self.client_wire.down.hold()
        await self.client.tell(f"key-{name} {name}")
        case = await self._proposed(name)
        if phase == "proposed":
            await self._until(self.client_wire.down.waiting.is_set, "the answer to be on the wire")
            return case
        await self._heard(name)
        if phase == "held":
            return case
        await self._granted(phase, name, case)
        if at > PHASES.index("acting"):
            await self._carried_out(phase, name, case)
        return case

    async def _granted(self, phase: str, name: str, case: str) -> None:
        if phase in ("warranted", "redeemed"):
            self.executor_wire.down.hold()
        await self.approve(case)
        if phase in ("warranted", "redeemed"):
            await self._until(self.executor_wire.down.waiting.is_set, "the warrant to be on the wire")
        if phase == "redeemed":
            while not await self._has(case, "run.opened"):
                self.executor_wire.down.let_one_pass()
                with trio.move_on_after(_AGAIN):
                    await self._recorded(case, "run.opened")
            await self._until(self.executor_wire.down.waiting.is_set, "the redemption's answer to be on the wire")
        elif phase != "warranted":
            await self._until(lambda: self.works.begun(name) > 0, "the program to begin")

    async def _carried_out(self, phase: str, name: str, case: str) -> None:
        if phase == "acted":
            self.executor_wire.up.hold()
            noted = self._noted()
            self.works.let_act(name)
            await self._until(lambda: self._noted() > noted and self.executor_wire.up.waiting.is_set(), "the report to be on the wire")
            return
        if phase == "reported":
            self.verifier_wire.down.hold()
        self.works.let_act(name)
        await self._recorded(case, "run.reported")
        if phase == "reported":
            await self._until(self.verifier_wire.down.waiting.is_set, "the report to be on the verifier's wire")
        elif phase == "verifying":
            await self._until(lambda: self.works.looking(name), "the verifier to look")
        else:
            await self._recorded(case, "run.verified")

    async def carry_on(self, phase: str, name: str, case: str) -> None:
        """Takes away whatever held the case."""
        for wire in (self.client_wire, self.executor_wire, self.verifier_wire):
            wire.release()
        self.works.let_act(name)
        self.works.let_look(name)
        if phase in ("proposed", "held"):
            await self.approve(case)

    async def approve(self, case: str) -> None:
        await self.approver.approve(await self.approver.card(case))

    async def outcome(self, case: str) -> tuple[str, list[str]]:
        """How it ended, once nothing of it is open or a person would have to look, and the tags of its entries."""
        with trio.move_on_after(PATIENCE):
            while True:
                shown = await self.agent.case(case)
                tags = [entry["tag"].partition("/")[0] for entry in shown["entries"]]
                if shown["outcome"] in ENDS:
                    return shown["outcome"], tags
                await trio.sleep(LOOK)
        raise Broken(f"case {case} had not ended after {PATIENCE:.0f} s: it is {shown['outcome']}, after {', '.join(tags)}")

    async def _proposed(self, name: str) -> str:
        with trio.move_on_after(PATIENCE):
            while True:
                for line in await self.approver.approvals():
                    if line["resource"] == f"work/{name}":
                        return str(line["case"])
                await trio.sleep(LOOK)
        raise Broken(f"the work {name} was not proposed in time")

    async def _heard(self, name: str) -> None:
        """The client has its answer."""
        await self._until(lambda: any(_about(line, name) for line in self.client.lines), "the client to have its answer")

    async def _has(self, case: str, tag: str) -> bool:
        return any(entry["tag"].startswith(tag + "/") for entry in (await self.agent.case(case))["entries"])

    async def _recorded(self, case: str, tag: str) -> None:
        with trio.move_on_after(PATIENCE) as late:
            while not await self._has(case, tag):  # noqa: ASYNC110  # a watch would break with each kill of the node
                await trio.sleep(LOOK)
        if late.cancelled_caught:
            raise Broken(f"case {case} has no entry {tag} after {PATIENCE:.0f} s")

    def _noted(self) -> int:
        return self.journal.read_bytes().count(b"\xa4kind\xa4done")

    async def _until(self, condition: Callable[[], bool], what: str) -> None:
        with trio.move_on_after(PATIENCE):
            while not condition():  # noqa: ASYNC110  # another process does it, and tells nobody
                await trio.sleep(LOOK)
        if not condition():
            raise Broken(f"waited {PATIENCE:.0f} s in vain for {what}")


ENDS = frozenset({"verified", "mismatched", "inconclusive", "consistent", "failed", "denied", "expired", "revoked", "cancelled"})


def _about(line: str, name: str) -> bool:
    said: dict[str, Any] = json.loads(line)
    return said.get("key") == f"key-{name}"
