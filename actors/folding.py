"""A tenant's state from its durable log: the newest snapshot that can be trusted, and the rest."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import structlog

from actors.governance import index, snapshot
from actors.governance.canonical import NotCanonical
from actors.governance.codec import encode_state
from actors.governance.events import SnapshotMade
from actors.governance.ids import Instant
from actors.governance.state import State
from ledger import BodyRemoved, Ledger, Snapshot, VerificationError
from ledger.header import parse

log = structlog.get_logger(__name__)

STRETCH = 1024  # entries read at once: enough to be quick, little enough to stay small


class CannotFold(Exception):
    """The log holds an entry that cannot be read, decoded or folded; the message names it."""


@attrs.frozen
class Folded:
    state: State
    snapshot_at: int  # where the snapshot that was used stands, 0 for none


@attrs.frozen
class Taken:
    """A state as bytes, at its position."""

    size: int
    state: bytes


def fold(ledger: Ledger, name: str) -> Folded:
    """The state at the durable end of the log.  A snapshot that does not hold is passed over, never guessed at."""
    size = ledger.head(name).size
    for kept in ledger.snapshots(name):
        state = _trusted(ledger, name, kept)
        if state is not None:
            return Folded(extended(ledger, name, state, size), kept.size)
    return Folded(extended(ledger, name, None, size), 0)


def _trusted(ledger: Ledger, name: str, kept: Snapshot) -> State | None:
    """The snapshot's state if its digest is an entry of the log, its fold is ours, and seal, binding and root hold."""
    if kept.fingerprint != snapshot.fingerprint():
        return None
    seq = ledger.find(name, index.snapshot_key(kept.digest))
    if seq is None:
        return None
    try:
        state = snapshot.load(ledger.open_snapshot(name, kept))
        (record,) = ledger.read(name, seq, seq + 1)
        header = parse(record.entry)
        ledger.open_body(name, record)
    except (VerificationError, NotCanonical) as error:
        log.warning("snapshot passed over", tenant=name, size=kept.size, why=str(error))
        return None
    if header.tag != SnapshotMade.TAG or state.size != kept.size or state.tenant != name:
        return None
    return state


def extended(ledger: Ledger, name: str, state: State | None, size: int) -> State:
    """``state``, or the empty one, folded on to ``size`` entries; raises ``CannotFold``."""
    start = 0 if state is None else state.size
    at = start

    def entries() -> Iterator[tuple[int, Instant, str, bytes]]:
        nonlocal at
        for begin in range(start, size, STRETCH):
            for record in ledger.read(name, begin, min(begin + STRETCH, size)):
                at = record.seq
                header = parse(record.entry)
                yield record.seq, Instant(header.time), header.tag, ledger.open_body(name, record)

    try:
        return snapshot.fold(state, name, entries())
    except (VerificationError, BodyRemoved, NotCanonical, ValueError, KeyError, AttributeError) as error:
        raise CannotFold(f"entry {at} cannot be folded: {error}") from error


def take(state: State) -> Taken:
    return Taken(state.size, snapshot.save(state))


def put(ledger: Ledger, name: str, taken: Taken) -> bytes:
    """Stores a snapshot of a durable position; its digest.  In the ledger's own thread."""
    root = ledger.root_at(name, taken.size)
    return ledger.put_snapshot(name, size=taken.size, root=root, fingerprint=snapshot.fingerprint(), state=taken.state)


def agrees(ledger: Ledger, name: str, state: State) -> bool:
    """Whether ``state`` is what a full fold of the log gives, byte for byte."""
    return encode_state(extended(ledger, name, None, ledger.head(name).size)) == encode_state(state)
