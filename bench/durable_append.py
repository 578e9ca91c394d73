"""Durable append as a caller sees it: each caller waits for its own acknowledgement, through the scribe, on a real disk.

What each call does: it is checked against the table of calls (who may make it, and every field of it), becomes an event
whose bytes go through the scribe into the ledger, and its answer carries the position, the signed checkpoint and the
inclusion proof under it.  The proofs of a batch are made together by whoever asks first.  One in 97 answers is verified
afterwards, from the checkpoint's signature down to the entry, as a caller would who trusts nobody.

python -m bench.durable_append [--quick]
"""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import TypeVar

import attrs
import trio

from actors.governance import calls, codec, intent
from actors.governance.canonical import Value
from actors.governance.commands import Propose
from actors.governance.events import IntentProposed
from actors.governance.ids import CaseId, Cost, MemberId
from actors.scribe import Discarded, Reservation, Scribe, Worker
from ledger import DataKey, Draft, Ledger, NoteSignature, NoteSigner, VerifierKey, open_checkpoint, origin_of, verify_inclusion
from ledger.tree import leaf_hash

NODE_NAME = "bench.example"
LOG = "belvedere"
ROUNDS = 5
SECONDS = 2.0
GOALS = {32: 10_000, 256: 18_000}
STEPS = 6  # entries of a case, as the law has them; the first is found by its idempotency key as well
SAMPLE = 97  # one answer in so many is verified
CALL: dict[str, Value] = {
    "action": "payments.refund",
    "resource": "order/8812",
    "params": {"amount": 1250, "currency": "EUR"},
    "purpose": "the customer sent the article back within the time",
}
T = TypeVar("T")

PARTS = {
    "calls": "the call: who may make it, every field of it",
    "events": "the intent and its event packed, the draft",
    "submitting": "reserving room, submitting",
    "proving": "inclusion proofs",
    "writing": "the ledger's own thread, which overlaps with the rest: pack, seal, hash, put, sign, sync",
}


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


@attrs.frozen
class Answer:
    """What a caller gets: where its entry is, and the proof that the signed tree holds it there."""

    position: int
    checkpoint: bytes
    proof: tuple[bytes, ...]


class Prover:
    """Makes the proofs of everything that became durable since it last did, when the first of the callers asks."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._done = ledger.head(LOG).size
        self._answers: dict[int, Answer] = {}

    def answer(self, position: int) -> Answer:
        if position >= self._done:
            head = self._ledger.head(LOG)
            proofs = self._ledger.prove_inclusions(LOG, self._done, head.size, head.size)
            for at, proof in enumerate(proofs, self._done):
                self._answers[at] = Answer(at, head.checkpoint, proof)
            self._done = head.size
        return self._answers.pop(position)


@attrs.define
class Split:
    """Seconds spent on each part, over all callers."""

    calls: float = 0.0
    events: float = 0.0
    submitting: float = 0.0
    proving: float = 0.0
    writing: float = 0.0  # in the ledger's own thread, the sync in it


@attrs.frozen
class Round:
    """What one round found: rates and times a caller sees, and where an append's time went, in µs."""

    rate: float
    p50: float  # ms
    p99: float  # ms
    entries_a_commit: float
    split: dict[str, float]
    verified: int


async def _measure(directory: Path, callers: int, seconds: float) -> Round:
    keys = Keys()
    ledger = Ledger.open(directory, node=NODE_NAME, keys=keys)
    ledger.create(LOG, time=1, actor="bench")
    waits: list[float] = []
    samples: list[Answer] = []
    split, prover, clock = Split(), Prover(ledger), time.perf_counter

    async def call(scribe: Scribe, number: int, until: float) -> None:
        agent, case, made = MemberId(f"agent-{number}"), "", 0
        while (begun := clock()) < until:
            step, made = made % STEPS + 1, made + 1
            if step == 1:
                case = "c" + secrets.token_hex(10)
            command = calls.parse("propose", CALL | {"key": case}, "agent")
            assert isinstance(command, Propose)
            parsed = clock()
            wish = intent.Intent(command.action, command.resource, command.params, command.purpose, Cost(command.cost), None, None, None)
            event = IntentProposed(CaseId(case), agent, intent.pack(wish), command.key, None, False, ())
            keys_ = (b"key " + case.encode(),) if step == 1 else ()
            draft = Draft(event.TAG, time.time_ns() // 1000, agent, codec.encode(event), case, step, keys=keys_)
            packed = clock()
            room = scribe.reserve(LOG, 1)
            assert isinstance(room, Reservation)
            position = scribe.position(LOG)
            submission = scribe.submit(LOG, scribe.epoch(LOG), position, (draft,), room)
            submitted = clock()
            assert not isinstance(await scribe.settled(LOG, submission), Discarded)
            durable = clock()
            answer = prover.answer(position)
            ended = clock()
            waits.append(ended - begun)
            split.calls += parsed - begun
            split.events += packed - parsed
            split.submitting += submitted - packed
            split.proving += ended - durable
            if not len(waits) % SAMPLE:
                samples.append(answer)

    def timed(function: Callable[[], T]) -> T:
        begun = clock()
        try:
            return function()
        finally:
            split.writing += clock() - begun

    async with Worker() as worker:
        scribe = Scribe(ledger, runner=lambda function: worker(partial(timed, function)), now=lambda: time.time_ns() // 1000)
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(scribe.run))
            begun = clock()
            async with trio.open_nursery() as calling:
                for number in range(callers):
                    calling.start_soon(call, scribe, number, begun + seconds)
            elapsed = clock() - begun
            commits = scribe.statistics().commits
            nursery.cancel_scope.cancel()
    for answer in samples:
        _verify(ledger, keys.verifier(LOG), answer)
    ledger.close()
    waits.sort()
    each = {name: value / len(waits) * 1e6 for name, value in attrs.asdict(split).items()}
    rate, p50, p99 = len(waits) / elapsed, waits[len(waits) // 2] * 1000, waits[len(waits) * 99 // 100] * 1000
    return Round(rate, p50, p99, len(waits) / commits, each, len(samples))


def _verify(ledger: Ledger, key: VerifierKey, answer: Answer) -> None:
    (record,) = ledger.read(LOG, answer.position, answer.position + 1)
    signed = open_checkpoint(answer.checkpoint, key)
    verify_inclusion(leaf_hash(record.entry), answer.position, signed.size, answer.proof, signed.root)


def rounds(quick: bool) -> dict[int, list[Round]]:
    """Several rounds for each number of callers."""
    found: dict[int, list[Round]] = {callers: [] for callers in GOALS}
    for _ in range(2 if quick else ROUNDS):
        for callers, those in found.items():
            with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR"), prefix="vienna-bench-") as directory:
                those.append(trio.run(_measure, Path(directory) / "ledger", callers, 0.5 if quick else SECONDS))
    return found


def main() -> None:
    """Print both tables: what callers see, and where the time of an append goes."""
    found = rounds("--quick" in sys.argv[1:])
    print("| callers | appends/s, each with its proof | goal | p50 ms | p99 ms | entries a commit | proofs verified |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for callers, those in found.items():
        rate, p50, p99, batch = (median(getattr(one, name) for one in those) for name in ("rate", "p50", "p99", "entries_a_commit"))
        verified = sum(one.verified for one in those)
        print(f"| {callers} | **{rate:,.0f}** | {GOALS[callers]:,} | {p50:.2f} | {p99:.2f} | {batch:.0f} | {verified:,} of {verified:,} |")
    print("\n| µs an append | " + " | ".join(f"{callers} callers" for callers in found) + " |")
    print("|---|" + "---:|" * len(found))
    for name, what in PARTS.items():
        print(f"| {what} | " + " | ".join(f"{median(one.split[name] for one in those):.1f}" for those in found.values()) + " |")
    print("| all, by the clock | " + " | ".join(f"{1e6 / median(one.rate for one in those):.1f}" for those in found.values()) + " |")


if __name__ == "__main__":
    main()
