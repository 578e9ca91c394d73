"""The indexes beside the entries hold what follows from them: no row too few, none too many.

An index of cases that lacks a row hides an entry from whoever asks for the case; one with a row too many invents one.
Rows are not looked up one by one, which is a walk down a tree an entry: both sides are added up, as the sum of
hash(salt ‖ row), in any order.  The salt is fresh and random, so that nobody can have prepared rows that add up to the
same, and Python's hash of bytes is SipHash, made for that.  Only when the sums differ are rows looked up, to name one.

The callers' index says whatever callers said, which nobody can derive from headers; of it the shape is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from ledger import stored
from ledger.environment import NUMBER, Environment, Txn
from ledger.errors import VerificationError
from ledger.header import parse
from ledger.tail import LONGEST_CASE, LONGEST_KEY, case_prefix

CHUNK = 4096  # rows a read transaction: an old one would keep the writer from using freed pages again
_NUMBERS = 16  # step and sequence, at the end of a row's key


def sum_of_cases(env: Environment, log: str, number: int, size: int, salt: bytes) -> int:
    """The sum of hash(salt ‖ row) over the rows for entries below ``size``: later ones were written meanwhile."""
    total, end = 0, NUMBER.pack(size)
    for rows in _in_chunks(env, "cases", number):
        for key, value in rows:
            if key[-8:] < end:
                if value:
                    raise VerificationError("a row of the index of cases holds something", log=log, index=NUMBER.unpack(key[-8:])[0])
                total += hash(salt + key)
    return total


def difference_in_cases(env: Environment, log: str, number: int, size: int) -> VerificationError:
    """What is wrong with the index of cases, whose sum is another than that of the entries (which are right)."""
    prefix = number.to_bytes(4, "big")
    for start in range(0, size, CHUNK):
        with env.reading() as txn:
            cases = env.table("cases")
            for index, value in stored.values(env, txn, number, start, min(start + CHUNK, size)):
                header = parse(stored.split(index, value)[1])
                row = case_prefix(prefix, header.case) + NUMBER.pack(header.step) + NUMBER.pack(index)
                if header.case and txn.get(row, db=cases) is None:
                    return VerificationError("the entry is missing from the index of its case", log=log, index=index)
    for rows in _in_chunks(env, "cases", number):
        for key, _ in rows:
            index = NUMBER.unpack(key[-8:])[0]
            if index < size and not _is_of(env, number, key, index):
                return VerificationError("the index of cases gives an entry to a case that is not its own", log=log, index=index)
    return VerificationError("the index of cases changed while it was read", log=log)


def check_callers_index(env: Environment, log: str, number: int, size: int, size_now: Callable[[], int]) -> None:
    """Every row of the callers' index of a log has a key and names an entry that is there, if only since a moment ago."""
    for rows in _in_chunks(env, "index", number):
        for key, value in rows:
            if not 4 < len(key) <= 4 + LONGEST_KEY or len(value) != NUMBER.size:
                raise VerificationError(f"a row of the callers' index is damaged: {key[4:]!r}", log=log)
            if (index := NUMBER.unpack(value)[0]) >= size and index >= (size := size_now()):
                raise VerificationError(f"the callers' index names entry {index}, which is not there", log=log)


def check_strangers(env: Environment, txn: Txn, numbers: set[int]) -> None:
    """No table holds anything of a log that there is not."""
    for table in ("entries", "bodies", "cases", "index"):
        cursor, at = txn.cursor(env.table(table)), b""
        while cursor.set_range(at) if at else cursor.first():
            key = cursor.key()
            number = int.from_bytes(key[:4], "big")
            if len(key) <= 4 or number not in numbers:
                raise VerificationError(f"the table {table} holds something of a log that there is not: {key[:32].hex()}")
            at = (number + 1).to_bytes(5, "big")[1:]
            if number == 0xFFFFFFFF:
                break


def _in_chunks(env: Environment, table: str, number: int) -> Iterator[list[tuple[bytes, bytes]]]:
    """The rows of a log, in order, in many short read transactions."""
    prefix, after = number.to_bytes(4, "big"), b""
    while True:
        with env.reading() as txn:
            cursor = txn.cursor(env.table(table))
            rows = list(islice(cursor, CHUNK)) if cursor.set_range(after or prefix) else []
        while rows and rows[-1][0][:4] != prefix:
            rows.pop()
        yield rows
        if len(rows) < CHUNK:
            return
        after = rows[-1][0] + b"\x00"  # the next key that there can be


def _is_of(env: Environment, number: int, key: bytes, index: int) -> bool:
    with env.reading() as txn:
        value = stored.value_at(env, txn, number, index)
    if value is None or len(key) <= 4 + 1 + _NUMBERS or len(key) > 4 + 1 + LONGEST_CASE + _NUMBERS:
        return False
    header = parse(stored.split(index, value)[1])
    row = case_prefix(number.to_bytes(4, "big"), header.case) + NUMBER.pack(header.step) + NUMBER.pack(index)
    return row == key
