"""From the report that fills a breaker's window to the moment the running execution of that agent is dead.

A real node, a real executor process and a real program (a shell that has become ``sleep``).  The agent reports a failed run of its own,
which is the one that fills its window; the clock starts before that report is sent, and stops when the kernel says that the program is
gone (a pidfd that became readable).  Then people reset the breaker, and it begins anew.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import trio

from actors.governance.canonical import Value
from bench.governed_cases import reported
from bench.stage import Member, Stage, admin, ask, executor, join, served
from transport.link import ClientConnection

FILES = {
    "bundle.toml": b"""
[bundle]
name = "trips"
[breaker]
failures = 1
scopes = ["agent"]
[breaker.unknowns]
scopes = []
[actions."notes.read"]
effect = "read"
params = { path = "string" }
[actions."jobs.run"]
executor = "runner"
params = { path = "string" }
""",
    "all.cedar": b"""
@id("read") @tier("T0") @executor("agent") permit (principal, action == Action::"notes.read", resource);
@id("run") @tier("T0") permit (principal, action == Action::"jobs.run", resource);
""",
}
CONFIG = """
credential = "runner.vienna"
[actions."jobs.run"]
kind = "process"
params = {{ path = "path" }}
resource = "job/{{path}}"
root = "{home}"
argv = ["{home}/job.sh", "pids/{{path}}"]
timeout = "60s"
"""


@attrs.frozen
class Row:
    what: str
    count: int
    p50: float  # ms
    p99: float
    worst: float


@contextmanager
def runner(stage: Stage, member: Member) -> Iterator[None]:
    """An executor whose one action runs until it is killed."""
    home = stage.directory
    (home / "pids").mkdir()
    script = home / "job.sh"
    script.write_text('#!/bin/sh\necho $$ > "$1"\nexec sleep 60\n')
    script.chmod(0o700)
    with executor(stage, member, CONFIG.format(home=home)):
        yield


async def measured(stage: Stage, rounds: int) -> list[float]:
    """ms of each round."""
    async with admin(stage) as (link, _):
        pushed = await ask(link, "bundle.push", files=dict(FILES))
        await ask(link, "bundle.activate", bundle=pushed["bundle"], key="trips")
        ada = await join(stage, link, "ada", "agent", ["reader"])
        hand = await join(stage, link, "runner", "executor", [])
        with runner(stage, hand):
            async with stage.member(ada) as hers:
                return [await one(stage.directory, link, hers, ada, number) for number in range(rounds)]


async def one(home: Path, people: ClientConnection, hers: ClientConnection, ada: Member, number: int) -> float:
    name = f"j{number}"
    started = await ask(hers, "propose", action="jobs.run", resource=f"job/{name}", params={"path": name}, purpose="a benchmark", key=name)
    with trio.fail_after(30):
        while not (text := _read(home / "pids" / name)).endswith("\n"):  # noqa: ASYNC110  # nobody tells of a file's content
            await trio.sleep(0.005)
    dead = os.pidfd_open(int(text))
    try:
        fields = await _failed(hers, ada, f"f{number}")
        begun = time.perf_counter()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_report, hers, fields)
            with trio.fail_after(30):
                await trio.lowlevel.wait_readable(dead)
            took = (time.perf_counter() - begun) * 1000
    finally:
        os.close(dead)
    await _settle(people, str(started["case"]))
    await ask(people, "breaker.reset", scope="agent:ada", reason="a benchmark")
    return took


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


async def _failed(link: ClientConnection, agent: Member, name: str) -> dict[str, Value]:
    """A run of the agent's own, and the report that it failed."""
    granted = await ask(
        link, "propose", action="notes.read", resource="notes/today", params={"path": name}, purpose="a benchmark", key=name, run=name
    )
    return reported(agent, granted, name, "failed")


async def _report(link: ClientConnection, fields: dict[str, Value]) -> None:
    await ask(link, "report", **fields)


async def _settle(link: ClientConnection, case: str) -> None:
    """Waits until the executor has said that it does not know, and says that nothing happened."""
    with trio.fail_after(30):
        while not (runs := [line["run"] for line in await _effects(link) if line["case"] == case]):  # noqa: ASYNC110  # nobody subscribes to effects
            await trio.sleep(0.01)
    await ask(link, "effect.settle", run=runs[0], happened=False, reason="a benchmark")


async def _effects(link: ClientConnection) -> list[dict[str, object]]:
    found = (await ask(link, "effect.list"))["effects"]
    assert isinstance(found, list)
    return found


def table(quick: bool) -> Iterator[Row]:
    with served() as stage:
        took = sorted(trio.run(measured, stage, 10 if quick else 200))
    yield Row("report sent to program dead", len(took), took[len(took) // 2], took[len(took) * 99 // 100], took[-1])


def main() -> None:
    print(f"{'':34} {'rounds':>7} {'p50 ms':>8} {'p99 ms':>8} {'worst':>8}")
    for row in table("--quick" in sys.argv):
        print(f"{row.what:34} {row.count:7} {row.p50:8.1f} {row.p99:8.1f} {row.worst:8.1f}", flush=True)


if __name__ == "__main__":
    main()
