"""A real ledger of two tenants on a real disk, and a scribe whose runner works inline or waits to be let go.

A test that lets time pass asks for ``autojump_clock`` itself: through another fixture it would not be the loop's clock.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors.scribe import Reservation, Room, Scribe, Submission
from ledger import DataKey, Draft, Ledger, NoteSignature, NoteSigner, VerifierKey, origin_of

T = TypeVar("T")

NODE_NAME = "hofburg.example"
TENANTS = ("belvedere", "schoenbrunn")


class MemoryKeys:
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
        key = self.data_key(log, "1970-01")  # the tests' times are a few µs after 1970
        return key if key.id == key_id else None

    def _signer(self, log: str) -> NoteSigner:
        return NoteSigner(origin_of(NODE_NAME, log), sha256(log.encode()).digest())


class Disk:
    """A disk that can be told to fail: ``broken`` names the write points at which it does, and for how often."""

    def __init__(self) -> None:
        self.broken: dict[str, int] = {}
        self.passed: list[str] = []

    def __call__(self, point: str) -> None:
        self.passed.append(point)
        if self.broken.get(point, 0) > 0:
            self.broken[point] -= 1
            raise OSError(5, f"input/output error at {point}")


@attrs.define
class Bench:
    """A running scribe, and what a tenant's actor would do with it."""

    ledger: Ledger
    disk: Disk
    scribe: Scribe
    nursery: trio.Nursery
    gate: trio.Event = attrs.Factory(trio.Event)
    stopping: trio.CancelScope = attrs.Factory(trio.CancelScope)
    stopped: trio.Event = attrs.Factory(trio.Event)

    async def live(self, *, task_status: trio.TaskStatus[None]) -> None:
        with self.stopping:
            await self.scribe.run(task_status=task_status)
        self.stopped.set()

    async def stop(self) -> None:
        """Stop the scribe in order."""
        self.stopping.cancel()
        await self.stopped.wait()

    def hold(self) -> None:
        """The next work in the ledger's thread waits until ``release``."""
        self.gate = trio.Event()

    def release(self) -> None:
        self.gate.set()

    async def runner(self, function: Callable[[], T]) -> T:
        await self.gate.wait()
        return function()

    def submit(self, log: str, *words: str, urgent: bool = False, **scopes: Any) -> Submission:
        room = self.scribe.reserve(log, len(words), urgent=urgent)
        assert isinstance(room, Reservation)
        return self.scribe.submit(log, self.scribe.epoch(log), self.scribe.position(log), drafts(*words), room, **scopes)

    def words(self, log: str) -> list[str]:
        """What is on the log, opened and checked."""
        return [self.ledger.open_body(log, record).decode() for record in self.ledger.read(log, 0, self.ledger.head(log).size)]

    def tags(self, log: str = "") -> list[bytes]:
        return [record.entry for record in self.ledger.read(log, 0, self.ledger.head(log).size)]

    def said(self, *words: str) -> tuple[Draft, ...]:
        return drafts(*words)

    async def settle(self) -> None:
        await wait_all_tasks_blocked()


def drafts(*words: str) -> tuple[Draft, ...]:
    return tuple(Draft("word.said/1", 5, "ada", word.encode()) for word in words)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def ledger(tmp_path: Path, disk: Disk) -> Iterator[Ledger]:
    opened = Ledger.open(tmp_path / "ledger", node=NODE_NAME, keys=MemoryKeys(), fault=disk)
    for tenant in TENANTS:
        opened.create(tenant, time=1, actor="operator")
    yield opened
    opened.close()


@pytest.fixture
def room() -> Room:
    return Room(max_entries=16, max_bytes=1000, max_urgent_entries=4)


@pytest.fixture
async def bench(ledger: Ledger, disk: Disk, room: Room) -> AsyncIterator[Bench]:
    async with trio.open_nursery() as nursery:
        made: list[Bench] = []

        async def runner(function: Callable[[], T]) -> T:
            return await made[0].runner(function)

        scribe = Scribe(ledger, runner=runner, now=lambda: 7, room=room)
        made.append(Bench(ledger, disk, scribe, nursery))
        made[0].release()
        await nursery.start(made[0].live)
        yield made[0]
        made[0].release()
        nursery.cancel_scope.cancel()


@pytest.fixture
def said() -> Callable[..., tuple[Draft, ...]]:
    return drafts
