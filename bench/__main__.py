"""``python -m bench [--quick]``: every table of ``bench/README.md``, one after the other."""

from __future__ import annotations

import os
import platform

from bench import (
    append_split,
    decisions,
    durable_append,
    fairness,
    governed_cases,
    guards,
    ledger_append,
    ordinary_days,
    recorded,
    restart,
    scale,
    sweeps,
    trip_to_dead,
    warrants,
)

TABLES = {
    "Durable append through the ledger": ledger_append,
    "Where an append's time goes": append_split,
    "Durable append as a caller sees it": durable_append,
    "Large logs": scale,
    "Decisions beside Cedar alone": decisions,
    "Warrants beside tenuo and pymacaroons": warrants,
    "Governed cases through a real server": governed_cases,
    "What the guards cost": guards,
    "From a trip to a dead program": trip_to_dead,
    "Breakers on ordinary days": ordinary_days,
    "Loud neighbours": fairness,
    "Sweeps where nothing is due": sweeps,
    "Restart and idle connections": restart,
    "Recorded intents replayed": recorded,
}


def main() -> None:
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    for title, table in TABLES.items():
        print(f"## {title}\n", flush=True)
        table.main()
        print(flush=True)


if __name__ == "__main__":
    main()
