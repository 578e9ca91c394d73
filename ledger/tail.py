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
from struct import Struct

import attrs
import msgpack

from ledger import header
from ledger.entry import Draft
from ledger.environment import POSITION, Item
from ledger.errors import BadDraft, VerificationError
from ledger.header_writer import HeaderWriter
from ledger.keys import DataKey, Keys
from ledger.seal import NONCE_SIZE, RANDOM_SIZE, SALT_SIZE
from ledger.sealer import Sealer
from ledger.tree import HASH_SIZE, root_of

LONGEST_CASE = 200  # bytes; with its numbers a case stays below LMDB's longest key, 511
LONGEST_KEY = 480  # bytes; likewise
IN_CASE = Struct(">QQ")  # step, sequence: how a row of the index of cases ends
_RANDOM = Struct(f"{NONCE_SIZE}s{SALT_SIZE}s")  # what of the fresh bytes is for one body
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

    def sizes(self) -> tuple[int, int, int, int]:
        """What ``cut`` takes to forget everything added later."""
        return len(self.entries), len(self.bodies), len(self.cases), len(self.index)

    def cut(self, sizes: tuple[int, int, int, int]) -> None:
        """Forget what was added since: a batch that was refused leaves no trace."""
        for items, size in zip((self.entries, self.bodies, self.cases, self.index), sizes, strict=True):
            del items[size:]


class Sealing:
    """What a log's appends keep from batch to batch: the data key of the day, and the writers of headers and bodies."""

    def __init__(self, keys: Keys, log: str) -> None:
        self._keys, self._log = keys, log
        self._day, self._month, self._key = -1, "", None
        self.headers, self.sealer = HeaderWriter(log), Sealer()

    _key: DataKey | None

    def key(self, time: int) -> tuple[DataKey, int, int]:
        """The key of the month of ``time``, and the first and the last µs of that day: it need not be asked for again before."""
        day = time // _DAY
        if self._key is None or day != self._day:
            month = month_of(time)
            if self._key is None or month != self._month:
                self._key = self._keys.data_key(self._log, month)
            self._day, self._month = day, month
        return self._key, day * _DAY, day * _DAY + _DAY - 1

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
    """The tail after ``drafts``; what that puts is added to ``writes``, nothing when it raises BadDraftAt."""
    number, size, frontier, previous, time = tail.id, tail.size, list(tail.frontier), tail.last, tail.time
    entries, bodies, cases, index = writes.entries, writes.bodies, writes.cases, writes.index
    before = writes.sizes()
    random = _RANDOM.iter_unpack(os.urandom(RANDOM_SIZE * len(drafts)))  # one system call a batch
    headers, write, stored = sealing.headers, sealing.headers.write, sealing.sealer.stored
    position, in_case, prefix = POSITION.pack, IN_CASE.pack, number.to_bytes(4, "big")
    key: DataKey | None = None
    first, last = 0, -1  # µs between which it seals
    tagged = acted = named = object()  # tag, actor and case of the entry before; what follows from them is not worked out again
    front = middle = rows = b""
    try:
        for (tag, time, actor, body, case, step, follows, public, keys), (nonce, salt) in zip(drafts, random, strict=True):
            if tag != tagged:
                tagged, front = tag, headers.front(tag)
            if case != named or actor != acted:
                acted, named, middle = actor, case, headers.middle(actor, case)
                rows = case_prefix(prefix, case) if case else b""
            content = salt + body
            packed = write(front, size, time, middle, step, previous, follows, sha256(content).digest(), public)
            if key is None or not first <= time <= last:
                key, first, last = sealing.key(time)
            previous = done = node = sha256(b"\x00" + packed).digest()
            at = size
            while at & 1:  # ``tree.extend``, without a call an entry
                node = sha256(b"\x01" + frontier.pop() + node).digest()
                done += node
                at >>= 1
            frontier.append(node)
            where = position(number, size)
            entries.append((where, done + packed))
            bodies.append((where, stored(key, nonce, content)))
            if rows:
                cases.append((rows + in_case(step, size), b""))
            if keys:
                index.extend((index_key(prefix, name), where[4:]) for name in keys)
            size += 1
    except (BadDraft, TypeError) as error:
        writes.cut(before)
        raise BadDraftAt(size - tail.size, str(error)) from None
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
