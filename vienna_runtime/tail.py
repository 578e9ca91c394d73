"""A tail that believes nothing it is told: each entry has its place, and every checkpoint signs exactly what came.

Fed with the events of `tail` in their order, it recomputes the root over all positions from the frontier on and raises
``VerificationError`` naming the log, the place and what is wrong:

    1  the first item states a frontier of the right shape; what was believed before must agree with it, or the log forked
    2  each header is canonical, of this log, at its own position, and follows the entry before
    3  each body opens its header's commitment with the salt beside it, or a removal explains why it is gone
    4  each checkpoint is signed by the log's own key, and signs the size and root that were recomputed here

What is believed at the end is what the last checkpoint signed, never more.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest
from typing import Any

import attrs

from ledger import VerificationError, removal
from ledger.checkpoint import open_checkpoint
from ledger.header import Header, parse
from ledger.note import VerifierKey
from ledger.tree import EMPTY_ROOT, HASH_SIZE, extend, leaf_hash, root_of


@attrs.frozen
class Belief:
    """A signed head that was recomputed here: no honest log ever says otherwise."""

    size: int
    root: bytes
    note: bytes


@attrs.frozen
class Entry:
    """One entry that has its place.  ``body`` is ``None`` where it was removed or is not for this reader."""

    header: Header
    body: bytes | None
    removed: bool


class VerifyingTail:
    """``start`` is what was asked for; ``bodies`` whether this reader is shown bodies: then one that does not come must be explained."""

    def __init__(self, log: str, key: VerifierKey, believed: Belief | None = None, *, start: int = 0, bodies: bool = True) -> None:
        self.belief = believed
        self._log = log
        self._key = key
        self._start_asked = start
        self._bodies = bodies
        self._at: int | None = None
        self._frontier: list[bytes] = []
        self._previous: bytes | None = None
        self._missing = removal.Ranges()
        self._removed: list[tuple[int, int]] = []

    @property
    def at(self) -> int:
        """How many entries the log has as far as it was read."""
        return self._at or 0

    def feed(self, value: Mapping[str, Any]) -> Entry | Belief | None:
        """The entry, or the belief that a checkpoint has become; raises ``VerificationError`` and is of no more use then."""
        match value.get("kind"):
            case "start":
                self._start(value["size"], value["frontier"])
            case "entry":
                return self._entry(value)
            case "checkpoint":
                return self._checkpoint(value["note"])
            case "end":
                self._end(value["size"])
            case _:
                raise self._wrong("the server sent something that is no part of a tail")
        return None

    def _start(self, size: int, frontier: list[bytes]) -> None:
        if len(frontier) != size.bit_count() or any(len(node) != HASH_SIZE for node in frontier):
            raise self._wrong(f"the frontier the server states is none of {size} entries", index=size)
        if self._at is None and size != self._start_asked:
            raise self._wrong(f"asked from {self._start_asked} on, the server begins at {size}", index=self._start_asked)
        if self._at is not None and (size != self._at or list(frontier) != self._frontier):
            raise self._wrong("after the connection was renewed the server shows another history than before: the log forked", index=size)
        self._at, self._frontier = size, list(frontier)
        self._compare_with_belief()

    def _entry(self, value: Mapping[str, Any]) -> Entry:
        if self._at is None:
            raise self._wrong("entries came before the frontier they stand on")
        at, packed = self._at, value["entry"]
        try:
            header = parse(packed)
        except VerificationError as error:
            raise error.at(self._log, at) from None
        if header.sequence > at:
            raise self._wrong(f"the entry is missing: number {header.sequence} came in its place", index=at)
        if header.sequence < at:
            raise self._wrong(f"number {header.sequence} came here, out of order or a second time", index=at)
        if header.tenant != self._log:
            raise self._wrong(f"the entry belongs to the log {header.tenant!r}", index=at)
        if self._previous is not None and not compare_digest(header.previous, self._previous):
            raise self._wrong("the header does not follow the entry before it: one of the two is not the original", index=at)
        self._previous = leaf_hash(packed)
        extend(self._frontier, at, self._previous)
        self._at = at + 1
        if header.tag == removal.TAG:
            self._removed += removal.parse(header)
        entry = self._opened(header, value)
        self._compare_with_belief()
        return entry

    def _opened(self, header: Header, value: Mapping[str, Any]) -> Entry:
        body, salt, index = value.get("body"), value.get("salt"), header.sequence
        if body is not None:
            if salt is None or not compare_digest(sha256(salt + body).digest(), header.commitment):
                raise self._wrong("the body is not the one the header commits to", index=index)
            return Entry(header, body, removed=False)
        if value.get("removed"):
            self._missing.add(index)
            return Entry(header, None, removed=True)
        if self._bodies:
            raise self._wrong("the body was withheld", index=index)
        return Entry(header, None, removed=False)

    def _checkpoint(self, note: bytes) -> Belief:
        try:
            checkpoint = open_checkpoint(note, self._key)
        except VerificationError as error:
            raise self._wrong(f"the checkpoint: {error.what}", index=self._last) from None
        if self._at is None or checkpoint.size > self._at:
            raise self._wrong(f"entries are missing at the end: {checkpoint.size} are signed, {self.at} came", index=self.at)
        if checkpoint.size < self._at:
            raise self._wrong(f"entries that are not signed: {checkpoint.size} are, {self._at} came", index=checkpoint.size)
        self._refuse_shorter(checkpoint.size)
        if not compare_digest(checkpoint.root, self._root()):
            raise self._wrong(
                f"the signed root over {checkpoint.size} entries is another than theirs: some entry was changed", index=self._last
            )
        self.belief = Belief(checkpoint.size, checkpoint.root, note)
        return self.belief

    def _end(self, size: int) -> None:
        if size != self.at:
            raise self._wrong(f"the server says that {size} entries are all, {self.at} came", index=self.at)
        self._refuse_shorter(size)
        if self.at and (self.belief is None or self.belief.size != self.at):
            raise self._wrong("the last entries are under no signed checkpoint", index=self._last)
        if (gone := self._missing.first_outside(self._removed)) is not None:
            raise self._wrong("the body is missing and no entry says that it was removed", index=gone)

    def _refuse_shorter(self, size: int) -> None:
        if self.belief is not None and size < self.belief.size:
            raise self._wrong(
                f"the log ends after {size} entries; one of {self.belief.size} was signed and seen here before: rolled back or forked",
                index=size,
            )

    def _compare_with_belief(self) -> None:
        belief = self.belief
        if belief is not None and belief.size == self._at and not compare_digest(belief.root, self._root()):
            raise self._wrong(
                f"the first {belief.size} entries are others than those that were signed and seen here before: the log forked",
                index=self._last,
            )

    def _root(self) -> bytes:
        return root_of(self._frontier) if self._frontier else EMPTY_ROOT

    @property
    def _last(self) -> int | None:
        return self._at - 1 if self._at else None

    def _wrong(self, what: str, *, index: int | None = None) -> VerificationError:
        return VerificationError(what, log=self._log, index=index)
