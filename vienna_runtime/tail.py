"""A tail that believes nothing it is told: each entry has its place, and every checkpoint signs exactly what came.

Fed with the events of `tail` in their order, it recomputes the root over all positions from the frontier on and raises
``VerificationError`` naming the log, the place and what is wrong:

    1  the first item states a frontier of the right shape and the newest signed head; a proof leads from each of the frontier
       and the head believed before to this one (RFC 9162 §2.1.4), or the log forked
    2  each header is canonical, of this log, at its own position, and follows the entry before
    3  each body opens its header's commitment with the salt beside it, or a removal explains why it is gone
    4  a position comes as a bare leaf hash only where this reader may not see it, or did not ask for it
    5  each checkpoint is signed by a key of the log, and signs the size and root that were recomputed here
    6  each witnessed head is one that the log continues, signed by any key that the log ever had: it may be older than the keys
       that count now.  Under a policy, its quorum covers all but the newest (``tail_quorum``)

What is believed at the end is what the last checkpoint signed, never more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import Any

import attrs

from ledger import VerificationError, removal
from ledger.checkpoint import Checkpoint, open_checkpoint
from ledger.header import Header, parse
from ledger.note import VerifierKey
from ledger.proofs import verify_consistency
from ledger.tree import EMPTY_ROOT, HASH_SIZE, extend, leaf_hash, root_of
from vienna_runtime.tail_quorum import Demand
from vienna_runtime.tail_rights import Rights, Steps, Wanted

MOST_HASHES = 128  # of one proof: twice the height of the largest tree there can be


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
    """``start`` and ``wanted`` are what was asked for, ``rights`` what this reader is shown of it; ``demand`` asks for witnesses."""

    def __init__(
        self,
        log: str,
        keys: VerifierKey | Sequence[VerifierKey],
        believed: Belief | None = None,
        *,
        start: int = 0,
        rights: Rights = Rights.ALL,
        wanted: Wanted | None = None,
        demand: Demand | None = None,
        opens: Callable[[bytes], Checkpoint] | None = None,
        recorded: Sequence[VerifierKey] | None = None,
    ) -> None:
        self.belief = believed
        self.demand = demand
        self.hidden = 0  # positions that came as leaf hashes
        self._log = log
        self._keys = keys
        self._opens = opens  # instead of ``keys``, where it is known from which size on which of them counts
        self._recorded = recorded  # for what was witnessed, where keys are known that signed before any of ``keys``
        self._start_asked = start
        self._rights = rights
        self._wanted = wanted or Wanted()
        self._steps = Steps(self._wanted, rights, from_first=start == 0)
        self._at: int | None = None
        self._frontier: list[bytes] = []
        self._previous: bytes | None = None
        self._to_meet: dict[int, bytes] = {}  # roots that were signed for sizes ahead
        self._largest = 0 if believed is None else believed.size  # that was signed
        self._missing = removal.Ranges()
        self._missing_before = removal.Ranges()  # since before the last checkpoint: what explains them has come by the next
        self._removed: list[tuple[int, int]] = []

    @property
    def begun(self) -> bool:
        """Whether the server has said where it begins."""
        return self._at is not None

    @property
    def at(self) -> int:
        """How many entries the log has as far as it was read."""
        return self._at or 0

    def feed(self, value: Mapping[str, Any]) -> Entry | Belief | None:
        """The entry, or the belief that a checkpoint has become; raises ``VerificationError`` and is of no more use then."""
        kind = value.get("kind")
        if self._at is None and kind != "start":
            raise self._wrong("something came before the frontier it stands on")
        match kind:
            case "start":
                self._start(value)
            case "entry":
                return self._entry(value)
            case "leaves":
                self._leaves(self._bytes(value, "hashes"))
            case "checkpoint":
                return self._checkpoint(self._bytes(value, "note"))
            case "witnessed":
                self._witnessed(self._bytes(value, "note"), self._hashes(value, "proof"))
            case "end":
                self._end(self._number(value, "size"))
            case _:
                raise self._wrong("the server sent something that is no part of a tail")
        return None

    def _start(self, value: Mapping[str, Any]) -> None:
        size, frontier = self._number(value, "size"), self._hashes(value, "frontier")
        if len(frontier) != size.bit_count():
            raise self._wrong(f"the frontier the server states is none of {size} entries", index=size)
        if self._at is None and size != self._start_asked:
            raise self._wrong(f"asked from {self._start_asked} on, the server begins at {size}", index=self._start_asked)
        if self._at is not None and (size != self._at or frontier != self._frontier):
            raise self._wrong("after the connection was renewed the server shows another history than before: the log forked", index=size)
        self._at, self._frontier = size, frontier
        if self.demand is not None:
            self.demand.begins(size)
        if value.get("checkpoint") is None:
            self._refuse_shorter(0)
            if size:
                raise self._wrong(f"the server begins at {size} and signs nothing", index=size)
            return
        head = self._opened(self._bytes(value, "checkpoint"))
        self._refuse_shorter(head.size)
        if head.size < size:
            raise self._wrong(f"the server begins at {size} and signs {head.size} entries only", index=head.size)
        self._continued(
            size, self._root(), head.size, head.root, self._hashes(value, "begins"),
            f"the frontier the server states at {size} is not the beginning of the {head.size} entries it signs",
        )  # fmt: skip
        if (belief := self.belief) is not None:
            self._continued(
                belief.size, belief.root, head.size, head.root, self._hashes(value, "continues"),
                f"the {head.size} entries that are signed do not continue the {belief.size} that were signed and seen here before: "
                "the log forked",
            )  # fmt: skip
            self._to_meet[belief.size] = belief.root
        self._to_meet[head.size] = head.root
        self._largest = head.size
        self._meet()

    def _entry(self, value: Mapping[str, Any]) -> Entry:
        at, packed = self.at, self._bytes(value, "entry")
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
        self._take(leaf_hash(packed))
        if header.tag == removal.TAG:
            self._removed += removal.parse(header)
        elif not self._wanted.takes(header):
            raise self._wrong(f"the server sent an entry that was not asked for: {header.tag!a} of the case {header.case!a}", index=at)
        if (gap := self._steps.gap(header)) is not None:
            raise self._wrong(gap, index=at)
        if self.demand is not None:
            self.demand.came(at, header.time)
        entry = self._with_body(header, value)
        self._meet()
        return entry

    def _with_body(self, header: Header, value: Mapping[str, Any]) -> Entry:
        body, salt, index = value.get("body"), value.get("salt"), header.sequence
        if body is not None:
            if not (
                isinstance(body, bytes) and isinstance(salt, bytes) and compare_digest(sha256(salt + body).digest(), header.commitment)
            ):
                raise self._wrong("the body is not the one the header commits to", index=index)
            return Entry(header, body, removed=False)
        if value.get("removed"):
            self._missing.add(index)
            return Entry(header, None, removed=True)
        if self._rights.has_body(header):
            raise self._wrong("the body was withheld", index=index)
        return Entry(header, None, removed=False)

    def _leaves(self, hashes: bytes) -> None:
        count, rest = divmod(len(hashes), HASH_SIZE)
        if rest or not count:
            raise self._wrong("a run of leaf hashes that is none", index=self.at)
        if self._rights is not Rights.OWN and self._wanted == Wanted():
            raise self._wrong(f"only the hashes of {count} entries came: they were withheld", index=self.at)
        self.hidden += count
        for place in range(0, len(hashes), HASH_SIZE):
            if self.demand is not None:
                self.demand.came(self.at, None)
            self._take(hashes[place : place + HASH_SIZE])
            self._meet()

    def _take(self, leaf: bytes) -> None:
        extend(self._frontier, self.at, leaf)
        self._previous, self._at = leaf, self.at + 1

    def _checkpoint(self, note: bytes) -> Belief:
        checkpoint = self._opened(note)
        if checkpoint.size > self.at:
            raise self._wrong(f"entries are missing at the end: {checkpoint.size} are signed, {self.at} came", index=self.at)
        if checkpoint.size < self.at:
            raise self._wrong(f"entries that are not signed: {checkpoint.size} are, {self.at} came", index=checkpoint.size)
        if self.belief is not None and checkpoint.size < self.belief.size:
            self._refuse_shorter(checkpoint.size)
        if not compare_digest(checkpoint.root, self._root()):
            raise self._changed(checkpoint.size)
        self._explain(self._missing_before)
        self._missing_before, self._missing = self._missing, removal.Ranges()
        self.belief = Belief(checkpoint.size, checkpoint.root, note)
        self._largest = max(self._largest, checkpoint.size)
        if self.demand is not None:
            self.demand.signed(checkpoint.size)
        return self.belief

    def _witnessed(self, note: bytes, proof: list[bytes]) -> None:
        head = self._opened(note, self._recorded)
        if head.size > self.at:
            raise self._wrong(f"a witnessed head of {head.size} entries came after {self.at}", index=self.at)
        self._continued(
            head.size, head.root, self.at, self._root(), proof,
            f"the {self.at} entries do not continue the {head.size} that witnesses have cosigned: the log forked",
        )  # fmt: skip
        if self.demand is not None:
            self.demand.witnessed(note)

    def _end(self, size: int) -> None:
        if size != self.at:
            raise self._wrong(f"the server says that {size} entries are all, {self.at} came", index=self.at)
        self._refuse_shorter(size)
        if self.at and (self.belief is None or self.belief.size != self.at):
            raise self._wrong("the last entries are under no signed checkpoint", index=self._last)
        self._explain(self._missing_before)
        self._explain(self._missing)
        if self.demand is not None:
            self.demand.finish(self.at)

    def _explain(self, missing: removal.Ranges) -> None:
        if (gone := missing.first_outside(self._removed)) is not None:
            raise self._wrong("the body is missing and no entry says that it was removed", index=gone)

    def _refuse_shorter(self, size: int) -> None:
        if size < self._largest:
            raise self._wrong(
                f"the log ends after {size} entries; one of {self._largest} was signed and seen here before: rolled back or forked",
                index=size,
            )

    def _meet(self) -> None:
        """A size that was signed before its entries came has been reached."""
        if self._to_meet and (root := self._to_meet.pop(self.at, None)) is not None and not compare_digest(root, self._root()):
            if self.belief is not None and self.belief.size == self.at:
                raise self._wrong(
                    f"the first {self.at} entries are others than those that were signed and seen here before: the log forked",
                    index=self._last,
                )
            raise self._changed(self.at)

    def _changed(self, size: int) -> VerificationError:
        return self._wrong(f"the signed root over {size} entries is another than theirs: some entry was changed", index=self._last)

    def _continued(self, first: int, first_root: bytes, second: int, second_root: bytes, proof: list[bytes], what: str) -> None:
        try:
            verify_consistency(first, second, proof, first_root, second_root)
        except VerificationError as error:
            raise self._wrong(f"{what} ({error.what})", index=first - 1 if first else None) from None

    def _opened(self, note: bytes, keys: Sequence[VerifierKey] | None = None) -> Checkpoint:
        try:
            if keys is None and self._opens is not None:
                return self._opens(note)
            return open_checkpoint(note, self._keys if keys is None else keys)
        except VerificationError as error:
            raise self._wrong(f"the checkpoint: {error.what}", index=self._last) from None

    def _root(self) -> bytes:
        return root_of(self._frontier) if self._frontier else EMPTY_ROOT

    @property
    def _last(self) -> int | None:
        return self._at - 1 if self._at else None

    def _number(self, value: Mapping[str, Any], name: str) -> int:
        found = value.get(name)
        if type(found) is not int or found < 0:
            raise self._malformed(name)
        return found

    def _bytes(self, value: Mapping[str, Any], name: str) -> bytes:
        found = value.get(name)
        if not isinstance(found, bytes):
            raise self._malformed(name)
        return found

    def _hashes(self, value: Mapping[str, Any], name: str) -> list[bytes]:
        found = value.get(name)
        sound = isinstance(found, list) and len(found) <= MOST_HASHES
        if not sound or not all(isinstance(item, bytes) and len(item) == HASH_SIZE for item in found or ()):
            raise self._malformed(name)
        return list(found or ())

    def _malformed(self, name: str) -> VerificationError:
        return self._wrong(f"the server sent something that is no part of a tail: its {name} is none", index=self._last)

    def _wrong(self, what: str, *, index: int | None = None) -> VerificationError:
        return VerificationError(what, log=self._log, index=index)
