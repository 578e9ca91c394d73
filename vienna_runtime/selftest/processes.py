"""Node, executor, verifier and client, killed and paused in every phase of a case: where it ends, and how often it was done.

    reach the phase ─┬─ SIGKILL, what held it is taken away, started again ─┬─▶ the end, the target, the log
                     └─ SIGSTOP, what held it is taken away, SIGCONT ───────┘

Real processes, real wires, a real target.  The same four processes serve many cells, so that each has a past.
"""

from __future__ import annotations

import json
import random
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import attrs
import trio

from ledger import VerificationError
from vienna_runtime.client import connect
from vienna_runtime.selftest import audit
from vienna_runtime.selftest.errors import Broken
from vienna_runtime.selftest.phases import BUNDLE, CAST, PATIENCE, PHASES, Scene, Works
from vienna_runtime.selftest.program import Program, alive
from vienna_runtime.selftest.valve import Valve
from vienna_runtime.selftest.workplace import PATIENCE as MEMBERS_PATIENCE
from vienna_runtime.selftest.workplace import Workplace

WHO = ("node", "executor", "verifier", "client")
SIGNALS = ("KILL", "STOP")
PAUSED = 0.3  # s at least: longer than an answer takes, so that everybody notices
_ORPHANED = "acting"  # its executor killed: the program goes on without it


@attrs.frozen
class Cell:
    who: str
    signal: str
    phase: str


@attrs.frozen
class Ended:
    """What came of one."""

    cell: Cell
    outcome: str
    executions: int  # lines of the target
    runs: int  # redemptions on the log
    by_probe: bool  # the outcome was unknown, and whoever looked settled it
    seconds: float

    @property
    def wrong(self) -> str:
        """What is not as it must be, or nothing."""
        unsure = self.cell == Cell("executor", "KILL", _ORPHANED)
        if self.executions != 1 or self.runs != 1:
            return f"executed {self.executions} times in {self.runs} runs"
        if self.outcome != "verified":
            return f"it ended {self.outcome}"
        return "settled by a probe" if self.by_probe and not unsure else ""


@attrs.define
class Table:
    cells: list[Ended] = attrs.Factory(list)
    entries: int = 0  # of the ledger, verified at the end
    starts: dict[str, int] = attrs.Factory(dict)  # by process
    seconds: float = 0.0
    finding: str | None = None

    @property
    def wrong(self) -> list[str]:
        found = [f"{one.cell.who} {one.cell.signal} {one.cell.phase}: {one.wrong}" for one in self.cells if one.wrong]
        return found if self.finding is None else [*found, self.finding]


ALL = tuple(Cell(who, signal, phase) for phase in PHASES for signal in SIGNALS for who in WHO)
Progress = Callable[[Table], None]


def run(cells: Sequence[Cell] = ALL, *, seed: int, place: Path | None = None, progress: Progress = lambda _: None) -> Table:
    """All of them, in an order of chance, one after the other."""
    order = list(cells)
    random.Random(seed).shuffle(order)  # noqa: S311  # chosen, not secret
    table, begun = Table(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="vienna-processes-", dir=place) as directory:
        work = Workplace(Path(directory).resolve())
        try:
            trio.run(partial(_Room(work).run, order, table, progress))
            table.entries = audit.verified(work)
        except VerificationError as error:
            table.finding = f"the ledger does not verify: {error}"
    table.seconds = time.monotonic() - begun
    return table


class _Room:
    """The four processes and the wires between them."""

    def __init__(self, work: Workplace) -> None:
        self._work = work
        self._port = _free_port()
        node = ("127.0.0.1", self._port)
        self._wires = {who: Valve(node) for who in ("client", "executor", "verifier")}
        self._programs = {who: self._program(who) for who in WHO}
        self._works = Works(work.directory / "works")
        self._scene: Scene

    def _program(self, who: str) -> Program:
        directory = self._work.directory
        command = {
            "node": ("vienna_runtime.cli.main", "serve", str(self._work.node), "--listen", f"127.0.0.1:{self._port}"),
            "executor": ("vienna_runtime.cli.main", "executor", "run", "--config", str(directory / "executor.toml")),
            "verifier": ("vienna_runtime.cli.main", "verifier", "run", "--config", str(directory / "verifier.toml")),
            "client": ("vienna_runtime.selftest.proposing", str(directory / "ada.vienna")),
        }[who]
        return Program(who, command, directory / f"{who}.log")

    async def run(self, order: Sequence[Cell], table: Table, progress: Progress) -> None:
        self._work.found(port=self._port)
        self._works.build()
        node = self._programs["node"]
        async with trio.open_nursery() as wires, AsyncExitStack() as stack:
            for wire in self._wires.values():
                await wires.start(wire.run)
            await stack.enter_async_context(alive(*self._programs.values()))
            await node.start()
            await self._work.settle(f"127.0.0.1:{self._port}", BUNDLE, CAST)
            self._configure()
            async with trio.open_nursery() as starting:
                for who in ("executor", "verifier", "client"):
                    starting.start_soon(self._programs[who].start)
            members = [
                await stack.enter_async_context(connect(self._work.members[name], patience=MEMBERS_PATIENCE)) for name in ("ada", "clara")
            ]
            self._scene = Scene(
                works=self._works,
                client=self._programs["client"],
                client_wire=self._wires["client"],
                executor_wire=self._wires["executor"],
                verifier_wire=self._wires["verifier"],
                journal=self._work.directory / "workshop.vienna.journal",
                agent=members[0],
                approver=members[1],
            )
            for number, cell in enumerate(order):
                try:
                    table.cells.append(await self._cell(cell, f"w{number}"))
                except Broken as error:
                    table.finding = f"{cell.who} {cell.signal} {cell.phase}: {error}"
                    break
                progress(table)
            table.starts = {who: program.starts for who, program in self._programs.items()}
            for who in ("client", "verifier", "executor", "node"):
                code = await self._programs[who].stop()
                if code != 0 and who != "client" and table.finding is None:
                    table.finding = f"the {who} ended with {code} when it was told to stop"
            wires.cancel_scope.cancel()

    def _configure(self) -> None:
        directory, hand_out = self._work.directory, self._work.hand_out
        hand_out("ada", self._wires["client"].address)
        executor = self._works.executor(hand_out("workshop", self._wires["executor"].address))
        verifier = self._works.verifier(hand_out("emil", self._wires["verifier"].address))
        for name, text in (("executor", executor), ("verifier", verifier)):
            path = directory / f"{name}.toml"
            path.write_text(text)
            path.chmod(0o600)

    async def _cell(self, cell: Cell, name: str) -> Ended:
        begun, scene, program = time.monotonic(), self._scene, self._programs[cell.who]
        case = await scene.reach(cell.phase, name)
        if cell.signal == "KILL":
            await program.kill()
            await self._killed(cell, name, case)
        else:
            program.pause()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(scene.carry_on, cell.phase, name, case)
                await trio.sleep(PAUSED)
                program.resume()
        outcome, tags = await scene.outcome(case)
        by_probe = "effect.settled" in tags
        await self._client_agrees(cell, name, case, {outcome, "unknown"} if by_probe else {outcome})
        return Ended(
            cell=cell,
            outcome=outcome,
            executions=self._works.done(name),
            runs=tags.count("run.opened"),
            by_probe=by_probe,
            seconds=time.monotonic() - begun,
        )

    async def _killed(self, cell: Cell, name: str, case: str) -> None:
        scene, program = self._scene, self._programs[cell.who]
        if cell.who == "node":  # nothing can be asked of it meanwhile
            await program.start()
            await scene.carry_on(cell.phase, name, case)
            return
        await scene.carry_on(cell.phase, name, case)
        if cell == Cell("executor", "KILL", _ORPHANED):
            with trio.fail_after(PATIENCE):
                while not self._works.done(name):  # noqa: ASYNC110  # the program that its executor left behind does it
                    await trio.sleep(0.02)
        await program.start()

    async def _client_agrees(self, cell: Cell, name: str, case: str, outcomes: set[str]) -> None:
        """Whoever proposed it hears the same end; one that was killed asks again under its key, and gets the same case."""
        client = self._programs["client"]
        if cell.who == "client" and cell.signal == "KILL":
            await client.tell(f"key-{name} {name}")
        wanted = {json.dumps({"key": f"key-{name}", "case": case, "outcome": outcome}) for outcome in outcomes}
        with trio.move_on_after(PATIENCE):
            while wanted.isdisjoint(client.lines) and client.is_alive:  # noqa: ASYNC110  # its lines come when they come
                await trio.sleep(0.02)
        if not wanted.isdisjoint(client.lines):
            return
        heard = [line for line in client.lines if name in line]
        raise Broken(f"the client was to hear one of {wanted}, and heard {heard}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
