"""The small durable files of a node and of an executor: a secret replaced as a whole, the watermark, the journal of runs.

    python -m vienna_runtime.selftest.keeping DIRECTORY SEED ROUNDS DESCRIPTOR

Says ``{"kept": n, "marked": n, "runs": {run: "began" | "done"}}`` after each step that has returned; ``check`` holds what a
power cut left against the last of these.
"""

from __future__ import annotations

import json
import os
import random
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import trio

from ledger import Head
from ledger.directory import settle
from vienna_runtime import private_file
from vienna_runtime.errors import WatermarkLost
from vienna_runtime.executors.errors import JournalDamaged
from vienna_runtime.executors.journal import Journal, Run, open_journal
from vienna_runtime.selftest.errors import Broken
from vienna_runtime.selftest.keys import NODE_NAME
from vienna_runtime.selftest.script import BEGUN
from vienna_runtime.watermark import Watermark

SECRET, WATERMARK, JOURNAL = "keystore", "watermark", "executor.journal"
MOST_LOGS = 90  # more than fit into the watermark's first slots, so that it grows


def content(number: int) -> bytes:
    """What the secret file holds after so many replacements: some sectors, never the same."""
    seed = sha256(b"%d" % number).digest()
    return b"%d\n" % number + seed * (40 + seed[0])


def heads(number: int) -> dict[str, Head]:
    """Where the logs are after so many writings of the watermark."""
    return {f"tenant-{log}": Head(number, sha256(b"%d" % number).digest(), b"") for log in range(min(MOST_LOGS, 1 + 8 * number))}


async def keep(directory: Path, chosen: random.Random, rounds: int, descriptor: int) -> None:
    """Write each of them, in an order of chance, and say so each time."""
    told: dict[str, Any] = {"kept": 0, "marked": 0, "runs": {}}
    watermark = Watermark(directory / WATERMARK, NODE_NAME)
    with open_journal(directory / JOURNAL, now=BEGUN) as journal:
        for _ in range(rounds):
            match chosen.randrange(3):
                case 0:
                    private_file.replace(directory / SECRET, content(told["kept"] + 1))
                    told["kept"] += 1
                case 1:
                    watermark.advance(heads(told["marked"] + 1))
                    watermark.write()
                    told["marked"] += 1
                case _:
                    await _run(journal, told["runs"], chosen)
            os.write(descriptor, json.dumps(told).encode() + b"\n")


async def _run(journal: Journal, runs: dict[str, str], chosen: random.Random) -> None:
    """A step of some run; those that follow each other without a sync are what a power cut can put in disorder."""
    begun = [name for name, step in runs.items() if step == "began"]
    if begun and chosen.random() < 0.5:
        name = begun[0]
        await journal.finish(journal.runs[name], _receipt(name), bytes(64))
        runs[name] = "done"
        journal.close(journal.runs[name], "told")
        del runs[name]  # closed without a sync: it may be open again after a power cut
        return
    names = [f"run-{len(journal.runs) + more}" for more in range(chosen.randint(1, 3))]
    for name in names:
        journal.intend(Run(run=name, warrant=_receipt(name) * 20, signature=bytes(64), mac=bytes(32), expires_at=BEGUN * 2))
    await journal.begin(journal.runs[names[-1]], BEGUN)
    runs[names[-1]] = "began"


def _receipt(name: str) -> bytes:
    return sha256(name.encode()).digest()


def check(left: Path, told: bytes) -> str:
    """What is left is what was said last, or one step further."""
    lines = [line for line in told.splitlines(keepends=True) if line.endswith(b"\n")]
    said: dict[str, Any] = json.loads(lines[-1]) if lines else {"kept": 0, "marked": 0, "runs": {}}
    if not left.exists() and not lines:
        return "nothing yet"
    _check_secret(left / SECRET, said["kept"])
    _check_watermark(left / WATERMARK, said["marked"])
    return _check_journal(left / JOURNAL, said["runs"])


def _check_secret(path: Path, number: int) -> None:
    found = path.read_bytes() if path.exists() else None
    if found not in ([None] if number == 0 else [content(number)]) + [content(number + 1)]:
        raise Broken(f"the secret is neither the last one, {number}, nor the next: {None if found is None else found[:8]!r}")


def _check_watermark(path: Path, number: int) -> None:
    try:
        marks = Watermark.read(path, NODE_NAME).marks
    except WatermarkLost as error:
        if number:
            raise Broken(f"the watermark was at {number}: {error}") from error
        return
    if {mark.size for mark in marks.values()} not in ({number}, {number + 1}):
        raise Broken(f"the watermark was at {number}, and says { ({mark.size for mark in marks.values()}) }")


def _check_journal(path: Path, runs: dict[str, str]) -> str:
    try:
        with open_journal(path, now=BEGUN) as journal:
            for name, step in runs.items():
                run = journal.runs.get(name)
                if run is None or run.began is None or (step == "done" and run.receipt != (_receipt(name), bytes(64))):
                    raise Broken(f"{name} had {step}, and the journal says {run}")
    except JournalDamaged as error:
        raise Broken(f"the journal does not open: {error}") from error
    return "whole"


def main(arguments: list[str]) -> None:
    """The process."""
    directory, seed, rounds, descriptor = Path(arguments[0]), *map(int, arguments[1:4])
    directory.mkdir()
    settle(directory.parent)
    trio.run(keep, directory, random.Random(seed), rounds, descriptor)  # noqa: S311  # chosen, not secret


if __name__ == "__main__":
    main(sys.argv[1:])
