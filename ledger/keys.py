"""Where the ledger's keys come from: a port, kept by whoever keeps secrets.

Called from the writer's thread and from readers' threads, so an implementation is thread-safe, and on the hot path,
so it touches no file unless a new month begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn, Protocol, runtime_checkable

import attrs

from ledger.note import NoteSignature, VerifierKey

KEY_ID_SIZE = 8  # enough to name the keys of a node for ever; not a secret
SECRET_SIZE = 32  # XSalsa20-Poly1305


@attrs.frozen(repr=False, eq=False)
class DataKey:
    """Seals the bodies of one log and month.  Shows its id only, and is not pickled."""

    id: bytes
    secret: bytes

    def __attrs_post_init__(self) -> None:
        if len(self.id) != KEY_ID_SIZE or len(self.secret) != SECRET_SIZE:
            raise ValueError(f"a data key is {KEY_ID_SIZE} bytes of id and {SECRET_SIZE} of secret")

    def __repr__(self) -> str:
        return f"DataKey(id={self.id.hex()}, secret=…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a data key is not pickled")


class Keys(Protocol):
    """What the ledger asks of a keystore."""

    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        """Signed-note signatures over a checkpoint's text: one, or two while keys rotate."""

    def verifier(self, log: str) -> VerifierKey:
        """The key that checks the log's checkpoints now; named by the log's origin."""

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        """Every key that signs the log's checkpoints at present, that one first: two while keys rotate."""

    def data_key(self, log: str, month: str) -> DataKey:
        """The current sealing key of ``month`` ("2026-11"); made, and kept durably, when there is none."""

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        """The key that sealed something earlier; None when it was destroyed or never was."""


@runtime_checkable
class ForgettingKeys(Keys, Protocol):
    """A keystore that can destroy: without one, no body can be forgotten."""

    def data_key_ids(self, log: str, month: str) -> tuple[bytes, ...]:
        """Every key that sealed bodies of that month and is still there, the current one first; none are made."""

    def renew(self, log: str, month: str) -> DataKey:
        """A further key for that month, kept durably and current from now on; the older ones still open what they sealed."""

    def destroy(self, log: str, key_ids: Sequence[bytes]) -> None:
        """Forget data keys: durable on return, and no file that held one is left.  Those that are gone already are no error."""
