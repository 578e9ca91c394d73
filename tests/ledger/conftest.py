"""A keystore in memory, and a ledger of two tenants on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from ledger import DataKey, Ledger, NoteSignature, NoteSigner, VerifierKey, origin_of

NODE_NAME = "hofburg.example"


class MemoryKeys:
    """Every key derived from its name: the same in every process of a test."""

    def __init__(self) -> None:
        self._signers: dict[str, NoteSigner] = {}
        self.destroyed: set[bytes] = set()

    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        return [self._signer(log).sign(message)]

    def verifier(self, log: str) -> VerifierKey:
        return self._signer(log).verifier

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        return (self.verifier(log),)

    def data_key(self, log: str, month: str) -> DataKey:
        return DataKey(_id(log, month), sha256(f"data key {log} {month}".encode()).digest())

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        months = [f"{year}-{month:02}" for year in (1970, 2026, 2027) for month in range(1, 13)]
        found = [self.data_key(log, month) for month in months if _id(log, month) == key_id and key_id not in self.destroyed]
        return found[0] if found else None

    def _signer(self, log: str) -> NoteSigner:
        if log not in self._signers:
            self._signers[log] = NoteSigner(origin_of(NODE_NAME, log), sha256(f"checkpoint key {log}".encode()).digest())
        return self._signers[log]


def _id(log: str, month: str) -> bytes:
    return sha256(f"id {log} {month}".encode()).digest()[:8]


@pytest.fixture
def keys() -> MemoryKeys:
    return MemoryKeys()


@pytest.fixture
def opened(tmp_path: Path, keys: MemoryKeys) -> Iterator[Callable[..., Ledger]]:
    """Opens a ledger in the test's directory; closes it again when the test forgot."""
    held: list[Ledger] = []

    def open_ledger(**options: object) -> Ledger:
        ledger = Ledger.open(tmp_path / "ledger", node=NODE_NAME, keys=keys, **options)  # type: ignore[arg-type]
        held.append(ledger)
        return ledger

    yield open_ledger
    for ledger in held:
        ledger.close()


@pytest.fixture
def ledger(opened: Callable[..., Ledger]) -> Ledger:
    """A ledger with the logs of belvedere and schoenbrunn, both empty."""
    made = opened()
    for tenant in ("belvedere", "schoenbrunn"):
        made.create(tenant, time=1, actor="operator")
    return made
