"""A log that does not match opens frozen and names its first bad entry; the others go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import lmdb
import pytest

from ledger import Batch, Draft, Frozen, Keys, Ledger, LogFrozen, Receipt
from ledger.environment import POSITION, TABLES
from ledger.opening import TAIL_ENTRIES

DRAFT = Draft("intent.proposed/1", 1_795_000_000_000_000, "ada", b"body")
SIZE = 128 + TAIL_ENTRIES + 6  # so that the widest node of the frontier lies before the tail


@pytest.fixture
def directory(ledger: Ledger, tmp_path: Path) -> Path:
    ledger.append_many([Batch("belvedere", 0, (DRAFT,) * SIZE), Batch("schoenbrunn", 0, (DRAFT,))])
    ledger.close()
    return tmp_path / "ledger"


def change(directory: Path, table: str, key: bytes, alter: Callable[[bytes], bytes | None]) -> None:
    env = lmdb.open(str(directory), max_dbs=len(TABLES), lib_version=0)
    found = env.open_db(table.encode())
    with env.begin(write=True) as txn:
        value = alter(txn.get(key, db=found))
        if value is None:
            txn.delete(key, db=found)
        else:
            txn.put(key, value, db=found)
    env.close()


def flip(at: int) -> Callable[[bytes], bytes]:
    return lambda value: value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :] if at >= 0 else flip(len(value) + at)(value)


@pytest.mark.parametrize(
    ("table", "key", "alter", "why"),
    [
        ("entries", POSITION.pack(1, SIZE - 7), flip(-1), f"index {SIZE - 7}: the stored leaf hash"),
        ("entries", POSITION.pack(1, SIZE - 7), flip(0), f"index {SIZE - 7}: the stored leaf hash"),
        ("entries", POSITION.pack(1, SIZE - 3), flip(32), f"index {SIZE - 3}: the stored node at level 1"),
        ("entries", POSITION.pack(1, SIZE - 1), lambda value: None, f"index {SIZE - 1}: the entry is missing"),
        ("entries", POSITION.pack(1, 127), flip(32 * 7), "index 127: the frontier differs from the node at level 7"),
        ("logs", b"/belvedere", flip(-1), "a note with control characters"),
        ("logs", b"/belvedere", flip(20), "frontier"),
        ("logs", b"/belvedere", flip(0), "damaged"),
        ("logs", b"/belvedere", lambda row: row.replace(f"\n{SIZE}\n".encode(), f"\n{SIZE - 1}\n".encode()), "signature"),
    ],
)
def test_damage_near_the_end_freezes_that_log_and_no_other(
    directory: Path, opened: Callable[..., Ledger], table: str, key: bytes, alter: Callable[[bytes], bytes | None], why: str
) -> None:
    change(directory, table, key, alter)
    ledger = opened()
    frozen, fine = ledger.append_many([Batch("belvedere", SIZE, (DRAFT,)), Batch("schoenbrunn", 1, (DRAFT,))])
    assert isinstance(frozen, Frozen)
    assert isinstance(fine, Receipt)
    assert "'belvedere'" in frozen.why
    assert ledger.head("belvedere").frozen == frozen.why
    assert any(part in frozen.why for part in why.split("|")), frozen.why
    assert ledger.head("schoenbrunn").frozen is None
    ledger.commit_heads(time=DRAFT.time, actor="node")
    if table == "entries" and key != POSITION.pack(1, SIZE - 1):
        assert len(ledger.read("belvedere", 0, SIZE)) == SIZE


def test_an_entry_beyond_the_end_freezes_its_log_rather_than_being_overwritten(directory: Path, opened: Callable[..., Ledger]) -> None:
    change(directory, "entries", POSITION.pack(1, SIZE), lambda value: b"an entry that no head covers")
    (answer,) = opened().append_many([Batch("belvedere", SIZE, (DRAFT,))])
    assert isinstance(answer, Frozen)
    assert f"index {SIZE}: an entry lies beyond the end" in answer.why


def test_a_frozen_node_log_admits_nothing_but_tenants_go_on(directory: Path, opened: Callable[..., Ledger]) -> None:
    change(directory, "entries", POSITION.pack(0, 1), flip(-1))
    ledger = opened()
    with pytest.raises(LogFrozen):
        ledger.create("hofburg", time=DRAFT.time, actor="operator")
    with pytest.raises(LogFrozen):
        ledger.commit_heads(time=DRAFT.time, actor="node")
    (answer,) = ledger.append_many([Batch("belvedere", SIZE, (DRAFT,))])
    assert isinstance(answer, Receipt)


def test_a_key_of_another_log_freezes(directory: Path, opened: Callable[..., Ledger], keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    own = keys.verifier
    monkeypatch.setattr(keys, "verifier", lambda log: own("schoenbrunn" if log == "belvedere" else log))
    assert "signs as" in str(opened().head("belvedere").frozen)
