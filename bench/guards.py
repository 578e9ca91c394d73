"""What the standing guards cost: the same whole cases on a node as it is, with budgets, rates and breakers in its bundle, and on
a composition without any, which exists here alone (``bench.unguarded``).

The two take turns, each round on a new node, and the table has the medians of the rounds.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator

import attrs
import trio

from bench.governed_cases import Row as Measured
from bench.governed_cases import measure
from bench.stage import BUNDLE, served

AGENTS = 64
GUARDS = (
    BUNDLE["bundle.toml"].replace(b'effect = "read"', b'effect = "read"\ncost = "0.01"')
    + b"""
[rates]
principal = "1000/s burst 2000"
tenant = "100000/s"
[rates.calls]
propose = "1000/s burst 2000"
[budgets.tenant]
cost_per_month = "1000000"
count_per_hour = 1000000
[budgets.each_agent]
cost_per_day = "100000"
count_per_hour = 1000000
[budgets.action."notes.read"]
count_per_day = 1000000
"""
)


@attrs.frozen
class Row:
    load: str
    rate: float  # cases/s, the median of the rounds
    cpu: float  # µs of the server's processor for a case
    share: float  # of the cases a second without guards


def table(quick: bool) -> Iterator[Row]:
    ways = {"without guards": ("bench.unguarded", BUNDLE["bundle.toml"]), "all guards on": ("vienna_runtime.cli.serve", GUARDS)}
    seen: dict[str, list[Measured]] = {way: [] for way in ways}
    for _ in range(1 if quick else 5):
        for way, (program, manifest) in ways.items():
            with served(program=program) as stage:
                seen[way].append(trio.run(measure, stage, way, AGENTS, 1, 2_000 if quick else 6_000, manifest))
    plain = statistics.median(row.rate for row in seen["without guards"])
    for way, rows in seen.items():
        rate = statistics.median(row.rate for row in rows)
        yield Row(way, rate, statistics.median(row.cpu for row in rows), rate / plain)


def main() -> None:
    print(f"{f'{AGENTS} agents, one case in flight each':40} {'cases/s':>9} {'server µs':>10} {'share':>7}")
    for row in table("--quick" in sys.argv):
        print(f"{row.load:40} {row.rate:9.0f} {row.cpu:10.0f} {row.share:6.0%}", flush=True)


if __name__ == "__main__":
    main()
