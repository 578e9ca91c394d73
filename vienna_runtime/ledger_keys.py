"""The ledger's keys, from a node's keystore: the port ``ledger.keys.Keys`` in the ledger's own types.

A log's origin is ``<node>/<tenant>``, or ``<node>`` for the node's own.  Verifier keys are made once and kept (the ledger asks
with every batch; made twice by two threads they are equal); sealing keys are not, so that a destroyed one is not kept here.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ledger.keys import DataKey
from ledger.note import NoteSignature, VerifierKey
from vienna_runtime.keyring import Key, SigningPair
from vienna_runtime.keystore import NODE_LOG, Keystore


@attrs.frozen
class LedgerKeys:
    """What the ledger may ask of a keystore, and nothing of the tenants' other keys."""

    _keystore: Keystore
    _verifiers: dict[bytes, VerifierKey] = attrs.field(factory=dict, init=False, repr=False)

    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        """Signed-note signatures over a checkpoint's text, the current key's first."""
        signatures = []
        for pair in self._keystore.checkpoint_pairs(log):
            verifier = self._verifier(log, pair)
            signatures.append(NoteSignature(verifier.name, verifier.id, pair.sign(message)))
        return signatures

    def verifier(self, log: str) -> VerifierKey:
        """The key that checks the log's checkpoints now."""
        return self._verifier(log, self._keystore.checkpoint_pairs(log)[0])

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        """Every key that signs its checkpoints at present, the newest first."""
        return tuple(self._verifier(log, pair) for pair in self._keystore.checkpoint_pairs(log))

    def data_key(self, log: str, month: str) -> DataKey:
        """The current sealing key of that month; durable before it is returned."""
        return _data_key(self._keystore.data_key(log, month))

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        """The key that sealed something earlier; ``None`` when it was destroyed or never was."""
        key = self._keystore.data_key_by_id(log, key_id)
        return None if key is None else _data_key(key)

    def data_key_ids(self, log: str, month: str) -> tuple[bytes, ...]:
        """Every key that sealed bodies of that month and is still there, the current one first."""
        return self._keystore.data_key_ids(log, month)

    def renew(self, log: str, month: str) -> DataKey:
        """A further key for that month, durable before it is returned."""
        return _data_key(self._keystore.renew_data_key(log, month))

    def destroy(self, log: str, key_ids: Sequence[bytes]) -> None:
        """Forget data keys; durable on return."""
        self._keystore.destroy_data_keys(log, key_ids)

    def _verifier(self, log: str, pair: SigningPair) -> VerifierKey:
        found = self._verifiers.get(pair.id)
        if found is None:
            node = self._keystore.node
            found = self._verifiers[pair.id] = VerifierKey(node if log == NODE_LOG else f"{node}/{log}", pair.public)
        return found


def _data_key(key: Key) -> DataKey:
    return DataKey(key.id, key.secret.reveal())
