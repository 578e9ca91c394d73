"""Closed months leave LMDB: written to files first, then named by one row, then dropped from the tables bit by bit.

    next_segment ─▶ write (files durable, nobody reads them) ─▶ check, put (one row, one transaction) ─▶ sweep, sweep, …

A crash before ``put`` leaves files that nothing names, which the next writing replaces; one after it leaves rows in the
tables beside the same in the files, which are read as ever until the next sweep drops them.  What the archive holds of a log
is its beginning, without a gap.  The case index and the callers' index stay in LMDB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import zip_longest

import attrs

from ledger import archived, column, stored
from ledger.environment import POSITION, Environment, Txn
from ledger.errors import BadDraft, VerificationError
from ledger.header import parse
from ledger.seal import CHECK_SIZE
from ledger.segments import Segment
from ledger.tail import Tail, month_of

MOST_ENTRIES = 1 << 17  # of a segment: written in a second or two
SWEPT_AT_ONCE = 4096  # rows dropped in one transaction, some milliseconds
_TABLES = ("entries", "bodies")


def next_segment(env: Environment, txn: Txn, tail: Tail, before: int) -> Segment | None:
    """The next entries to leave, all of one month that is over by ``before`` (µs) and is not the log's newest; None if there are none."""
    start = archived.archived(env, txn, tail.id)
    if start >= tail.size:
        return None
    month = month_of(_time(env, txn, tail.id, start))
    if month >= month_of(tail.time) or month >= month_of(before):
        return None
    end, low, high = _end_of(month), start + 1, min(tail.size, start + MOST_ENTRIES)
    while low < high:  # the first entry of a later month; times never fall
        middle = (low + high) // 2
        if _time(env, txn, tail.id, middle) < end:
            low = middle + 1
        else:
            high = middle
    return Segment(tail.id, start, low, 0)


def write(env: Environment, segment: Segment, progress: Callable[[int], None]) -> None:
    """Write both files, durable on return.  Takes its own read transactions, so that it holds up nothing."""
    place = env.files.path(segment.entries).parent
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    column.sync_directory(place.parent)
    column.sync_directory(place.parent.parent)
    _write(env, segment, segment.entries, _whole(_in_chunks(env, segment, stored.values), segment, progress))
    assert segment.bodies is not None
    _write(env, segment, segment.bodies, _with_gaps(_in_chunks(env, segment, stored.bodies), segment))


def look_through(env: Environment, segment: Segment) -> None:
    """What ``check`` does, of the bodies, in many short read transactions: for who knows that none changes until it is named."""
    for start in range(segment.start, segment.stop, SWEPT_AT_ONCE):
        with env.reading() as txn:
            _compare(env, txn, segment, start, min(start + SWEPT_AT_ONCE, segment.stop))


def check(env: Environment, txn: Txn, segment: Segment, *, bodies: bool) -> None:
    """Whether it may be named; ``bodies``: and its files still hold what the tables do.  Raises BadDraft when it must be prepared again."""
    if segment.start != archived.archived(env, txn, segment.log):
        raise BadDraft("the archive has grown in the meantime")
    if bodies:
        _compare(env, txn, segment, segment.start, segment.stop)


def _compare(env: Environment, txn: Txn, segment: Segment, start: int, stop: int) -> None:
    there = ((index, body[:CHECK_SIZE]) for index, body in stored.bodies(env, txn, segment.log, start, stop))
    files = ((index, body[:CHECK_SIZE]) for index, body in env.files.bodies(segment, start, stop))
    if any(one != other for one, other in zip_longest(there, files)):
        raise BadDraft("a body was removed or sealed again in the meantime")


def put(env: Environment, txn: Txn, segment: Segment) -> None:
    """Name the files of a segment: a new one, or one whose bodies were written again."""
    txn.put(segment.key, segment.row, db=env.table("segments"))


def sweep(env: Environment, txn: Txn, log: int) -> bool:
    """Drop some of what the tables still hold although the archive does; whether there is more."""
    end, left = POSITION.pack(log, archived.archived(env, txn, log)), SWEPT_AT_ONCE
    for table in _TABLES:
        cursor = txn.cursor(env.table(table))
        found = cursor.set_range(POSITION.pack(log, 0))
        while found and cursor.key() < end:
            if not left:
                return True
            cursor.delete()
            left -= 1
            found = bool(cursor.key())
    return False


def rewrite_bodies(env: Environment, segment: Segment, change: Callable[[int, bytes], bytes | None]) -> Segment:
    """Write the bodies again, each as ``change(index, stored)`` says, None for one that goes; the segment to put in place of this one.

    The caller names it with ``put`` in its transaction, and then lets ``Files.remove`` take the old file away.
    """
    assert segment.turn is not None

    def changed() -> Iterator[tuple[int, bytes]]:
        for index, body in env.files.bodies(segment, segment.start, segment.stop):
            if (kept := change(index, body)) is not None:
                yield index, kept

    after = attrs.evolve(segment, turn=segment.turn + 1)
    assert after.bodies is not None
    _write(env, after, after.bodies, _with_gaps(changed(), after))
    if next(env.files.bodies(after, after.start, after.stop), None) is None:
        env.files.remove(after.bodies)
        return attrs.evolve(segment, turn=None)
    return after


def _write(env: Environment, segment: Segment, name: str, values: Iterator[bytes]) -> None:
    count = column.write(env.files.path(name), segment.log, segment.start, values)
    env.files.let_go(name)  # an earlier writing may have been read, and then overtaken, or its commit may have failed
    if count != segment.stop - segment.start:
        raise VerificationError("an entry is missing", index=segment.start)


def _in_chunks(
    env: Environment, segment: Segment, read: Callable[[Environment, Txn, int, int, int], Iterator[tuple[int, bytes]]]
) -> Iterator[tuple[int, bytes]]:
    """In many short read transactions: a long one would keep LMDB from using freed pages again."""
    for start in range(segment.start, segment.stop, SWEPT_AT_ONCE):
        with env.reading() as txn:
            yield from list(read(env, txn, segment.log, start, min(start + SWEPT_AT_ONCE, segment.stop)))


def _whole(items: Iterator[tuple[int, bytes]], segment: Segment, progress: Callable[[int], None]) -> Iterator[bytes]:
    at = segment.start
    for index, value in items:
        if index != at:
            raise VerificationError("the entry is missing", index=at)
        at += 1
        if not at % SWEPT_AT_ONCE:
            progress(at)
        yield value


def _with_gaps(items: Iterator[tuple[int, bytes]], segment: Segment) -> Iterator[bytes]:
    at = segment.start
    for index, value in items:
        while at < index:
            at += 1
            yield b""
        at += 1
        yield value
    while at < segment.stop:
        at += 1
        yield b""


def _time(env: Environment, txn: Txn, log: int, index: int) -> int:
    value = stored.value_at(env, txn, log, index)
    if value is None:
        raise VerificationError("the entry is missing", index=index)
    return parse(stored.split(index, value)[1]).time


def _end_of(month: str) -> int:
    """When the next month begins, µs."""
    year, number = int(month[:4]), int(month[5:])
    return int(datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
