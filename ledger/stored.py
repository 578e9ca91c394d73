"""Entries, bodies and nodes as they lie in the tables or in the archive's files: read by place, never believed.

Everything takes a read transaction; nothing here opens one.  What a table does not hold is looked for in the archive, of
which the same transaction says what lies there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TypeAlias, cast

from ledger import archived
from ledger.entry import Record
from ledger.environment import NUMBER, POSITION, Environment, Txn
from ledger.errors import VerificationError
from ledger.seal import unchecked
from ledger.segments import Segment
from ledger.tree import HASH_SIZE, NodeAt, nodes_with_leaf

KEPT_FROM = 8  # the level from which nodes are kept in memory: of a log of ten million entries they are 80,000
MOST_KEPT = 1 << 17  # some 25 MB; then all are forgotten and read again


def split(index: int, value: bytes) -> tuple[bytes, bytes]:
    """The hashes that the leaf at ``index`` completes, and its entry."""
    border = HASH_SIZE * nodes_with_leaf(index)
    return value[:border], value[border:]


def value_at(env: Environment, txn: Txn, log: int, index: int) -> bytes | None:
    """What is stored for the entry at ``index``."""
    value = cast("bytes | None", txn.get(POSITION.pack(log, index), db=env.table("entries")))
    if value is None and (segment := archived.holding(env, txn, log, index)) is not None:
        return env.files.entry(segment, index)
    return value


def body_at(env: Environment, txn: Txn, log: int, index: int) -> bytes | None:
    """The sealed body with its check in front."""
    value = cast("bytes | None", txn.get(POSITION.pack(log, index), db=env.table("bodies")))
    if value is None and (segment := archived.holding(env, txn, log, index)) is not None:
        return env.files.body(segment, index)
    return value


def record_at(env: Environment, txn: Txn, log: int, index: int) -> Record:
    """The entry at ``index``; one that is not there raises VerificationError, since the log is longer."""
    value = value_at(env, txn, log, index)
    if value is None:
        raise VerificationError("the entry is missing", index=index)
    sealed = body_at(env, txn, log, index)
    return Record(index, split(index, value)[1], None if sealed is None else unchecked(sealed))


def values(env: Environment, txn: Txn, log: int, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
    """(index, stored entry) of what is there from ``start`` to before ``stop``, in order."""
    return _both(env, txn, "entries", env.files.entries, log, start, stop)


def bodies(env: Environment, txn: Txn, log: int, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
    """(index, stored body) of what is there from ``start`` to before ``stop``, in order."""
    return _both(env, txn, "bodies", env.files.bodies, log, start, stop)


Many: TypeAlias = Sequence["bytes | None"]


def many_values(env: Environment, txn: Txn, log: int, start: int, stop: int) -> Many:
    """The stored entries from ``start`` to before ``stop``, None where there is none."""
    return _many(env, txn, "entries", values, log, start, stop, _keys(log, start, stop))


def many(env: Environment, txn: Txn, log: int, start: int, stop: int) -> tuple[Many, Many]:
    """The stored entries and the stored bodies from ``start`` to before ``stop``, None where there is none.  Hot in an audit."""
    keys = _keys(log, start, stop)
    return _many(env, txn, "entries", values, log, start, stop, keys), _many(env, txn, "bodies", bodies, log, start, stop, keys)


_Read: TypeAlias = Callable[[Environment, Txn, int, int, int], Iterator[tuple[int, bytes]]]


def _keys(log: int, start: int, stop: int) -> tuple[bytes, ...]:
    prefix = log.to_bytes(4, "big")
    return tuple([prefix + index.to_bytes(8, "big") for index in range(start, stop)])


def _many(env: Environment, txn: Txn, table: str, read: _Read, log: int, start: int, stop: int, keys: tuple[bytes, ...]) -> Many:
    """In one go where the table holds them all; else one by one, and from the archive."""
    cursor = txn.cursor(env.table(table))
    if keys and cursor.set_key(keys[0]):
        there, found = zip(*islice(cursor, len(keys)), strict=True)
        if there == keys:
            return cast("tuple[bytes, ...]", found)
    held = dict(read(env, txn, log, start, stop))
    return [held.get(index) for index in range(start, stop)]


_InFiles: TypeAlias = Callable[[Segment, int, int], Iterator[tuple[int, bytes]]]


def _both(env: Environment, txn: Txn, table: str, in_files: _InFiles, log: int, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
    """From the archive what it holds, then from the table.

    Not from the table first: until they are swept, rows of a segment may lie there with a gap, where forgetting has written
    another segment again and taken its rows out.
    """
    at = start
    while at < stop and (segment := archived.holding(env, txn, log, at)) is not None:
        until = min(stop, segment.stop)
        yield from in_files(segment, at, until)
        at = until
    cursor, end = txn.cursor(env.table(table)), POSITION.pack(log, stop)
    if at < stop and cursor.set_range(POSITION.pack(log, at)):
        for key, value in cursor:
            if key >= end:
                return
            yield POSITION.unpack(key)[1], value


def nodes(env: Environment, txn: Txn, log: int) -> NodeAt:
    """The stored nodes of a log, by (level, index)."""

    def node_at(level: int, index: int) -> bytes:
        leaf = (index + 1 << level) - 1
        value = value_at(env, txn, log, leaf)
        found = b"" if value is None else value[HASH_SIZE * level : HASH_SIZE * (level + 1)]
        if len(found) != HASH_SIZE:
            raise VerificationError(f"the node at level {level} is missing", index=leaf)
        return found

    return node_at


def nodes_kept(env: Environment, txn: Txn, log: int) -> NodeAt:
    """``nodes`` for proofs: the upper ones, which every proof needs again, are read once.  A complete node never changes.

    Who checks what is stored asks ``nodes``.
    """
    read, kept = nodes(env, txn, log), env.nodes

    def node_at(level: int, index: int) -> bytes:
        if level < KEPT_FROM:
            return read(level, index)
        found = kept.get((log, level, index))
        if found is None:
            found = read(level, index)
            if len(kept) >= MOST_KEPT:
                kept.clear()
            kept[log, level, index] = found
        return found

    return node_at


def nodes_around(env: Environment, txn: Txn, log: int, start: int, stop: int) -> NodeAt:
    """``nodes``, for who asks mostly for those that lie with the leaves from ``start`` to before ``stop``: these are read at once."""
    near, elsewhere = many_values(env, txn, log, start, stop), nodes_kept(env, txn, log)

    def node_at(level: int, index: int) -> bytes:
        leaf = (index + 1 << level) - 1
        value = near[leaf - start] if start <= leaf < stop else None
        if value is None or len(value) < HASH_SIZE * (level + 1):
            return elsewhere(level, index)
        return value[HASH_SIZE * level : HASH_SIZE * (level + 1)]

    return node_at


def case_sequence(env: Environment, txn: Txn, prefix: bytes) -> list[int]:
    """The sequence numbers under a case's prefix, by step."""
    cursor, found = txn.cursor(env.table("cases")), []
    if cursor.set_range(prefix):
        for key in cursor.iternext(keys=True, values=False):
            if not key.startswith(prefix):
                break
            found.append(NUMBER.unpack(key[-8:])[0])
    return found
