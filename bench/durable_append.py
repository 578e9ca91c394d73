"""Durable append as a caller sees it: each caller waits for its own acknowledgement, through the scribe, on a real disk.

python -m bench.durable_append [--quick]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from statistics import median

import trio

from actors.scribe import Discarded, Reservation, Scribe, Worker
from ledger import DataKey, Draft, Ledger, NoteSignature, NoteSigner, VerifierKey, origin_of

NODE_NAME = "bench.example"
LOG = "belvedere"
BODY = bytes(200)  # a decision's body, of middling size
ROUNDS = 5
SECONDS = 2.0
GOALS = {32: 10_000, 256: 18_000}


class Keys:
    """Keys in memory, since a keystore is not what is measured."""

    def __init__(self) -> None:
        self._signers: dict[str, NoteSigner] = {}

    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        return [self._signer(log).sign(message)]

    def verifier(self, log: str) -> VerifierKey:
        return self._signer(log).verifier

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        return (self.verifier(log),)

    def data_key(self, log: str, month: str) -> DataKey:
        digest = sha256(f"{log} {month}".encode()).digest()
        return DataKey(digest[:8], digest)

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        return None

    def _signer(self, log: str) -> NoteSigner:
        if log not in self._signers:
            self._signers[log] = NoteSigner(origin_of(NODE_NAME, log), sha256(log.encode()).digest())
        return self._signers[log]


async def _measure(directory: Path, callers: int, seconds: float) -> tuple[float, float, float]:
    """Appends/s, and p50 and p99 in ms."""
    ledger = Ledger.open(directory, node=NODE_NAME, keys=Keys())
    ledger.create(LOG, time=1, actor="bench")
    waits: list[float] = []

    async def call(scribe: Scribe, until: float) -> None:
        while (begun := time.perf_counter()) < until:
            room = scribe.reserve(LOG, 1)
            assert isinstance(room, Reservation)
            draft = Draft("bench.appended/1", time.time_ns() // 1000, "ada", BODY, "case")
            number = scribe.submit(LOG, scribe.epoch(LOG), scribe.position(LOG), (draft,), room)
            assert not isinstance(await scribe.settled(LOG, number), Discarded)
            waits.append(time.perf_counter() - begun)

    async with Worker() as worker:
        scribe = Scribe(ledger, runner=worker, now=lambda: time.time_ns() // 1000)
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(scribe.run))
            begun = time.perf_counter()
            async with trio.open_nursery() as calling:
                for _ in range(callers):
                    calling.start_soon(call, scribe, begun + seconds)
            elapsed = time.perf_counter() - begun
            nursery.cancel_scope.cancel()
    ledger.close()
    waits.sort()
    return len(waits) / elapsed, waits[len(waits) // 2] * 1000, waits[len(waits) * 99 // 100] * 1000


def table(quick: bool) -> list[Sequence[str]]:
    """Rows of text, the first names the columns; medians over the rounds."""
    rows: list[Sequence[str]] = [("callers", "appends/s", "goal", "p50 ms", "p99 ms")]
    for callers, goal in GOALS.items():
        rounds = []
        for _ in range(2 if quick else ROUNDS):
            with tempfile.TemporaryDirectory(prefix="vienna-bench-") as directory:
                rounds.append(trio.run(_measure, Path(directory) / "ledger", callers, 0.5 if quick else SECONDS))
        rate, p50, p99 = (median(column) for column in zip(*rounds, strict=True))
        rows.append((str(callers), f"{rate:,.0f}", f"{goal:,}", f"{p50:.2f}", f"{p99:.2f}"))
    return rows


def main() -> None:
    for row in table("--quick" in sys.argv[1:]):
        print("".join(cell.rjust(12) for cell in row))


if __name__ == "__main__":
    main()
