"""What is left after a crash keeps every promise of the ledger, or ``Broken`` says which one it does not.

1  it opens, and no log is frozen
2  every acknowledged entry is there, and the roots at the acknowledged sizes are the acknowledged ones
3  nothing is torn: the logs are where the last acknowledged commit left them, or where the one under way leads, all of them
4  every body opens and is the one that was written; acknowledged snapshots open, indexes find what they should
5  the whole verifies; and it still does after more was written, also when it is opened again
"""

from __future__ import annotations

from pathlib import Path

from ledger import NODE, Ledger, LedgerError, Receipt, Snapshot
from vienna_runtime.selftest import script
from vienna_runtime.selftest.errors import Broken
from vienna_runtime.selftest.told import NOTHING, Told


def keep(directory: Path, told: Told, *, since: Told = NOTHING, whole: bool = True, more: bool = True) -> int:
    """Check the promises; how many entries were read.  Entries before ``since`` were read before; ``whole`` verifies everything."""
    try:
        ledger = script.open_ledger(directory)
    except LedgerError as error:
        raise Broken(f"it does not open: {error}") from error
    try:
        read = check(ledger, told, since=since)
        if whole:
            ledger.verify()
        if not more:
            return read
        sizes = _write_more(ledger)
    except LedgerError as error:
        raise Broken(f"{type(error).__name__}: {error}") from error
    finally:
        ledger.close()
    ledger = script.open_ledger(directory)
    try:
        for log, head in ledger.logs().items():
            if head.frozen is not None or head.size != sizes[log]:
                raise Broken(f"what was written afterwards is not there: log {log!r} is at {head.size}, not {sizes[log]}; {head.frozen}")
    finally:
        ledger.close()
    return read


def check(ledger: Ledger, told: Told, *, since: Told = NOTHING) -> int:
    """Points 1 to 4 for an open ledger; how many entries were read."""
    heads = ledger.logs()
    for log, head in heads.items():
        if head.frozen is not None:
            raise Broken(f"log {log!r} is frozen: {head.frozen}")
    sizes = {log: head.size for log, head in heads.items()}
    for log, (size, root) in told.at.items():
        if sizes.get(log, -1) < size:
            raise Broken(f"acknowledged entries are lost: log {log!r} had {size} and has {sizes.get(log, 'vanished')}")
        if ledger.root_at(log, size).hex() != root:
            raise Broken(f"log {log!r} has another root at {size} than was acknowledged")
    before = told.sizes or {NODE: 0}
    if sizes != before and (told.to is None or sizes != {**before, **told.to}):
        raise Broken(f"torn: the logs are at {sizes}, acknowledged is {before}, on its way was {told.to}")
    read = 0
    for log, size in sizes.items():
        read += _check_entries(ledger, log, since.sizes.get(log, 0), size)
    for log, digest in told.snapshots.items():
        _check_snapshot(ledger, log, digest)
    return read


def _check_entries(ledger: Ledger, log: str, start: int, stop: int) -> int:
    for first in range(start, stop, 1024):  # a view at a time, so that memory stays small
        for record in ledger.read(log, first, min(first + 1024, stop)):
            found = ledger.open_body(log, record)
            if log != NODE and found != script.body(log, record.seq):
                raise Broken(f"entry {record.seq} of log {log!r} is another than was written")
    if log != NODE and stop > start:
        last = script.case(stop - 1)
        if ledger.case_entries(log, last) != list(range((stop - 1) // 16 * 16, stop)):
            raise Broken(f"case {last} of log {log!r} is not indexed as it was written")
        if ledger.find(log, b"key %d" % ((stop - 1) % 64)) != stop - 1:
            raise Broken(f"entry {stop - 1} of log {log!r} is not found by its key")
    return stop - start


def _check_snapshot(ledger: Ledger, log: str, digest: str) -> None:
    found: list[Snapshot] = [snapshot for snapshot in ledger.snapshots(log) if snapshot.digest.hex() == digest]
    if not found:
        raise Broken(f"an acknowledged snapshot of log {log!r} is not there")
    ledger.open_snapshot(log, found[0])


def _write_more(ledger: Ledger) -> dict[str, int]:
    for log in script.LOGS:
        if log not in ledger.logs():
            ledger.create(log, time=script.BEGUN, actor="operator")
    batches = [script.batch(log, ledger.head(log).size, 3) for log in script.LOGS]
    for answer in ledger.append_many(batches):
        if not isinstance(answer, Receipt):
            raise Broken(f"nothing more can be written: {answer}")
    ledger.commit_heads(time=script.BEGUN, actor="node")
    ledger.verify()
    return {log: head.size for log, head in ledger.logs().items()}
