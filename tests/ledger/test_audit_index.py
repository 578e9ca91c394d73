"""A row too few, a row too many, a row of nobody: each is found and named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import lmdb
import pytest

from ledger import Batch, Draft, Keys, Ledger, VerificationError, verify_directory
from ledger import audit_index as audit_index_module
from ledger.environment import NUMBER, POSITION, TABLES

NOVEMBER = 1_795_000_000_000_000
ONE = (1).to_bytes(4, "big")


def drafts(start: int, count: int) -> tuple[Draft, ...]:
    return tuple(
        Draft("intent.proposed/1", NOVEMBER, "ada", b"", case=f"case-{at % 3}", step=at // 3, keys=(b"intent %d" % at,))
        for at in range(start, start + count)
    )


def row(case: bytes, step: int, seq: int) -> bytes:
    return ONE + bytes([len(case)]) + case + NUMBER.pack(step) + NUMBER.pack(seq)


@pytest.fixture
def directory(ledger: Ledger, tmp_path: Path) -> Path:
    ledger.append_many([Batch("belvedere", 0, drafts(0, 10)), Batch("schoenbrunn", 0, drafts(0, 2))])
    ledger.close()
    return tmp_path / "ledger"


@pytest.fixture
def check(directory: Path, keys: Keys) -> Callable[[], None]:
    def verify() -> None:
        verify_directory(directory, keys.verifier(""))

    return verify


@contextmanager
def tables(directory: Path) -> Iterator[tuple[lmdb.Transaction, dict[str, object]]]:
    env = lmdb.open(str(directory), max_dbs=len(TABLES), lib_version=0)
    found = {name: env.open_db(name.encode()) for name in TABLES}
    with env.begin(write=True) as txn:
        yield txn, found
    env.close()


@pytest.mark.parametrize("chunk", [1, 3, 4096])
def test_each_row_that_lacks_is_missed_by_the_entry_it_was_for(
    directory: Path, check: Callable[[], None], monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(audit_index_module, "CHUNK", chunk)
    check()
    for seq in range(10):
        key = row(b"case-%d" % (seq % 3), seq // 3, seq)
        with tables(directory) as (txn, found):
            assert txn.delete(key, db=found["cases"])
        with pytest.raises(VerificationError, match="missing from the index of its case") as caught:
            check()
        assert (caught.value.log, caught.value.index) == ("belvedere", seq)
        with tables(directory) as (txn, found):
            txn.put(key, b"", db=found["cases"])
    check()


@pytest.mark.parametrize(
    "key",
    [
        row(b"case-1", 0, 4),
        row(b"case-1", 1, 3),
        row(b"case-9", 1, 4),
        row(b"", 1, 4),
        ONE + b"\x06case-1" + NUMBER.pack(4),
        ONE + NUMBER.pack(4),
    ],
)
def test_a_row_too_many_is_found(directory: Path, check: Callable[[], None], key: bytes) -> None:
    with tables(directory) as (txn, found):
        txn.put(key, b"", db=found["cases"])
    with pytest.raises(VerificationError, match="a case that is not its own") as caught:
        check()
    assert (caught.value.log, caught.value.index) == ("belvedere", NUMBER.unpack(key[-8:])[0])


def test_two_rows_whose_entries_are_exchanged_are_found(directory: Path, check: Callable[[], None]) -> None:
    with tables(directory) as (txn, found):
        for seq, other in ((3, 4), (4, 3)):
            assert txn.delete(row(b"case-%d" % (seq % 3), 1, seq), db=found["cases"])
            txn.put(row(b"case-%d" % (seq % 3), 1, other), b"", db=found["cases"])
    with pytest.raises(VerificationError, match="missing from the index of its case") as caught:
        check()
    assert caught.value.index == 3


def test_a_row_that_holds_something_is_found(directory: Path, check: Callable[[], None]) -> None:
    with tables(directory) as (txn, found):
        txn.put(row(b"case-1", 1, 4), b"x", db=found["cases"])
    with pytest.raises(VerificationError, match="holds something") as caught:
        check()
    assert caught.value.index == 4


def test_a_row_for_an_entry_that_came_while_it_was_read_is_none_of_its_business(directory: Path, check: Callable[[], None]) -> None:
    with tables(directory) as (txn, found):
        txn.put(row(b"case-1", 3, 10), b"", db=found["cases"])
    check()


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        (b"intent 3", NUMBER.pack(10), "names entry 10, which is not there"),
        (b"intent 3", NUMBER.pack(3)[1:], "damaged"),
        (b"intent 3", b"", "damaged"),
        (b"i" * 481, NUMBER.pack(3), "damaged"),
    ],
)
def test_a_row_of_the_callers_index_that_cannot_be_is_found(
    directory: Path, check: Callable[[], None], key: bytes, value: bytes, what: str
) -> None:
    with tables(directory) as (txn, found):
        txn.put(ONE + key, value, db=found["index"])
    with pytest.raises(VerificationError, match=what) as caught:
        check()
    assert caught.value.log == "belvedere"


@pytest.mark.parametrize("table", ["entries", "bodies", "cases", "index"])
@pytest.mark.parametrize("log", [3, 2**32 - 1])
def test_what_belongs_to_no_log_is_found(directory: Path, check: Callable[[], None], table: str, log: int) -> None:
    with tables(directory) as (txn, found):
        txn.put(POSITION.pack(log, 0), bytes(8), db=found[table])
    with pytest.raises(VerificationError, match=f"the table {table} holds something of a log that there is not"):
        check()


def test_a_body_beyond_the_end_is_found(directory: Path, check: Callable[[], None]) -> None:
    with tables(directory) as (txn, found):
        txn.put(POSITION.pack(1, 10), b"x", db=found["bodies"])
    with pytest.raises(VerificationError, match="a body lies beyond the end") as caught:
        check()
    assert (caught.value.log, caught.value.index) == ("belvedere", 10)
