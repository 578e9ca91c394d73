"""Bodies are forgotten for good while every proof stays true: what is left on any disk opens with no key that is left.

    remove ─▶ owed ─▶ seal again, bit by bit ─▶ drop the snapshots under the old keys ─▶ destroy the old keys ─▶ done

``remove`` is one transaction: the bodies go, an entry says which and why, and a row owes the destruction of every key that
the month has.  LMDB keeps deleted bytes in freed pages for long, so only that destruction forgets.  What stays of the
month is sealed again under a fresh key before.  The row is the only progress there is: a crash between any two steps leaves
a ledger that opens and verifies, of which every body that stays can be read, and the next step goes on.

    meta: "forget" ‖ 0x00 ‖ log id (4) ‖ month  →  [removed below, old key ids, looked through to, to look through to]
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Container, Iterator, Sequence
from enum import Enum

import attrs
import msgpack

from ledger import archived, archiving, snapshots, stored
from ledger.environment import POSITION, Environment, Txn
from ledger.errors import BadDraft, VerificationError
from ledger.header import Header, parse
from ledger.keys import DataKey, ForgettingKeys, Keys
from ledger.logs import Log
from ledger.seal import NONCE_SIZE, checked, key_id, open_sealed, seal, unchecked
from ledger.segments import Segment
from ledger.tail import month_of

MOST_RANGES = 200  # of one removal: they stand in its header, which is below one disk page
MOST_REMOVED = 1 << 16  # bodies of one removal: a tenth of a second, in which nobody else writes
LOOKED_AT_ONCE = 8192  # bodies whose key is looked at in one step, some milliseconds
SEALED_AT_ONCE = 512  # bodies sealed again in one transaction, likewise
_PREFIX = b"forget\0"

Ranges = Sequence[tuple[int, int]]
Durably = Callable[[Callable[[Txn], None]], None]


class Step(Enum):
    """What one step came to."""

    MORE = "more"
    NEEDS_SNAPSHOT = "needs snapshot"  # the only ones above what was removed are sealed under a key that is to be destroyed
    DONE = "done"


@attrs.frozen
class Owed:
    """A month whose old keys are still to be destroyed."""

    month: str
    stop: int  # every body removed from it lies below
    old: tuple[bytes, ...] = ()  # the keys to destroy; none before the first step
    at: int = 0
    end: int = 0

    @property
    def row(self) -> bytes:
        packed: bytes = msgpack.packb([self.stop, list(self.old), self.at, self.end])
        return packed


@attrs.frozen
class Month:
    """The entries of one month, by their places."""

    month: str
    start: int
    stop: int


def owed(env: Environment, txn: Txn, log: int) -> list[Owed]:
    """What is still to be done for a log, by month."""
    found, prefix = [], _PREFIX + log.to_bytes(4, "big")
    cursor = txn.cursor(env.table("meta"))
    if cursor.set_range(prefix):
        for key, row in cursor:
            if not key.startswith(prefix):
                break
            try:
                stop, old, at, end = msgpack.unpackb(row)
                found.append(Owed(key[len(prefix) :].decode(), stop, tuple(old), at, end))
            except (ValueError, TypeError, msgpack.UnpackException):
                raise VerificationError(f"the row that owes the forgetting of {key!r} is damaged") from None
    return found


def _row_key(log: int, month: str) -> bytes:
    return _PREFIX + log.to_bytes(4, "big") + month.encode()


def able(keys: Keys) -> ForgettingKeys:
    """Keys that can be destroyed, or BadDraft."""
    if not isinstance(keys, ForgettingKeys):
        raise BadDraft("the ledger's keys cannot be destroyed, so nothing can be forgotten")
    return keys


# Removing


@attrs.frozen
class Removal:
    """What a removal writes beside its entry.  Made before the transaction: files of the archive are written again first."""

    env: Environment
    log: int
    ranges: tuple[tuple[int, int], ...]
    month: str
    segments: tuple[Segment, ...]
    also: tuple[str, ...]  # months whose keys go too: snapshots of theirs hold what is removed

    @classmethod
    def prepare(cls, env: Environment, keys: ForgettingKeys, log: Log, ranges: Ranges, month: str, also: tuple[str, ...] = ()) -> Removal:
        """Raises BadDraft unless every body named is that month's, so that destroying its keys forgets it."""
        ordered = tuple((start, stop) for start, stop in ranges)
        if not 0 < len(ordered) <= MOST_RANGES or sum(stop - start for start, stop in ordered) > MOST_REMOVED:
            raise BadDraft(f"a removal names 1 to {MOST_RANGES} ranges of at most {MOST_REMOVED} entries")
        before = 0
        for start, stop in ordered:
            if not before <= start < stop <= log.tail.size:
                raise BadDraft("the ranges of a removal rise, do not touch the same entry twice, and name entries that are there")
            before = stop
        known, number = frozenset(keys.data_key_ids(log.name, month)), log.tail.id
        with env.reading() as txn:
            for start, stop in ordered:
                for index, body in stored.bodies(env, txn, number, start, stop):
                    if key_id(unchecked(body)) not in known:
                        raise BadDraft(f"the body of entry {index} is not sealed with a key of {month}")
            touched = [s for s in archived.of_log(env, txn, number) if s.turn is not None and _touched(s, ordered)]
        starts = [start for start, _ in ordered]

        def without(index: int, body: bytes) -> bytes | None:
            place = bisect_right(starts, index) - 1
            return None if place >= 0 and index < ordered[place][1] else body

        written = tuple(archiving.rewrite_bodies(env, segment, without) for segment in touched)
        return cls(env, number, ordered, month, written, tuple(name for name in also if keys.data_key_ids(log.name, name)))

    def write(self, txn: Txn) -> None:
        """In the transaction of its entry."""
        for start, stop in self.ranges:
            _delete_bodies(self.env, txn, self.log, start, stop)
        for segment in self.segments:
            archiving.put(self.env, txn, segment)
        meta = self.env.table("meta")
        for month in (self.month, *self.also):
            key = _row_key(self.log, month)
            earlier = txn.get(key, db=meta)
            stop = self.ranges[-1][1] if earlier is None else max(self.ranges[-1][1], msgpack.unpackb(earlier)[0])
            # From the beginning, also where a step was under way: these bodies may lie under the key that was fresh then.
            txn.put(key, Owed(month, stop).row, db=meta)


def _touched(segment: Segment, ranges: Ranges) -> bool:
    return any(start < segment.stop and segment.start < stop for start, stop in ranges)


def _delete_bodies(env: Environment, txn: Txn, log: int, start: int, stop: int) -> None:
    cursor, end = txn.cursor(env.table("bodies")), POSITION.pack(log, stop)
    found = cursor.set_range(POSITION.pack(log, start))
    while found and cursor.key() < end:
        cursor.delete()
        found = bool(cursor.key())


# Destroying


def step(env: Environment, keys: ForgettingKeys, log: Log, owes: Owed, durably: Durably, trusted: Container[int] | None = None) -> Step:
    """One bounded piece of what a month owes.  With the writer's lock held.  ``trusted``: the sizes of snapshots that may be relied
    on; None: of all."""
    if not owes.old:
        _begin(keys, log, owes, env, durably)
        return Step.MORE
    if owes.at < owes.end:
        _seal_some(env, keys, log, owes, durably)
        return Step.MORE
    return _finish(env, keys, log, owes, durably, trusted)


def _begin(keys: ForgettingKeys, log: Log, owes: Owed, env: Environment, durably: Durably) -> None:
    """Which keys go.  What is written from now on has another: in a month that is over nothing is."""
    old = keys.data_key_ids(log.name, owes.month)
    if owes.month == month_of(log.tail.time):
        keys.renew(log.name, owes.month)
        log.sealing.forget()
    _note(env, log, attrs.evolve(owes, old=old, at=0, end=log.tail.size), durably)


def _seal_some(env: Environment, keys: ForgettingKeys, log: Log, owes: Owed, durably: Durably) -> None:
    number, stop = log.tail.id, min(owes.end, owes.at + LOOKED_AT_ONCE)
    again: list[tuple[int, bytes]] = []
    with env.reading() as txn:
        segment = archived.holding(env, txn, number, owes.at)
        if segment is not None:
            stop = segment.stop
        for index, body in stored.bodies(env, txn, number, owes.at, stop):
            if key_id(unchecked(body)) in owes.old:
                if segment is None and len(again) == SEALED_AT_ONCE:
                    stop = index
                    break
                again.append((index, body))
                if segment is not None:
                    break  # one is enough to know: its file is written again as a whole
        if segment is not None and not again:
            again = [item for item in env.files.bodies(segment, segment.start, segment.stop) if key_id(unchecked(item[1])) in owes.old][:1]
    further = attrs.evolve(owes, at=stop)
    if not again:
        _note(env, log, further, durably)
        return
    fresh = _fresh_key(keys, log, owes)
    sealing = _Again(keys, log.name, frozenset(owes.old), fresh)
    if segment is not None:
        after = archiving.rewrite_bodies(env, segment, sealing.of)

        def exchange(txn: Txn) -> None:
            archiving.put(env, txn, after)
            _delete_bodies(env, txn, number, segment.start, segment.stop)  # what was not swept yet, under the old key
            txn.put(_row_key(number, owes.month), further.row, db=env.table("meta"))

        durably(exchange)
        return
    sealed = [(POSITION.pack(number, index), sealing.of(index, body)) for index, body in again]

    def write(txn: Txn) -> None:
        for item in sealed:
            txn.put(*item, db=env.table("bodies"))
        txn.put(_row_key(number, owes.month), further.row, db=env.table("meta"))

    durably(write)


def _fresh_key(keys: ForgettingKeys, log: Log, owes: Owed) -> DataKey:
    """The month's key that is not to be destroyed, made when something first needs it."""
    key = keys.data_key(log.name, owes.month)
    if key.id in owes.old:
        key = keys.renew(log.name, owes.month)
        log.sealing.forget()
    return key


@attrs.frozen
class _Again:
    """Seals under the fresh key what lies under an old one."""

    keys: Keys
    log: str
    old: frozenset[bytes]
    fresh: DataKey

    def of(self, index: int, body: bytes) -> bytes:
        sealed = unchecked(body)
        if key_id(sealed) not in self.old:
            return body
        key = self.keys.data_key_by_id(self.log, key_id(sealed))
        if key is None:
            raise VerificationError("the data key that sealed the body is not there", log=self.log, index=index)
        try:
            return checked(seal(self.fresh, os.urandom(NONCE_SIZE), open_sealed(key, sealed)))
        except VerificationError as error:
            raise error.at(self.log, index) from None


def _finish(env: Environment, keys: ForgettingKeys, log: Log, owes: Owed, durably: Durably, trusted: Container[int] | None) -> Step:
    """Destroys the old keys, once nothing that is still needed lies under them."""
    number, old = log.tail.id, frozenset(owes.old)
    with env.reading() as txn:
        if log.tail.size - owes.end > LOOKED_AT_ONCE or any(
            key_id(unchecked(body)) in old for _, body in stored.bodies(env, txn, number, owes.end, log.tail.size)
        ):
            further = attrs.evolve(owes, at=owes.end, end=log.tail.size)
        else:
            further = None
        kept = snapshots.stored(env, txn, number)
        segments = archived.of_log(env, txn, number)
    if further is not None:
        _note(env, log, further, durably)
        return Step.MORE
    going = [snapshot for snapshot in kept if key_id(snapshot.sealed) in old]
    if going:
        left = [one for one in kept if key_id(one.sealed) not in old and (trusted is None or one.size in trusted)]
        if not any(snapshot.size >= owes.stop for snapshot in left):
            return Step.NEEDS_SNAPSHOT
        durably(lambda txn: snapshots.drop(env, txn, number, [snapshot.size for snapshot in going]))
    _remove_old_files(env, number, segments)
    keys.destroy(log.name, owes.old)
    durably(lambda txn: txn.delete(_row_key(number, owes.month), db=env.table("meta")))
    return Step.DONE


def _note(env: Environment, log: Log, owes: Owed, durably: Durably) -> None:
    durably(lambda txn: txn.put(_row_key(log.tail.id, owes.month), owes.row, db=env.table("meta")))


def _remove_old_files(env: Environment, log: int, segments: Sequence[Segment]) -> None:
    """Bodies' files of the archive that were written again: nobody reads the earlier ones any more."""
    for segment in segments:
        path = env.files.path(segment.entries)
        begins = path.name.removesuffix(".entries")
        for old in path.parent.glob(f"{begins}.*.bodies"):
            if segment.bodies is None or old != env.files.path(segment.bodies):
                env.files.remove(str(old.relative_to(env.files.place)))


# Looking


def months(env: Environment, txn: Txn, log: Log) -> list[Month]:
    """The months that have entries, oldest first.  Times never fall; a log of ten million is looked at some hundred times."""
    found, start, size = list[Month](), 0, log.tail.size
    while start < size:
        month = month_of(_time(env, txn, log.tail.id, start))
        low, high = start + 1, size
        while low < high:
            middle = (low + high) // 2
            if month_of(_time(env, txn, log.tail.id, middle)) <= month:
                low = middle + 1
            else:
                high = middle
        found.append(Month(month, start, low))
        start = low
    return found


def held(env: Environment, txn: Txn, log: Log, start: int, stop: int) -> Iterator[tuple[Header, int]]:
    """The entries whose bodies are there, with the bytes these take."""
    sizes = {index: len(body) for index, body in stored.bodies(env, txn, log.tail.id, start, min(stop, log.tail.size))}
    for index, value in stored.values(env, txn, log.tail.id, start, min(stop, log.tail.size)):
        if index in sizes:
            yield parse(stored.split(index, value)[1]), sizes[index]


def weight(env: Environment, txn: Txn, log: Log, start: int, stop: int) -> tuple[int, int]:
    """How many bodies are there, and their bytes."""
    count = total = 0
    for _, body in stored.bodies(env, txn, log.tail.id, start, min(stop, log.tail.size)):
        count, total = count + 1, total + len(body)
    return count, total


def _time(env: Environment, txn: Txn, log: int, index: int) -> int:
    value = stored.value_at(env, txn, log, index)
    if value is None:
        raise VerificationError("the entry is missing", index=index)
    return parse(stored.split(index, value)[1]).time
