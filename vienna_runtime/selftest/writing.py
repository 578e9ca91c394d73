"""A writer that does a little of everything a ledger does, and says so: the process whose every system call is looked at.

    python -m vienna_runtime.selftest.writing DIRECTORY SEED COMMITS DESCRIPTOR

The same seed does the same.  Ends with 0 when all commits are acknowledged; with 3 when writing went on failing, which is
what a broken disk deserves.  After a failed commit it does what a node does: nothing is written until the ledger was
reopened, and what is there then is where it goes on.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable

from ledger import NODE, CommitFailed, Ledger, Receipt, UnsuitableDirectory, WritingStopped
from vienna_runtime.selftest import script
from vienna_runtime.selftest.told import Telling

GIVING_UP = 3  # the exit code, and how often in a row it tries
MOST_AT_ONCE = 24  # entries of a log in one commit


def main(arguments: list[str]) -> int:
    """The process."""
    directory, seed, commits, descriptor = arguments[0], *map(int, arguments[1:4])
    telling = Telling(descriptor)
    telling.begins({NODE: 0})
    ledgers: list[Ledger] = []
    if not _persist(lambda: ledgers.append(script.open_ledger(directory)), telling):
        return GIVING_UP
    telling.acknowledged(ledgers[0])
    return write(ledgers[0], random.Random(seed), commits, telling)  # noqa: S311  # chosen, not secret


def write(ledger: Ledger, chosen: random.Random, commits: int, telling: Telling) -> int:
    """Make ``commits`` commits; the exit code."""
    made = failed = 0
    while made < commits:
        try:
            commit(ledger, chosen, telling)
        except CommitFailed as error:
            failed += 1
            telling.failed(error)
            _refuses(ledger)
            if failed == GIVING_UP or not _persist(ledger.reopen, telling):
                return GIVING_UP
        else:
            made, failed = made + 1, 0
        telling.acknowledged(ledger)
    ledger.verify()
    try:
        ledger.close()
    except OSError as error:  # of the last descriptor: what was acknowledged is on the disk, and the process ends anyway
        telling.failed(error)
    return 0


def commit(ledger: Ledger, chosen: random.Random, telling: Telling) -> None:
    """One commit of some kind."""
    sizes = {log: head.size for log, head in ledger.logs().items()}
    missing = [log for log in script.LOGS if log not in sizes]
    kind = chosen.random()
    if missing and (len(sizes) == 1 or kind < 0.2):
        telling.begins({NODE: sizes[NODE] + 1, missing[0]: 0})
        ledger.create(missing[0], time=script.BEGUN, actor="operator")
    elif kind < 0.75:
        logs = chosen.sample(sorted(sizes.keys() - {NODE}), chosen.randint(1, len(sizes) - 1))
        batches = [script.batch(log, sizes[log], chosen.randint(1, MOST_AT_ONCE)) for log in logs]
        telling.begins({batch.log: batch.position + len(batch.drafts) for batch in batches})
        for answer in ledger.append_many(batches):
            assert isinstance(answer, Receipt), answer
    elif kind < 0.9:
        telling.begins({NODE: sizes[NODE] + 1})
        ledger.commit_heads(time=script.BEGUN, actor="node")
    else:
        snapshot(ledger, chosen, telling)


def snapshot(ledger: Ledger, chosen: random.Random, telling: Telling) -> None:
    """A state of some log, several pages long."""
    # Not twice at one size: the second would take the place of the first.
    filled = sorted(log for log, head in ledger.logs().items() if log != NODE and head.size > max(_snapshots(ledger, log)))
    if filled:
        log = chosen.choice(filled)
        head = ledger.head(log)
        telling.begins({})
        state = script.body(log, head.size) * 8
        telling.snapshots[log] = ledger.put_snapshot(log, size=head.size, root=head.root, fingerprint=b"1", state=state).hex()


def _snapshots(ledger: Ledger, log: str) -> list[int]:
    return [0, *(snapshot.size for snapshot in ledger.snapshots(log))]


def _refuses(ledger: Ledger) -> None:
    """After a failed commit nothing is written, and reading goes on."""
    try:
        ledger.probe()
        raise AssertionError("it writes after a failed commit, before it was reopened")
    except WritingStopped:
        pass
    for log, head in ledger.logs().items():
        assert len(ledger.read(log, 0, head.size)) == head.size


def _persist(opening: Callable[[], None], telling: Telling) -> bool:
    """Whether it succeeded at last: what a node's supervisor does with a disk that fails for a moment is to try again."""
    for _ in range(GIVING_UP):
        try:
            opening()
        except (UnsuitableDirectory, CommitFailed, OSError) as error:
            telling.failed(error)
            continue
        return True
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
