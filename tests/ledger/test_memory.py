"""The twin in memory does what LMDB does, step by step, and loses in a power cut what was not synced."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import lmdb
import pytest

from ledger import Batch, CommitFailed, Draft, Ledger, Receipt
from ledger.errors import Closed, DirectoryBusy, DiskFull
from ledger.memory import MemoryDisk, disk_error
from tests.ledger.conftest import NODE_NAME, MemoryKeys

PLACE = Path("/nowhere")
TABLES = ("one", "two")


class Pair:
    """The same done to both; what each gives is compared."""

    def __init__(self, path: Path) -> None:
        self.real = lmdb.open(str(path), max_dbs=4, map_size=1 << 20)
        self.twin = MemoryDisk().open(PLACE, map_size=1 << 20, read_only=False)
        self.tables = [{name: env.open_db(name.encode()) for name in TABLES} for env in (self.real, self.twin)]

    def both(self, do: Any) -> Any:
        real, twin = do(self.real, self.tables[0]), do(self.twin, self.tables[1])
        assert real == twin
        return twin


def keys(chance: random.Random) -> bytes:
    return bytes([chance.randrange(4), chance.randrange(12)])


def write(chance: random.Random, txn: Any, tables: Any) -> list[Any]:
    """A few steps of a writer, and what each of them says."""
    said: list[Any] = []
    for _ in range(chance.randrange(1, 8)):
        table, key, value = tables[chance.choice(TABLES)], keys(chance), chance.randbytes(3)
        cursor = txn.cursor(table)
        match chance.randrange(8):
            case 0 | 1:
                said.append(txn.put(key, value, db=table))
            case 2:
                said.append(txn.put(key, value, db=table, overwrite=False))
            case 3:
                said.append(txn.delete(key, db=table))
            case 4:
                said.append(cursor.putmulti(sorted({keys(chance): value for _ in range(4)}.items()), overwrite=chance.random() < 0.5))
            case 5:
                said.append(cursor.set_range(key) and cursor.delete() and cursor.key())
            case 6:
                last = cursor.key() if cursor.last() else b""
                said.append(cursor.putmulti([(last + b"x", value), (last + b"y", value)], overwrite=False, append=True))
            case _:
                said.append(txn.get(key, db=table))
        said.append(look(txn, tables))
    return said


def look(txn: Any, tables: Any) -> list[Any]:
    """Everything, by every way there is to read it."""
    found: list[Any] = []
    for name in TABLES:
        cursor = txn.cursor(tables[name])
        found.append(list(cursor))
        found.append((cursor.first(), cursor.key(), cursor.value(), cursor.last(), cursor.key()))
        for key in (b"\x01\x05", b"\x09", b""):
            found.append((cursor.set_range(key) if key else None, cursor.key(), cursor.value()))
        found.append((cursor.set_key(b"\x02\x02"), cursor.key()))
        found.append(list(cursor.iternext(keys=True, values=False)))
    return found


@pytest.mark.parametrize("seed", range(30))
def test_every_step_says_what_the_library_says(tmp_path: Path, seed: int) -> None:
    pair, chance = Pair(tmp_path), random.Random(seed)
    for _ in range(12):
        script, keep = chance.getrandbits(64), chance.random() < 0.7

        def step(env: Any, tables: Any, script: int = script, keep: bool = keep) -> Any:
            before = env.begin()
            with_snapshot = random.Random(script).random() < 0.5
            if not with_snapshot:
                before.commit()
            txn = env.begin(write=True)
            said = write(random.Random(script), txn, tables)
            if with_snapshot:
                said.append(look(before, tables))  # a reader goes on seeing what was there when it began
                before.commit()
            during = env.begin()
            said.append(look(during, tables))
            during.commit()
            (txn.commit if keep else txn.abort)()
            after = env.begin()
            said.append(look(after, tables))
            after.commit()
            return said

        pair.both(step)
    pair.real.close()


def drafts(*words: str) -> tuple[Draft, ...]:
    return tuple(Draft("word.said/1", 5, "ada", word.encode()) for word in words)


@pytest.fixture
def disk() -> MemoryDisk:
    return MemoryDisk()


def opened(disk: MemoryDisk, **options: Any) -> Ledger:
    return Ledger.open(PLACE, node=NODE_NAME, keys=MemoryKeys(), medium=disk, **options)


def append(ledger: Ledger, *words: str) -> None:
    (answer,) = ledger.append_many([Batch("", ledger.head("").size, drafts(*words))])
    assert isinstance(answer, Receipt)


def words(ledger: Ledger) -> list[str]:
    size = ledger.head("").size
    return [ledger.open_body("", record).decode() for record in ledger.read("", 0, size)]


def test_a_ledger_lives_in_memory_and_verifies(disk: MemoryDisk) -> None:
    ledger = opened(disk, map_size=1 << 12)  # small: it has to grow
    append(ledger, *(f"word {number}" for number in range(200)))
    assert ledger.verify().entries == 200
    with pytest.raises(DirectoryBusy):
        opened(disk)
    ledger.close()
    assert len(words(opened(disk))) == 200


def test_what_was_synced_survives_a_power_cut_and_what_was_not_may_not(disk: MemoryDisk) -> None:
    ledger = opened(disk)
    append(ledger, "kept")
    disk.syncs = False
    append(ledger, "first")
    append(ledger, "second")
    disk.cut_power(keep=1)
    with pytest.raises(lmdb.Error):
        ledger.read("", 0, 1)  # whoever used it is gone
    again = opened(disk)
    assert words(again) == ["kept", "first"]
    again.verify()


@pytest.mark.parametrize(("point", "there"), [("put", False), ("commit", False), ("sync", True)])
def test_a_failed_commit_is_there_or_not_and_the_ledger_goes_on_from_what_is(disk: MemoryDisk, point: str, there: bool) -> None:
    ledger = opened(disk)

    def fault(at: str) -> None:
        if at == point:
            disk.fault = lambda at: None
            raise disk_error("input/output error", full=False)

    disk.fault = fault
    with pytest.raises(CommitFailed):
        append(ledger, "perhaps")
    ledger.reopen()
    assert words(ledger) == (["perhaps"] if there else [])
    append(ledger, "next")
    disk.cut_power()
    assert words(opened(disk)) == ([*(["perhaps"] if there else []), "next"])


def test_what_a_failed_sync_left_in_the_cache_is_not_believed_before_a_sync_works(disk: MemoryDisk) -> None:
    ledger = opened(disk)

    def fault(at: str) -> None:
        if at == "sync":
            raise disk_error("input/output error", full=False)

    disk.fault = fault
    with pytest.raises(CommitFailed):
        append(ledger, "perhaps")
    with pytest.raises(CommitFailed):
        ledger.reopen()
    assert words_or_closed(ledger) != ["perhaps"]
    disk.fault = lambda at: None
    ledger.reopen()
    assert words(ledger) == ["perhaps"]
    disk.cut_power()
    assert words(opened(disk)) == ["perhaps"]


def words_or_closed(ledger: Ledger) -> list[str] | None:
    try:
        return words(ledger)
    except Closed:
        return None


def test_a_full_disk_says_so(disk: MemoryDisk) -> None:
    ledger = opened(disk)

    def full(at: str) -> None:
        raise disk_error("no space left on device", full=True)

    disk.fault, disk.free = full, 0
    with pytest.raises(DiskFull):
        append(ledger, "nothing")
