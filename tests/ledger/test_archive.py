"""Closed months lie in files: everything that read them from the tables reads the same, and every change of a file is found."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import lmdb
import pytest

from ledger import (
    BadDraft,
    Batch,
    Draft,
    Keys,
    Ledger,
    VerificationError,
    leaf_hash,
    verify_consistency,
    verify_directory,
    verify_inclusion,
)
from ledger.environment import POSITION, TABLES

SEPTEMBER, OCTOBER, NOVEMBER = 1_788_300_000_000_000, 1_790_900_000_000_000, 1_795_000_000_000_000
SEED = 20261122


def drafts(start: int, stop: int, time: int) -> tuple[Draft, ...]:
    return tuple(
        Draft("intent.proposed/1", time + at, "ada", b"body %d" % at, case=f"case-{at % 7}", step=at // 7 + 1) for at in range(start, stop)
    )


@pytest.fixture
def full(ledger: Ledger) -> Ledger:
    """Three months of belvedere, a few entries of schoenbrunn."""
    ledger.append_many([Batch("belvedere", 0, drafts(0, 40, SEPTEMBER)), Batch("schoenbrunn", 0, drafts(0, 5, SEPTEMBER))])
    ledger.append_many([Batch("belvedere", 40, drafts(40, 90, OCTOBER))])
    ledger.append_many([Batch("belvedere", 90, drafts(90, 100, NOVEMBER))])
    ledger.commit_heads(time=NOVEMBER, actor="node")
    return ledger


def archive(ledger: Ledger, log: str = "belvedere", *, before: int = NOVEMBER) -> list[tuple[int, int]]:
    found = []
    while (segment := ledger.prepare_segment(log, before=before)) is not None:
        ledger.adopt_segment(segment)
        found.append((segment.start, segment.stop))
    while ledger.sweep_archived(log):
        pass
    return found


def rows(directory: Path, table: str) -> int:
    env = lmdb.open(str(directory), max_dbs=len(TABLES), lib_version=0, readonly=True)
    with env.begin() as txn:
        count: int = sum(POSITION.unpack(key)[0] == 1 for key, _ in txn.cursor(env.open_db(table.encode(), txn=txn)))
    env.close()
    return count


def test_a_segment_is_a_month_that_is_over_and_the_newest_month_stays(full: Ledger) -> None:
    assert archive(full) == [(0, 40), (40, 90)]
    assert full.archived("belvedere") == 90
    assert archive(full, before=NOVEMBER + 400 * 86_400_000_000) == []
    assert full.archived("schoenbrunn") == 0


def test_a_month_that_was_not_asked_for_stays(full: Ledger) -> None:
    assert archive(full, before=OCTOBER) == [(0, 40)]


def test_the_tables_let_go_of_what_the_files_hold(full: Ledger, tmp_path: Path) -> None:
    archive(full)
    full.close()
    assert rows(tmp_path / "ledger", "entries") == rows(tmp_path / "ledger", "bodies") == 10


def test_everything_reads_as_it_did(full: Ledger, opened: Callable[..., Ledger]) -> None:
    def seen(ledger: Ledger) -> object:
        records = ledger.read("belvedere", 0, 100)
        return (
            records,
            [ledger.open_salted("belvedere", record) for record in records],
            ledger.leaf_hashes("belvedere", 30, 95),
            [ledger.prove_inclusion("belvedere", index, 100) for index in range(100)],
            [ledger.prove_consistency("belvedere", first, 100) for first in range(101)],
            [ledger.frontier("belvedere", size) for size in range(101)],
            [ledger.root_at("belvedere", size) for size in range(101)],
            ledger.case_entries("belvedere", "case-3"),
            ledger.verify(),
        )

    before = seen(full)
    archive(full)
    assert seen(full) == before
    full.close()
    again = opened()
    assert seen(again) == before
    assert not again.head("belvedere").frozen
    again.append_many([Batch("belvedere", 100, drafts(100, 103, NOVEMBER))])
    root = again.root_at("belvedere", 103)
    leaf = leaf_hash(again.read("belvedere", 17, 18)[0].entry)
    verify_inclusion(leaf, 17, 103, again.prove_inclusion("belvedere", 17, 103), root)
    verify_consistency(90, 103, again.prove_consistency("belvedere", 90, 103), again.root_at("belvedere", 90), root)


@pytest.mark.parametrize("sweeps", [0, 1])
def test_what_lies_in_both_places_is_read_once(full: Ledger, sweeps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.archiving.SWEPT_AT_ONCE", 13)
    before = full.read("belvedere", 0, 100)
    while (segment := full.prepare_segment("belvedere", before=NOVEMBER)) is not None:
        full.adopt_segment(segment)
    for _ in range(sweeps):
        assert full.sweep_archived("belvedere")
    assert full.read("belvedere", 0, 100) == before
    assert full.leaf_hashes("belvedere", 0, 100) == [leaf_hash(record.entry) for record in before]
    full.verify()


def test_files_that_nothing_names_are_not_read_and_do_no_harm(full: Ledger) -> None:
    assert full.prepare_segment("belvedere", before=NOVEMBER) is not None
    assert full.archived("belvedere") == 0
    full.verify()
    assert archive(full) == [(0, 40), (40, 90)]


def test_a_segment_is_not_adopted_twice(full: Ledger) -> None:
    segment = full.prepare_segment("belvedere", before=NOVEMBER)
    assert segment is not None
    full.adopt_segment(segment)
    with pytest.raises(BadDraft, match="has grown"):
        full.adopt_segment(segment)


def test_another_process_verifies_what_lies_in_files(full: Ledger, tmp_path: Path, keys: Keys) -> None:
    archive(full)
    full.close()
    report = verify_directory(tmp_path / "ledger", keys.verifier(""))
    assert [log.size for log in report.logs] == [3, 100, 5]


def test_a_flipped_bit_in_a_file_of_the_archive_is_found(full: Ledger, tmp_path: Path, keys: Keys) -> None:
    archive(full)
    full.close()
    files = sorted((tmp_path / "ledger" / "archive" / "1").iterdir())
    assert [file.suffix for file in files] == [".bodies", ".entries"] * 2
    rng = random.Random(SEED)
    for file in files:
        content = file.read_bytes()
        for bit in rng.sample(range(8 * len(content)), 150):
            broken = bytearray(content)
            broken[bit // 8] ^= 1 << bit % 8
            file.write_bytes(broken)
            with pytest.raises(VerificationError):
                verify_directory(tmp_path / "ledger", keys.verifier(""))
        file.write_bytes(content)
    verify_directory(tmp_path / "ledger", keys.verifier(""))


@pytest.mark.parametrize("kind", ["entries", "bodies"])
def test_a_file_that_is_missing_or_cut_or_swapped_is_named(full: Ledger, tmp_path: Path, keys: Keys, kind: str) -> None:
    archive(full)
    full.close()
    one, other = sorted((tmp_path / "ledger" / "archive" / "1").glob(f"*.{kind}"))
    content, others = one.read_bytes(), other.read_bytes()
    for change in (
        lambda: one.unlink(),
        lambda: one.write_bytes(content[:-1]),
        lambda: one.write_bytes(b""),
        lambda: one.write_bytes(others),
    ):
        change()
        with pytest.raises(VerificationError, match=one.name):
            verify_directory(tmp_path / "ledger", keys.verifier(""))
    one.write_bytes(content)
    verify_directory(tmp_path / "ledger", keys.verifier(""))


def test_a_ledger_whose_archive_is_gone_opens_and_says_so_where_it_is_read(
    full: Ledger, opened: Callable[..., Ledger], tmp_path: Path
) -> None:
    archive(full)
    full.close()
    for file in (tmp_path / "ledger" / "archive" / "1").iterdir():
        file.unlink()
    with pytest.raises(VerificationError, match="archive is missing"):
        opened().verify()
