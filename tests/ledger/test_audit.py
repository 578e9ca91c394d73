"""Whatever is changed in the stored bytes, the audit finds it and names the place."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import lmdb
import pytest

from ledger import Batch, Draft, Keys, Ledger, UnsuitableDirectory, VerificationError, removal, verify_directory, verify_in_child
from ledger.audit import STEP, Report
from ledger.environment import POSITION, TABLES
from ledger.tail import parse_row

NOVEMBER = 1_795_000_000_000_000
SEED = 20261122


def drafts(start: int, count: int) -> tuple[Draft, ...]:
    return tuple(
        Draft("intent.proposed/1", NOVEMBER + at, "ada", b"body %d" % at, case="case-1", step=at) for at in range(start, start + count)
    )


@pytest.fixture
def directory(ledger: Ledger, tmp_path: Path) -> Path:
    """A closed ledger: eleven and five entries of the tenants, two commitments."""
    ledger.append_many([Batch("belvedere", 0, drafts(0, 6)), Batch("schoenbrunn", 0, drafts(0, 5))])
    ledger.commit_heads(time=NOVEMBER, actor="node")
    ledger.append_many([Batch("belvedere", 6, drafts(6, 5))])
    ledger.commit_heads(time=NOVEMBER, actor="node")
    ledger.close()
    return tmp_path / "ledger"


@pytest.fixture
def check(directory: Path, keys: Keys) -> Callable[[], Report]:
    return lambda: verify_directory(directory, keys.verifier(""))


@contextmanager
def tables(directory: Path) -> Iterator[tuple[lmdb.Transaction, dict[str, object]]]:
    env = lmdb.open(str(directory), max_dbs=len(TABLES), lib_version=0)
    found = {name: env.open_db(name.encode()) for name in TABLES}
    with env.begin(write=True) as txn:
        yield txn, found
    env.close()


def stored(directory: Path, table: str, key: bytes) -> bytes:
    with tables(directory) as (txn, found):
        value = txn.get(key, db=found[table])
    assert isinstance(value, bytes)
    return value


def flips(directory: Path, value: bytes, bits: range | list[int]) -> Iterator[int]:
    """Flip each bit of a value wherever the file holds it, and mend it again."""
    path = directory / "data.mdb"
    data = path.read_bytes()
    places, at = [], data.find(value)
    while at >= 0:
        places.append(at)
        at = data.find(value, at + 1)
    assert places
    with path.open("r+b", buffering=0) as file:
        for bit in bits:
            byte, mask = bit // 8, 1 << bit % 8
            for place in places:
                os.pwrite(file.fileno(), bytes([value[byte] ^ mask]), place + byte)
            yield bit
            for place in places:
                os.pwrite(file.fileno(), value[byte : byte + 1], place + byte)


def test_a_whole_directory_is_reported_with_every_log_and_commitment(check: Callable[[], Report], keys: Keys, directory: Path) -> None:
    report = check()
    assert [(log.log, log.size, log.commitments, log.removed) for log in report.logs] == [
        ("", 4, 0, 0),
        ("belvedere", 11, 2, 0),
        ("schoenbrunn", 5, 1, 0),
    ]
    assert (report.node, report.entries) == (keys.verifier("").name, 20)
    assert verify_directory(directory, keys.verifier(""), keys=keys) == report
    assert verify_in_child(directory, keys.verifier("")) == report


def test_it_works_beside_a_running_writer(ledger: Ledger, keys: Keys, tmp_path: Path) -> None:
    ledger.append_many([Batch("belvedere", 0, drafts(0, 3))])
    assert verify_in_child(tmp_path / "ledger", keys.verifier("")).entries == 5
    ledger.append_many([Batch("belvedere", 3, drafts(3, 1))])
    assert verify_in_child(tmp_path / "ledger", keys.verifier("")).entries == 6


def test_every_flipped_bit_of_one_entry_and_its_nodes_is_found_and_named(directory: Path, check: Callable[[], Report]) -> None:
    value = stored(directory, "entries", POSITION.pack(1, 7))
    for _ in flips(directory, value, range(len(value) * 8)):
        with pytest.raises(VerificationError) as caught:
            check()
        assert (caught.value.log, caught.value.index) == ("belvedere", 7)
    check()


def test_flipped_bits_anywhere_in_entries_and_bodies_are_found_and_named(directory: Path, check: Callable[[], Report]) -> None:
    chosen = random.Random(SEED)
    for number, (log, size) in enumerate((("", 4), ("belvedere", 11), ("schoenbrunn", 5))):
        for index in range(size):
            for table in ("entries", "bodies"):
                value = stored(directory, table, POSITION.pack(number, index))
                for bit in flips(directory, value, chosen.sample(range(len(value) * 8), 8)):
                    with pytest.raises(VerificationError) as caught:
                        check()
                    assert (caught.value.log, caught.value.index) == (log, index), (table, bit)


@pytest.mark.parametrize("log", ["", "belvedere", "schoenbrunn"])
def test_every_flipped_bit_of_a_checkpoint_is_found_and_its_log_named(directory: Path, check: Callable[[], Report], log: str) -> None:
    row = stored(directory, "logs", b"/" + log.encode())
    _, checkpoint = parse_row(row)
    start = row.index(checkpoint) * 8
    for _ in flips(directory, row, range(start, len(row) * 8)):
        with pytest.raises(VerificationError) as caught:
            check()
        assert caught.value.log == log
    for _ in flips(directory, row, random.Random(SEED).sample(range(start), min(start, 200))):
        with pytest.raises(VerificationError):
            check()


def test_flipped_bits_of_what_a_commitment_covers_are_found_and_named(directory: Path, check: Callable[[], Report]) -> None:
    leaves = stored(directory, "commitments", (2).to_bytes(8, "big"))
    for _ in flips(directory, leaves, range(0, len(leaves) * 8, 5)):
        with pytest.raises(VerificationError) as caught:
            check()
        assert (caught.value.log, caught.value.index) == ("", 2)


def test_another_key_is_not_enough(directory: Path, keys: Keys) -> None:
    with pytest.raises(VerificationError, match=r"the key of 'hofburg\.example/belvedere"):
        verify_directory(directory, keys.verifier("belvedere"))


def test_a_place_without_a_ledger_is_no_verdict(tmp_path: Path, keys: Keys) -> None:
    for verify in (verify_directory, verify_in_child):
        with pytest.raises(UnsuitableDirectory):
            verify(tmp_path / "nothing", keys.verifier(""))


@pytest.mark.parametrize(
    ("table", "key", "log", "index", "what"),
    [
        ("entries", POSITION.pack(1, 4), "belvedere", 4, "missing"),
        ("entries", POSITION.pack(1, 10), "belvedere", 10, "missing"),
        ("bodies", POSITION.pack(1, 4), "belvedere", 4, "no entry says"),
        ("commitments", (3).to_bytes(8, "big"), "", 3, "missing"),
        ("logs", b"/schoenbrunn", "schoenbrunn", None, "admitted is missing"),
        ("logs", b"/", "", None, "missing"),
        ("cases", POSITION.pack(1, 0)[:4] + b"\x06case-1" + (2).to_bytes(8, "big") * 2, "belvedere", 2, "index of its case"),
    ],
)
def test_what_is_taken_away_is_missed(
    directory: Path, check: Callable[[], Report], table: str, key: bytes, log: str, index: int | None, what: str
) -> None:
    with tables(directory) as (txn, found):
        assert txn.delete(key, db=found[table])
    with pytest.raises(VerificationError, match=what) as caught:
        check()
    assert (caught.value.log, caught.value.index) == (log, index)


def test_a_tenants_log_rolled_back_alone_is_found_by_the_nodes_commitment(
    ledger: Ledger, opened: Callable[..., Ledger], keys: Keys, tmp_path: Path
) -> None:
    directory = tmp_path / "ledger"
    ledger.append_many([Batch("belvedere", 0, drafts(0, 4))])
    ledger.close()
    older = stored(directory, "logs", b"/belvedere")
    again = opened()
    again.append_many([Batch("belvedere", 4, drafts(4, 3))])
    again.commit_heads(time=NOVEMBER, actor="node")
    again.close()
    with tables(directory) as (txn, found):
        txn.put(b"/belvedere", older, db=found["logs"])
        for index in range(4, 7):
            for table in ("entries", "bodies"):
                assert txn.delete(POSITION.pack(1, index), db=found[table])
    with pytest.raises(VerificationError, match="committed to size 7, the log ends at 4"):
        verify_directory(directory, keys.verifier(""))


def test_an_entry_beyond_the_end_and_a_log_from_nowhere_are_found(directory: Path, check: Callable[[], Report]) -> None:
    with tables(directory) as (txn, found):
        txn.put(POSITION.pack(1, 11), txn.get(POSITION.pack(1, 9), db=found["entries"]), db=found["entries"])
    with pytest.raises(VerificationError, match="beyond the end"):
        check()
    with tables(directory) as (txn, found):
        txn.delete(POSITION.pack(1, 11), db=found["entries"])
        txn.put(b"/mallory", txn.get(b"/belvedere", db=found["logs"]), db=found["logs"])
    with pytest.raises(VerificationError, match="never admitted"):
        check()


def test_a_body_may_be_missing_where_an_entry_of_its_log_removed_it(ledger: Ledger, keys: Keys, tmp_path: Path) -> None:
    directory = tmp_path / "ledger"
    said = Draft(removal.TAG, NOVEMBER, "node", b"", public=removal.compose([(0, 2), (3, 4)], "2026-11", "retention"))
    ledger.append_many([Batch("belvedere", 0, (*drafts(0, 5), said))])
    ledger.close()
    for index, fine in ((0, True), (1, True), (3, True), (2, False)):
        with tables(directory) as (txn, found):
            assert txn.delete(POSITION.pack(1, index), db=found["bodies"])
        if fine:
            verify_directory(directory, keys.verifier(""))
        else:
            with pytest.raises(VerificationError, match="no entry says") as caught:
                verify_directory(directory, keys.verifier(""))
            assert caught.value.index == index


def test_a_body_swapped_under_a_true_check_is_found_by_who_has_the_keys(ledger: Ledger, keys: Keys, tmp_path: Path) -> None:
    directory = tmp_path / "ledger"
    ledger.append_many([Batch("belvedere", 0, drafts(0, 2))])
    ledger.close()
    with tables(directory) as (txn, found):
        txn.put(POSITION.pack(1, 0), txn.get(POSITION.pack(1, 1), db=found["bodies"]), db=found["bodies"])
    verify_directory(directory, keys.verifier(""))
    with pytest.raises(VerificationError, match="commits to") as caught:
        verify_directory(directory, keys.verifier(""), keys=keys)
    assert caught.value.index == 0


def test_a_file_cut_short_is_damage_and_the_position_is_named(ledger: Ledger, keys: Keys, tmp_path: Path) -> None:
    data = tmp_path / "ledger" / "data.mdb"
    for start in range(0, 400, 40):
        ledger.append_many([Batch("belvedere", start, tuple(item._replace(body=bytes(3000)) for item in drafts(start, 40)))])
    ledger.close()
    os.truncate(data, data.stat().st_size // 3)
    with pytest.raises(VerificationError, match=rf"{signal.SIGBUS.name}|{signal.SIGABRT.name}|LMDB"):
        verify_in_child(tmp_path / "ledger", keys.verifier(""))


def test_progress_is_told_before_every_step_of_every_log(ledger: Ledger, keys: Keys, tmp_path: Path) -> None:
    ledger.append_many([Batch("belvedere", 0, drafts(0, 2 * STEP + 1)), Batch("schoenbrunn", 0, drafts(0, 1))])
    ledger.close()
    seen: list[tuple[str, int]] = []
    verify_directory(tmp_path / "ledger", keys.verifier(""), progress=lambda log, index: seen.append((log, index)))
    assert seen == [("", 0), ("belvedere", 0), ("belvedere", STEP), ("belvedere", 2 * STEP), ("schoenbrunn", 0)]


@pytest.mark.parametrize("said", [True, False])
def test_a_body_that_is_removed_while_it_reads_needs_an_entry_that_says_so(ledger: Ledger, said: bool) -> None:
    ledger.append_many([Batch("belvedere", 0, drafts(0, 5))])
    ledger.commit_heads(time=NOVEMBER, actor="node")
    told: list[str] = []

    def meanwhile(log: str, index: int) -> None:
        if not told:  # before anything is read but where the logs end
            gone = Draft(removal.TAG, NOVEMBER, "node", b"", public=removal.compose([(2, 3)], "2026-11", "erasure"))
            other = Draft("intent.proposed/1", NOVEMBER, "ada", b"")
            ledger.append_many([Batch("belvedere", 5, (gone if said else other,))])
            ledger.commit_heads(time=NOVEMBER, actor="node")
            ledger._env.write(lambda txn: txn.delete(POSITION.pack(1, 2), db=ledger._env.table("bodies")), lambda point: None)
        told.append(log)

    if said:
        report = ledger.verify(progress=meanwhile)
        assert [(log.log, log.size, log.removed) for log in report.logs] == [("", 3, 0), ("belvedere", 6, 1), ("schoenbrunn", 0, 0)]
    else:
        with pytest.raises(VerificationError, match="no entry says") as caught:
            ledger.verify(progress=meanwhile)
        assert (caught.value.log, caught.value.index) == ("belvedere", 2)
