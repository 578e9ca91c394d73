"""A keystore for directories that are thrown away: every key follows from its name, so that any process has the same.

Real Ed25519 and XSalsa20 keys, worth nothing: they are in this file.
"""

from __future__ import annotations

from hashlib import sha256

from ledger import DataKey, NoteSignature, NoteSigner, VerifierKey, origin_of

NODE_NAME = "selftest.example"
MONTH = "2026-11"  # of every entry here; see ``script.BEGUN``


class DerivedKeys:
    """The ledger's port ``Keys``, without a file."""

    def __init__(self) -> None:
        self._signers: dict[str, NoteSigner] = {}

    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        return [self._signer(log).sign(message)]

    def verifier(self, log: str) -> VerifierKey:
        return self._signer(log).verifier

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        return (self.verifier(log),)

    def data_key(self, log: str, month: str) -> DataKey:
        secret = sha256(f"data key {log} {month}".encode()).digest()
        return DataKey(sha256(secret).digest()[:8], secret)

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        key = self.data_key(log, MONTH)
        return key if key.id == key_id else None

    def _signer(self, log: str) -> NoteSigner:
        if log not in self._signers:
            self._signers[log] = NoteSigner(origin_of(NODE_NAME, log), sha256(f"checkpoint key {log}".encode()).digest())
        return self._signers[log]
