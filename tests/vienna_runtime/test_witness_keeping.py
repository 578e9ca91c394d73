"""What witnesses have cosigned of many logs at once is kept in small transactions, and other entries are written between them."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import trio

from actors.scribe import Scribe
from ledger import DataKey, Ledger, NoteSignature, NoteSigner, VerifierKey, origin_of
from ledger.cosignature import Cosigner
from ledger.witness_policy import Policy
from vienna_runtime.witnessing import Witnesses

T = TypeVar("T")
NODE_NAME = "hofburg.example"
TENANTS = [f"belvedere-{number}" for number in range(7)]
WITNESS = Cosigner("emil.example", b"w" * 32)
POLICY = Policy.parse(f"witness emil {WITNESS.verifier.text} https://emil.example/\nquorum emil\n")


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
        return None

    def _signer(self, log: str) -> NoteSigner:
        return NoteSigner(origin_of(NODE_NAME, log), sha256(log.encode()).digest())


async def test_of_many_logs_a_few_are_kept_at_once_and_in_the_end_all(tmp_path: Path) -> None:
    keys, kept, whole = MemoryKeys(), [0], trio.Event()
    ledger = Ledger.open(tmp_path / "ledger", node=NODE_NAME, keys=keys)
    for tenant in TENANTS:
        ledger.create(tenant, time=1, actor="operator")

    async def work(function: Callable[[], T]) -> T:
        await trio.lowlevel.checkpoint()
        answer = function()
        if (count := sum(ledger.witnessed(tenant) is not None for tenant in TENANTS)) > kept[-1]:
            kept.append(count)
            if count == len(TENANTS):
                whole.set()
        return answer

    scribe = Scribe(ledger, runner=work, now=lambda: 5)
    witnesses = Witnesses(POLICY, scribe, keys.verifier, lambda _: None, 0.1, ssl.create_default_context(), at_once=3)
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(scribe.run)
            nursery.start_soon(witnesses._keep_for_ever)
            for tenant in TENANTS:
                head = ledger.head(tenant)
                text = head.checkpoint.decode().partition("\n\n")[0] + "\n"
                witnesses._gathering.choose({tenant: head}, {tenant: keys.verifier(tenant).name}, 0.0)
                (chosen,) = (one for one in witnesses._gathering.for_witness("emil") if one.log == tenant)
                witnesses._cosigned(witnesses.standings["emil"], chosen, WITNESS.cosign(text, 1))
            with trio.fail_after(60):
                await whole.wait()
            nursery.cancel_scope.cancel()
    finally:
        ledger.close()
    assert kept == [0, 3, 6, 7]
