"""A copy of a ledger that is being written is one of its moments, whole, or there is none."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ledger import Batch, Draft, Ledger, UnsuitableDirectory, VerificationError, hot_copy, published, verify_directory
from ledger.errors import CopyOvertaken
from ledger.forgetting import Step
from ledger.keys import DataKey

SEPTEMBER, NOVEMBER = 1_788_300_000_000_000, 1_795_000_000_000_000


def drafts(start: int, stop: int, time: int = SEPTEMBER) -> tuple[Draft, ...]:
    return tuple(Draft("intent.proposed/1", time + at, "ada", b"body %d" % at) for at in range(start, stop))


def sizes(directory: Path) -> dict[str, int]:
    with published.opened(directory) as logs:
        return {name: log.checkpoint.size for name, log in logs.items()}


def test_a_copy_made_under_load_has_all_that_was_acknowledged_and_verifies(ledger: Ledger, keys: Any, tmp_path: Path) -> None:
    acknowledged, over = {"belvedere": 0}, threading.Event()

    def load() -> None:
        while not over.is_set():
            size = acknowledged["belvedere"]
            ledger.append_many([Batch("belvedere", size, drafts(size, size + 50))])
            acknowledged["belvedere"] = size + 50
            ledger.commit_heads(time=SEPTEMBER + size, actor="node")

    writing = threading.Thread(target=load)
    writing.start()
    try:
        for number in range(3):
            before = acknowledged["belvedere"]
            hot_copy.copy(tmp_path / "ledger", tmp_path / f"copy{number}")
            assert before <= sizes(tmp_path / f"copy{number}")["belvedere"] <= acknowledged["belvedere"] + 50
    finally:
        over.set()
        writing.join()
    for number in range(3):
        report = verify_directory(tmp_path / f"copy{number}", keys.verifier(""))
        assert {log.log for log in report.logs} == {"", "belvedere", "schoenbrunn"}
    assert acknowledged["belvedere"] > 0


def archived(ledger: Ledger) -> None:
    ledger.append_many([Batch("belvedere", 0, drafts(0, 40))])
    ledger.append_many([Batch("belvedere", 40, drafts(40, 50, NOVEMBER))])
    segment = ledger.prepare_segment("belvedere", before=NOVEMBER)
    assert segment is not None
    ledger.adopt_segment(segment)
    while ledger.sweep_archived("belvedere"):
        pass


def test_the_archives_files_that_the_copy_names_are_in_it_and_no_others(ledger: Ledger, keys: Any, tmp_path: Path) -> None:
    archived(ledger)
    (tmp_path / "ledger" / "archive" / "1" / "stray").write_bytes(b"left by a crash")
    hot_copy.copy(tmp_path / "ledger", tmp_path / "copy")
    names = sorted(path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*") if path.is_file())
    assert names == ["archive/1/0-40.0.bodies", "archive/1/0-40.entries", "data.mdb"]
    assert verify_directory(tmp_path / "copy", keys.verifier("")).entries == 52


def test_a_file_that_was_replaced_meanwhile_asks_for_another_copy(ledger: Ledger, tmp_path: Path) -> None:
    archived(ledger)
    (tmp_path / "ledger" / "archive" / "1" / "0-40.0.bodies").unlink()
    with pytest.raises(CopyOvertaken, match=r"0-40\.0\.bodies of the archive was replaced"):
        hot_copy.copy(tmp_path / "ledger", tmp_path / "copy")


def test_freed_pages_and_the_ciphertext_in_them_stay_behind(ledger: Ledger, tmp_path: Path) -> None:
    """Room that a snapshot took and gave back: its sealed bytes lie on in the file, and not in the copy."""
    ledger.append_many([Batch("belvedere", 0, drafts(0, 8))])
    for number in range(5):
        ledger.put_snapshot("belvedere", size=8, root=ledger.root_at("belvedere", 8), fingerprint=bytes(32), state=b"%d" % number * 40_000)
        for size in range(1, 8):
            ledger.put_snapshot(
                "belvedere", size=size, root=ledger.root_at("belvedere", size), fingerprint=bytes(32), state=b"%d" % number * 40_000
            )
    kept = [snapshot.sealed for snapshot in ledger.snapshots("belvedere")]
    hot_copy.copy(tmp_path / "ledger", tmp_path / "copy")
    source, copied = (tmp_path / name / "data.mdb" for name in ("ledger", "copy"))
    assert all(sealed[:4000] in copied.read_bytes() for sealed in kept)
    assert copied.stat().st_size < source.stat().st_blocks * 512 // 2


def test_damaged_pages_end_the_copy_and_not_the_program(ledger: Ledger, tmp_path: Path) -> None:
    ledger.append_many([Batch("belvedere", 0, drafts(0, 2_000))])
    ledger.close()
    data = tmp_path / "ledger" / "data.mdb"
    with data.open("r+b") as file:
        file.truncate(data.stat().st_blocks * 512 // 8 * 3)
    with pytest.raises((VerificationError, UnsuitableDirectory), match=r"damaged pages: copying them died|could not be copied"):
        hot_copy.copy(tmp_path / "ledger", tmp_path / "copy")


def test_where_there_is_no_ledger_nothing_is_copied(tmp_path: Path) -> None:
    with pytest.raises(UnsuitableDirectory, match="there is no ledger"):
        hot_copy.copy(tmp_path / "nowhere", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


class ForgettingKeys:
    """A keystore that makes keys anew, and loses them."""

    def __init__(self, own: Any) -> None:
        self._own, self._held = own, dict[tuple[str, str], list[DataKey]]()
        self.sign, self.verifier, self.verifiers = own.sign, own.verifier, own.verifiers

    def _keys(self, log: str, month: str) -> list[DataKey]:
        return self._held.setdefault((log, month), [self._own.data_key(log, month)])

    def data_key(self, log: str, month: str) -> DataKey:
        return self._keys(log, month)[0]

    def data_key_ids(self, log: str, month: str) -> tuple[bytes, ...]:
        return tuple(key.id for key in self._keys(log, month))

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        return next((key for held in self._held.values() for key in held if key.id == key_id), None)

    def renew(self, log: str, month: str) -> DataKey:
        self._keys(log, month).insert(0, DataKey(b"fresh%03d" % len(self._held), bytes(32)))
        return self.data_key(log, month)

    def destroy(self, log: str, key_ids: Sequence[bytes]) -> None:
        for held in self._held.values():
            held[:] = [key for key in held if key.id not in key_ids]


def test_how_far_forgetting_has_come_is_told_apart_step_by_step(keys: Any, tmp_path: Path) -> None:
    """Else a keystore taken after bodies were sealed again under a fresh key would lack the key of the copied ones."""
    ledger = Ledger.open(tmp_path / "ledger", node="hofburg.example", keys=ForgettingKeys(keys))
    states: list[object] = []

    def look() -> None:
        place = tmp_path / f"copy{len(states)}"
        hot_copy.copy(tmp_path / "ledger", place)
        states.append(hot_copy.forgetting_of(place))

    try:
        ledger.create("belvedere", time=1, actor="operator")
        ledger.append_many([Batch("belvedere", 0, drafts(0, 10))])
        ledger.append_many([Batch("belvedere", 10, drafts(10, 12, NOVEMBER))])
        look()
        ledger.append_many([Batch("belvedere", 12, drafts(12, 20, NOVEMBER))])
        look()
        assert states[0] == states[1]  # what only grows asks for no other copy
        ledger.remove_bodies("belvedere", [(3, 5)], month="2026-09", why="retention", time=NOVEMBER, actor="node")
        look()
        while ledger.forget("belvedere") is Step.MORE:
            look()
        look()
        assert not ledger.owes_forgetting("belvedere")
    finally:
        ledger.close()
    assert len(states) > 4
    assert all(state not in states[: number + 2] for number, state in enumerate(states[2:]))
