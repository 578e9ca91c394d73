"""Whole T0 cases per second through a real server process over TLS: propose and redeem, report, verdict.

Each case leaves six durable entries: intent, verdict, warrant, run, receipt, verification.  The clients are this process,
the node is another.
"""

from __future__ import annotations

import hashlib
import math
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import trio

from actors.governance import intent, receipt, warrant
from actors.governance.canonical import Value
from actors.governance.ids import Cost, Instant, RunId
from actors.governance.signing import Purpose, signed_bytes
from bench import permitd_cycle
from bench.stage import BUNDLE, Member, Stage, admin, ask, join, reader, served
from transport.answers import Event
from transport.link import ClientConnection

NOTHING = hashlib.sha256(b"").digest()
IN_FLIGHT = 8  # of one connection, where an executor works beside
LOADS = {"64 agents, one case in flight each": (64, 1), "4 connections, 64 cases in flight each": (4, 64)}


@attrs.frozen
class Row:
    load: str
    cases: int
    rate: float  # cases/s
    p50: float = math.nan  # ms
    p99: float = math.nan  # ms
    cpu: float = math.nan  # µs of the server's processor for a case


def table(quick: bool) -> Iterator[Row]:
    for load, (connections, flight) in LOADS.items():
        total = (2_000 if quick else 12_000) * (1 if flight == 1 else 2)
        with served() as stage:
            yield trio.run(measure, stage, load, connections, flight, total)
    with served() as stage:
        yield trio.run(_with_executor, stage, 300 if quick else 2_000)
    cycles = permitd_cycle.rate(quick)
    yield Row("permitd 0.2.0: propose, approve, execute, in one process", permitd_cycle.QUICK if quick else permitd_cycle.CYCLES, cycles)


async def measure(stage: Stage, load: str, connections: int, flight: int, total: int, manifest: bytes = BUNDLE["bundle.toml"]) -> Row:
    async with admin(stage, manifest=manifest) as (link, _):
        agents = [await join(stage, link, f"agent-{n}", "agent", ["reader"]) for n in range(connections)]
    await _go(stage, agents, flight, total // 10)  # warm: certificates, policy, file system
    before = processor_seconds(stage.process.pid)
    latencies, seconds = await _go(stage, agents, flight, total)
    cpu = (processor_seconds(stage.process.pid) - before) / len(latencies) * 1e6
    return _row(load, latencies, seconds, cpu)


def _row(load: str, latencies: list[float], seconds: float, cpu: float) -> Row:
    ordered = sorted(latencies)
    p99 = ordered[len(ordered) * 99 // 100]
    return Row(load, len(ordered), len(ordered) / seconds, statistics.median(ordered) * 1000, p99 * 1000, cpu)


async def _with_executor(stage: Stage, total: int) -> Row:
    """The same cases executed by ``vienna executor run`` in a third process, which reads a file for each."""
    async with admin(stage) as (link, _):
        agents = [await join(stage, link, f"agent-{n}", "agent", ["reader"]) for n in range(4)]
        hand = await join(stage, link, "reader", "executor", [])
    with reader(stage, hand):
        latencies: list[float] = []
        before = processor_seconds(stage.process.pid)
        async with trio.open_nursery() as links:
            opened = [await links.start(_keep_open, stage, agent) for agent in agents]
            begun = time.perf_counter()
            async with trio.open_nursery() as nursery:
                for agent, connection in zip(agents, opened, strict=True):
                    for lane in range(IN_FLIGHT):
                        nursery.start_soon(_fetches, connection, f"{agent.name}-{lane}", total // (4 * IN_FLIGHT), latencies)
            seconds = time.perf_counter() - begun
            links.cancel_scope.cancel()
        cpu = (processor_seconds(stage.process.pid) - before) / len(latencies) * 1e6
    return _row(f"4 connections, {IN_FLIGHT} cases each, a separate executor", latencies, seconds, cpu)


async def _fetches(link: ClientConnection, name: str, count: int, latencies: list[float]) -> None:
    for number in range(count):
        begun = time.perf_counter()
        proposed = await ask(
            link, "propose", action="notes.fetch", resource="notes/today", params={"path": "today"}, purpose="a benchmark",
            key=f"{name}-{number}",
        )  # fmt: skip
        async with link.subscribe("case.watch", {"case": proposed["case"]}, credit=64) as watched:
            async for event in watched:
                if isinstance(event, Event) and event.value["closed"]:
                    break
        latencies.append(time.perf_counter() - begun)


def processor_seconds(pid: int) -> float:
    """User and system time of a process (proc(5): fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _go(stage: Stage, agents: list[Member], flight: int, total: int) -> tuple[list[float], float]:
    latencies: list[float] = []
    each = total // (len(agents) * flight)
    async with trio.open_nursery() as links:
        opened = [await links.start(_keep_open, stage, agent) for agent in agents]
        begun = time.perf_counter()
        async with trio.open_nursery() as nursery:
            for agent, link in zip(agents, opened, strict=True):
                for lane in range(flight):
                    nursery.start_soon(lane_of_cases, link, agent, f"{time.monotonic_ns()}-{lane}", each, latencies)
        seconds = time.perf_counter() - begun
        links.cancel_scope.cancel()
    return latencies, seconds


async def _keep_open(stage: Stage, agent: Member, *, task_status: trio.TaskStatus[ClientConnection]) -> None:
    async with stage.member(agent) as link:
        task_status.started(link)
        await trio.sleep_forever()


async def lane_of_cases(link: ClientConnection, agent: Member, name: str, count: int, latencies: list[float]) -> None:
    for number in range(count):
        begun = time.perf_counter()
        await one_case(link, agent, f"{name}-{number}")
        latencies.append(time.perf_counter() - begun)


async def one_case(link: ClientConnection, agent: Member, name: str) -> None:
    """From intent to verdict, with a receipt signed by the agent itself."""
    granted = await ask(
        link, "propose", action="notes.read", resource="notes/today", params={"path": f"notes/{name}"}, purpose="a benchmark",
        key=name, run=f"r{name}",
    )  # fmt: skip
    ended = await ask(link, "report", **reported(agent, granted, f"r{name}"))
    if ended["status"] != "consistent":
        raise RuntimeError(f"a case ended {ended['status']}")


def reported(agent: Member, granted: Mapping[str, Value], run: str, outcome: str = "succeeded") -> dict[str, Value]:
    """What ``report`` takes of a run that the agent was granted to do itself."""
    issued = granted["warrant"]
    assert isinstance(issued, dict)
    fields = issued["fields"]
    assert isinstance(fields, bytes)
    terms = warrant.unverified_unpack(fields)
    now = Instant(time.time_ns() // 1000)
    packed = receipt.pack(
        receipt.Receipt(
            warrant=terms.warrant,
            run=RunId(run),
            started=now,
            ended=now,
            outcome=outcome,
            action=terms.action,
            resource=terms.resource,
            args_digest=intent.args_digest(terms.action, terms.resource, terms.params),
            cost=Cost(0),
            result_digest=NOTHING,
            evidence={},
        )
    )
    return {"receipt": packed, "signature": agent.sign(signed_bytes(Purpose.RECEIPT, packed))}


def main() -> None:
    print(f"{'load':58} {'cases':>7} {'cases/s':>9} {'p50 ms':>8} {'p99 ms':>8} {'server µs':>10}")
    for row in table("--quick" in sys.argv):
        print(f"{row.load:58} {row.cases:7} {row.rate:9.0f} {row.p50:8.1f} {row.p99:8.1f} {row.cpu:10.0f}", flush=True)


if __name__ == "__main__":
    main()
