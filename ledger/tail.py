"""Where a log ends, and how drafts become its next entries.

``extend`` is pure but for fresh randomness: it works out everything that a batch writes, so that a full map, a
discarded commit or a refused draft changes nothing that is remembered.  It is the hot path: no call an entry that is
not needed, no object an entry but the bytes themselves.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256

import attrs
import msgpack
from nacl.bindings import crypto_secretbox_easy

from ledger import header
from ledger.entry import Draft
from ledger.environment import NUMBER, POSITION, Item
from ledger.errors import BadDraft, VerificationError
from ledger.keys import DataKey, Keys
from ledger.seal import NONCE_SIZE, RANDOM_SIZE, checked
from ledger.tree import HASH_SIZE, root_of
from ledger.tree import extend as extend_tree

LONGEST_CASE = 200  # bytes; with its numbers a case stays below LMDB's longest key, 511
LONGEST_KEY = 480  # bytes; likewise
_DAY = 86_400_000_000  # µs


@attrs.frozen
class Tail:
    """The end of a log: what appending needs, and what opening compares."""

    id: int
    size: int = 0
    frontier: tuple[bytes, ...] = ()
    last: bytes = header.FIRST  # leaf hash of the last entry
    time: int = 0  # µs, of the last entry
    committed: int = 0  # the size that the node's log committed to last

    @property
    def root(self) -> bytes:
        """The root of the whole tree."""
        return root_of(self.frontier)

    def row(self, checkpoint: bytes) -> bytes:
        """As the table ``logs`` holds it, with the checkpoint that signs it."""
        packed: bytes = msgpack.packb([self.id, self.size, self.frontier, self.last, self.time, self.committed, checkpoint])
        return packed


def parse_row(row: bytes) -> tuple[Tail, bytes]:
    """The tail and the checkpoint of a row, or VerificationError."""
    try:
        number, size, frontier, last, time, committed, checkpoint = msgpack.unpackb(row)
        tail = Tail(number, size, tuple(frontier), last, time, committed)
        numbers = all(type(value) is int and value >= 0 for value in (number, size, time, committed))
        hashes = all(type(value) is bytes and len(value) == HASH_SIZE for value in (last, *frontier))
        if not numbers or not hashes or len(frontier) != size.bit_count() or tail.row(checkpoint) != row or type(checkpoint) is not bytes:
            raise ValueError
    except (ValueError, TypeError, msgpack.UnpackException):
        raise VerificationError("the row that says where the log ends is damaged") from None
    return tail, checkpoint


@attrs.frozen
class Writes:
    """What one transaction puts, by table."""

    entries: list[Item] = attrs.Factory(list)
    bodies: list[Item] = attrs.Factory(list)
    cases: list[Item] = attrs.Factory(list)
    index: list[Item] = attrs.Factory(list)

    def add(self, other: Writes) -> None:
        """Take over what another batch writes."""
        self.entries.extend(other.entries)
        self.bodies.extend(other.bodies)
        self.cases.extend(other.cases)
        self.index.extend(other.index)


class Sealing:
    """The data key for a time, asked for once a month and log."""

    def __init__(self, keys: Keys, log: str) -> None:
        self._keys, self._log = keys, log
        self._day, self._month, self._key = -1, "", None

    _key: DataKey | None

    def key(self, time: int) -> DataKey:
        """The key of the month of ``time``."""
        if self._key is None or time // _DAY != self._day:
            month = month_of(time)
            if self._key is None or month != self._month:
                self._key = self._keys.data_key(self._log, month)
            self._day, self._month = time // _DAY, month
        return self._key

    def forget(self) -> None:
        """Ask again next time."""
        self._key = None


def month_of(time: int) -> str:
    """The month (UTC) whose key seals a body of that time; raises BadDraft beyond the year 9999."""
    try:
        return datetime.fromtimestamp(time // 1_000_000, UTC).strftime("%Y-%m")
    except (ValueError, OverflowError, OSError, TypeError):
        raise BadDraft("a time that no calendar has") from None


@attrs.define
class BadDraftAt(Exception):
    """A draft that cannot be an entry, by its place in the batch."""

    index: int
    why: str


def extend(tail: Tail, log: str, drafts: Sequence[Draft], sealing: Sealing, writes: Writes) -> Tail:
    """The tail after ``drafts``; what that puts is added to ``writes``.  Raises BadDraftAt."""
    number, size, frontier, previous = tail.id, tail.size, list(tail.frontier), tail.last
    entries, bodies, cases, index = writes.entries, writes.bodies, writes.cases, writes.index
    random = os.urandom(RANDOM_SIZE * len(drafts))  # one system call a batch
    pack, position, count, prefix, place = header.pack, POSITION.pack, NUMBER.pack, number.to_bytes(4, "big"), 0
    time = tail.time
    for draft in drafts:
        try:
            time = draft.time
            nonce, salt = random[place : place + NONCE_SIZE], random[place + NONCE_SIZE : place + RANDOM_SIZE]
            place += RANDOM_SIZE
            content = salt + draft.body
            packed = pack(draft, log, size, previous, sha256(content).digest())
            key = sealing.key(time)
            sealed = checked(key.id + nonce + crypto_secretbox_easy(content, nonce, key.secret))
            previous = sha256(b"\x00" + packed).digest()
            where = position(number, size)
            entries.append((where, b"".join(extend_tree(frontier, size, previous)) + packed))
            bodies.append((where, sealed))
            if draft.case:
                cases.append((case_prefix(prefix, draft.case) + count(draft.step) + count(size), b""))
            for name in draft.keys:
                index.append((index_key(prefix, name), count(size)))
        except (BadDraft, TypeError) as error:
            raise BadDraftAt(size - tail.size, str(error)) from None
        size += 1
    return Tail(number, size, tuple(frontier), previous, time, tail.committed)


def case_prefix(prefix: bytes, case: str) -> bytes:
    """What the keys of a case's entries begin with."""
    name = case.encode()
    if len(name) > LONGEST_CASE:
        raise BadDraft(f"a case's name of {len(name)} bytes; the most is {LONGEST_CASE}")
    return prefix + bytes([len(name)]) + name


def index_key(prefix: bytes, key: bytes) -> bytes:
    """A caller's index key in its log."""
    if not 0 < len(key) <= LONGEST_KEY:
        raise BadDraft(f"an index key of {len(key)} bytes; 1 to {LONGEST_KEY} are possible")
    return prefix + key
