"""Whether a tenant notices that another one asks ten times as often as its bundle allows.

One agent of a quiet tenant does one whole case after the other, on a node that serves a loud tenant too, whose bundle says
``[rates] tenant``.  The loud one proposes from a process of its own: not at all, as often as it may, and ten times as often.
The three take turns over several rounds, and the table has the medians of the rounds.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any

import attrs
import trio

from bench.governed_cases import lane_of_cases
from bench.stage import BUNDLE, Member, Stage, admin, join, served
from ledger import VerifierKey
from transport.answers import Reply
from transport.client import connect
from transport.link import ClientConnection
from transport.tls import client_context

LIMIT = 100  # proposals a second of all members of the loud tenant
LOUD = "schoenbrunn"
MANIFEST = BUNDLE["bundle.toml"] + f'[rates]\ntenant = "{LIMIT}/s burst {LIMIT}"\n'.encode()
LOADS = {
    "the other tenant is silent": 0,
    f"the other asks {LIMIT} times a second, as it may": 1,
    f"the other asks {LIMIT * 10} times a second": 10,
}
CONNECTIONS = 4  # of the loud tenant


@attrs.frozen
class Row:
    load: str
    p50: float  # ms of a quiet case
    p99: float
    let_in: float  # of the loud proposals, a second
    refused: float


async def _quiet(stage: Stage, agent: Member, seconds: float) -> list[float]:
    latencies: list[float] = []
    async with stage.member(agent) as link:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            await lane_of_cases(link, agent, f"{time.monotonic_ns()}", 20, latencies)
    return latencies


@contextmanager
def _loud(stage: Stage, agents: list[Member], times: int, seconds: float) -> Iterator[subprocess.Popen[str] | None]:
    if not times:
        yield None
        return
    told = {
        "address": stage.address, "ca": stage.operator.ca, "name": stage.operator.server_name, "node": stage.operator.node_key,
        "rate": LIMIT * times, "seconds": seconds, "agents": [[agent.token.reveal(), agent.seed.hex()] for agent in agents],
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "bench.fairness", "--loud"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    process.stdin.write(json.dumps(told) + "\n")
    process.stdin.close()
    try:
        yield process
    finally:
        process.wait(60)


async def _shout() -> None:
    """The loud process: proposes at an even rate, whatever is answered, and says in the end how much was let in."""
    told = json.loads(sys.stdin.readline())
    counts = {"let_in": 0, "refused": 0}
    seconds, every = told["seconds"], CONNECTIONS / told["rate"]

    async def one(link: ClientConnection, key: str) -> None:
        fields = {
            "action": "notes.read",
            "resource": "notes/today",
            "params": {"path": key},
            "purpose": "noise",
            "key": key,
            "run": f"r{key}",
        }
        answer = await link.call("propose", fields, timeout=30)
        counts["let_in" if isinstance(answer, Reply) else "refused"] += 1

    async def lane(number: int, bearer: str, seed: str) -> None:
        member = attrs.evolve(Member.make("loud", LOUD), seed=bytes.fromhex(seed))
        async with _dial(told, bearer, member) as link, trio.open_nursery() as nursery:
            begun = trio.current_time() + every * number / CONNECTIONS
            for step in range(int(seconds / every)):
                await trio.sleep_until(begun + step * every)
                nursery.start_soon(one, link, f"{number}-{time.monotonic_ns()}")

    async with trio.open_nursery() as nursery:
        for number, (bearer, seed) in enumerate(told["agents"]):
            nursery.start_soon(lane, number, bearer, seed)
    print(json.dumps({name: count / seconds for name, count in counts.items()}))


def _dial(told: dict[str, Any], bearer: str, member: Member) -> AbstractAsyncContextManager[ClientConnection]:
    return connect(
        tuple(told["address"]), tls=client_context(pem=told["ca"]), server_hostname=told["name"], bearer=bearer, sign=member.sign,
        origin=VerifierKey.parse(told["node"]).name,
    )  # fmt: skip


async def _measure(stage: Stage, rounds: int, seconds: float) -> Iterator[Row]:
    async with admin(stage) as (link, _):
        quiet = await join(stage, link, "quiet", "agent", ["reader"])
    async with admin(stage, LOUD, MANIFEST) as (link, _):
        loud = [await join(stage, link, f"loud-{n}", "agent", ["reader"], LOUD) for n in range(CONNECTIONS)]
    await _quiet(stage, quiet, 1.0)
    seen: dict[str, list[tuple[float, float, float, float]]] = {load: [] for load in LOADS}
    for _ in range(rounds):
        for load, times in LOADS.items():
            with _loud(stage, loud, times, seconds + 1.5) as process:
                await trio.sleep(1.0)  # it has connected, and its burst is used up
                ordered = sorted(await _quiet(stage, quiet, seconds))
                counts = {"let_in": 0.0, "refused": 0.0}
                if process is not None and process.stdout is not None:
                    counts = json.loads(await trio.to_thread.run_sync(process.stdout.read))
            p50, p99 = statistics.median(ordered) * 1000, ordered[len(ordered) * 99 // 100] * 1000
            seen[load].append((p50, p99, counts["let_in"], counts["refused"]))
    return (Row(load, *map(statistics.median, zip(*found, strict=True))) for load, found in seen.items())


def table(quick: bool) -> Iterator[Row]:
    with served() as stage:
        yield from trio.run(_measure, stage, 1 if quick else 7, 2.0 if quick else 4.0)


def main() -> None:
    if "--loud" in sys.argv:
        os.nice(5)  # what is measured is the node's fairness, not this machine's
        trio.run(_shout)
        return
    print(f"{'load':52} {'p50 ms':>8} {'p99 ms':>8} {'let in /s':>10} {'refused /s':>11}")
    for row in table("--quick" in sys.argv):
        print(f"{row.load:52} {row.p50:8.2f} {row.p99:8.2f} {row.let_in:10.0f} {row.refused:11.0f}", flush=True)


if __name__ == "__main__":
    main()
