"""Which entries lie in the archive, as a read transaction says: the table ``segments``.

An older ledger that is only read has no such table, and nothing in the archive.
"""

from __future__ import annotations

from ledger.environment import Environment, Txn
from ledger.segments import Segment, parse


def holding(env: Environment, txn: Txn, log: int, index: int) -> Segment | None:
    """The segment that the entry lies in, if one does."""
    table = env.find_table("segments")
    if table is None:
        return None
    cursor = txn.cursor(table)
    if not cursor.set_range(log.to_bytes(4, "big") + (index + 1).to_bytes(8, "big")):
        return None
    found = parse(cursor.key(), cursor.value())
    return found if found.log == log and found.start <= index else None


def of_log(env: Environment, txn: Txn, log: int) -> list[Segment]:
    """Every segment of a log, in order."""
    table, found = env.find_table("segments"), list[Segment]()
    if table is None:
        return found
    cursor = txn.cursor(table)
    if cursor.set_range(log.to_bytes(4, "big")):
        for key, row in cursor:
            segment = parse(key, row)
            if segment.log != log:
                break
            found.append(segment)
    return found


def archived(env: Environment, txn: Txn, log: int) -> int:
    """How many entries, from the first on, lie in the archive."""
    found = of_log(env, txn, log)
    return found[-1].stop if found else 0
