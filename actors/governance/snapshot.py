"""A tenant's state at a durable position, so that a restart reads that and the rest of the log."""

from __future__ import annotations

from collections.abc import Iterable

from . import older
from .codec import decode, decode_older, decode_state, encode_state, fingerprint
from .evolve import evolve
from .ids import Instant, TenantId
from .state import State

__all__ = ["fingerprint", "fold", "load", "readable", "save"]


def readable(shape: bytes) -> bool:
    """Whether a snapshot of that fingerprint can be read: it is of today's shape, or of one that an earlier version made."""
    return shape == fingerprint() or older.known(shape)


def save(state: State) -> bytes:
    """The state as bytes; valid only at ``state.size``."""
    return encode_state(state)


def load(packed: bytes, shape: bytes | None = None) -> State:
    """The state again, also one that an earlier version packed in another ``shape``; raises ``NotCanonical``."""
    return decode_state(packed) if shape is None or shape == fingerprint() else decode_older(packed, shape)


def fold(state: State | None, tenant: str, entries: Iterable[tuple[int, Instant, str, bytes]]) -> State:
    """The state after ``entries`` (sequence number, time, tag, body), which go on where ``state`` ends."""
    folded = State(TenantId(tenant)) if state is None else state
    for seq, at, tag, body in entries:
        if seq != folded.size:
            raise ValueError(f"entry {seq} does not follow a state of {folded.size} entries")
        evolve(folded, decode(tag, body), at, seq)
    return folded
