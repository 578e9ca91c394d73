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
from ledger import BodyRemoved, Ledger, Snapshot, VerificationError, removal
from ledger.header import parse

log = structlog.get_logger(__name__)

STRETCH = 1024  # entries read at once: enough to be quick, little enough to stay small


class CannotFold(Exception):
    """The log holds an entry that cannot be read, decoded or folded; the message names it."""


class Forgotten(CannotFold):
    """Folding from there on needs a body that was removed."""


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
    """The state at the durable end of the log.  A snapshot that does not hold is passed over, never guessed at.

    One that an earlier version made is used only where bodies were forgotten: else the log, folded anew, says it better.
    """
    size = ledger.head(name).size
    state = _newest(ledger, name, size, older=ledger.find(name, removal.INDEX) is not None)
    begin = 0 if state is None else state.size
    return Folded(extended(ledger, name, state, size), begin)


def _newest(ledger: Ledger, name: str, below: int, *, older: bool) -> State | None:
    """The state of the newest snapshot up to ``below`` that can be relied on."""
    for kept in ledger.snapshots(name):
        ours = kept.fingerprint == snapshot.fingerprint()
        if kept.size <= below and (ours or older) and (state := _trusted(ledger, name, kept)) is not None:
            return state
    return None


def _trusted(ledger: Ledger, name: str, kept: Snapshot) -> State | None:
    """The snapshot's state if its digest is an entry of the log, its fold can be read, and seal, binding and root hold."""
    if not snapshot.readable(kept.fingerprint):
        return None
    seq = ledger.find(name, index.snapshot_key(kept.digest))
    if seq is None:
        return None
    try:
        state = snapshot.load(ledger.open_snapshot(name, kept), kept.fingerprint)
        (record,) = ledger.read(name, seq, seq + 1)
        header = parse(record.entry)
        ledger.open_body(name, record)
    except (BodyRemoved, VerificationError, NotCanonical) as error:
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
    except BodyRemoved as error:
        raise Forgotten(
            f"the body of entry {at} has been forgotten, and no snapshot above it can be relied on; "
            "restore the ledger from a backup that has one"
        ) from error
    except (VerificationError, NotCanonical, ValueError, KeyError, AttributeError) as error:
        raise CannotFold(f"entry {at} cannot be folded: {error}") from error


def take(state: State) -> Taken:
    return Taken(state.size, snapshot.save(state))


def put(ledger: Ledger, name: str, taken: Taken) -> bytes:
    """Stores a snapshot of a durable position; its digest.  In the ledger's own thread."""
    root = ledger.root_at(name, taken.size)
    return ledger.put_snapshot(name, size=taken.size, root=root, fingerprint=snapshot.fingerprint(), state=taken.state)


def beginning(ledger: Ledger, name: str, below: int) -> State | None:
    """Where folding anew can begin: the empty log while nothing was forgotten, else the newest snapshot that can be relied on.

    None is the empty log.  Raises ``Forgotten`` where there is no such snapshot up to ``below``.
    """
    if ledger.find(name, removal.INDEX) is None:
        return None
    if (state := _newest(ledger, name, below, older=True)) is not None:
        return state
    raise Forgotten(f"bodies of {name} have been forgotten, and no snapshot up to entry {below} can be relied on")


def agrees(ledger: Ledger, name: str, state: State) -> bool:
    """Whether ``state`` is what a fold of the log gives, byte for byte: of all of it, as far as nothing of it was forgotten."""
    size = ledger.head(name).size
    return encode_state(extended(ledger, name, beginning(ledger, name, size), size)) == encode_state(state)
