"""How long until a node serves again, with many cases on its ledger; and what an idle connection costs it.

The cases are put on the ledger by the law itself, in one process, without sockets; the restart is a real one.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import attrs
import trio

from bench.governed_cases import lane_of_cases
from bench.stage import Stage, admin, join, served

IDLE = 400  # connections


@attrs.frozen
class Row:
    what: str
    figure: float
    unit: str


def table(quick: bool) -> Iterator[Row]:
    cases = 5_000 if quick else 100_000
    with tempfile.TemporaryDirectory(prefix="vienna-bench-") as made:
        home = Path(made) / "node"
        with served(home) as stage:
            begun = time.perf_counter()
            trio.run(_fill, stage, cases)
            yield Row(f"filling the ledger with {cases:,} cases", time.perf_counter() - begun, "s")
            stage.process.kill()  # with whatever was written since the last snapshot still to be folded
            stage.process.wait()
        with served(home) as stage:
            yield Row(f"serving again after SIGKILL, {cases:,} cases", stage.serving_after, "s")
        with served(home) as stage:
            yield Row(f"serving again after an orderly stop, {cases:,} cases", stage.serving_after, "s")
    with served() as stage:
        yield Row(f"memory of an idle connection, {IDLE} of them", trio.run(_idle, stage), "KiB")


async def _fill(stage: Stage, cases: int) -> None:
    async with admin(stage) as (link, _):
        agents = [await join(stage, link, f"agent-{n}", "agent", ["reader"]) for n in range(4)]
    async with AsyncExitStack() as open_links:
        links = [await open_links.enter_async_context(stage.member(agent)) for agent in agents]
        async with trio.open_nursery() as nursery:
            for link, agent in zip(links, agents, strict=True):
                for lane in range(64):
                    nursery.start_soon(lane_of_cases, link, agent, f"{agent.name}-{lane}", cases // 256 + 1, [])


async def _idle(stage: Stage) -> float:
    """KiB of the server's memory for each connection that is open and says nothing."""
    async with admin(stage) as (link, _):
        agent = await join(stage, link, "agent-0", "agent", ["reader"])
    async with AsyncExitStack() as few:
        for _ in range(20):
            await few.enter_async_context(stage.member(agent))
        before = _memory(stage)
        for _ in range(IDLE):
            await few.enter_async_context(stage.member(agent))
        return (_memory(stage) - before) / IDLE


def _memory(stage: Stage) -> float:
    """Resident memory of the server in KiB (proc(5): VmRSS of status)."""
    for line in Path(f"/proc/{stage.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1])
    raise RuntimeError("the server's process is gone")


def main() -> None:
    for row in table("--quick" in sys.argv):
        print(f"{row.what:64} {row.figure:10.2f} {row.unit}", flush=True)


if __name__ == "__main__":
    main()
