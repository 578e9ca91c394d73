from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from ledger import (
    BadDraft,
    Batch,
    BodyRemoved,
    Closed,
    CommitFailed,
    Conflict,
    Draft,
    Keys,
    Ledger,
    LogExists,
    Receipt,
    Refused,
    UnknownLog,
    UnsuitableDirectory,
    VerificationError,
    canonical,
    header,
    leaf_hash,
    open_checkpoint,
    root_of,
    verify_consistency,
    verify_in_child,
    verify_inclusion,
)

NOVEMBER = 1_795_000_000_000_000  # µs; 2026-11
WEEK = 7 * 86_400_000_000


def draft(number: int, **more: object) -> Draft:
    return Draft("intent.proposed/1", NOVEMBER + number, "ada", b"body %d" % number)._replace(**more)


def append(ledger: Ledger, log: str, count: int) -> Receipt:
    size = ledger.head(log).size
    (answer,) = ledger.append_many([Batch(log, size, tuple(draft(size + step) for step in range(count)))])
    assert isinstance(answer, Receipt)
    return answer


def test_a_receipt_names_the_first_position_and_a_signed_checkpoint_over_the_entries(ledger: Ledger, keys: Keys) -> None:
    append(ledger, "belvedere", 3)
    receipt = append(ledger, "belvedere", 2)
    assert (receipt.first, receipt.size) == (3, 5)
    signed = open_checkpoint(receipt.checkpoint, keys.verifier("belvedere"))
    assert (signed.size, signed.root) == (5, receipt.root)
    records = ledger.read("belvedere", 0, 9)
    assert [record.seq for record in records] == [0, 1, 2, 3, 4]
    assert [ledger.open_body("belvedere", record) for record in records] == [b"body %d" % number for number in range(5)]
    assert ledger.leaf_hashes("belvedere", 0, 9) == [leaf_hash(record.entry) for record in records]
    assert root_of(ledger.frontier("belvedere", 5)) == receipt.root


def test_each_entry_names_the_leaf_hash_of_the_one_before(ledger: Ledger) -> None:
    append(ledger, "belvedere", 2)
    append(ledger, "belvedere", 2)
    headers = [header.parse(record.entry) for record in ledger.read("belvedere", 0, 4)]
    assert [item.previous for item in headers] == [header.FIRST, *ledger.leaf_hashes("belvedere", 0, 3)]


def test_one_commit_holds_batches_of_many_logs_and_a_conflict_keeps_only_its_own_batch_out(ledger: Ledger) -> None:
    answers = ledger.append_many(
        [
            Batch("belvedere", 0, (draft(0), draft(1))),
            Batch("schoenbrunn", 7, (draft(0),)),
            Batch("nowhere", 0, (draft(0),)),
            Batch("belvedere", 2, (draft(2),)),
            Batch("belvedere", 2, (draft(9),)),
            Batch("belvedere", 3, (draft(3), draft(4, actor="\ud800"))),
            Batch("schoenbrunn", 0, (draft(0),)),
            Batch("schoenbrunn", 1, ()),
        ]
    )
    assert [type(answer) for answer in answers] == [Receipt, Conflict, Refused, Receipt, Conflict, Refused, Receipt, Receipt]
    assert answers[1] == Conflict("schoenbrunn", 7, 0)
    assert answers[4] == Conflict("belvedere", 2, 3)
    assert isinstance(answers[5], Refused)
    assert answers[5].index == 1
    assert isinstance(answers[3], Receipt)
    assert (answers[3].first, answers[3].size) == (2, 3)
    assert [ledger.open_body("belvedere", record) for record in ledger.read("belvedere", 0, 9)] == [b"body 0", b"body 1", b"body 2"]
    assert ledger.head("schoenbrunn").size == 1


def test_keys_find_the_last_writer_and_cases_their_entries_in_step(ledger: Ledger) -> None:
    drafts = (
        draft(0, case="case-1", step=1, keys=(b"idem/1", b"digest")),
        draft(1, case="case-2", step=0),
        draft(2, case="case-1", step=0, keys=(b"digest",)),
        draft(3, case="case-10", step=0),
    )
    ledger.append_many([Batch("belvedere", 0, drafts), Batch("schoenbrunn", 0, (draft(0, case="case-1", keys=(b"other",)),))])
    assert (ledger.find("belvedere", b"idem/1"), ledger.find("belvedere", b"digest"), ledger.find("belvedere", b"none")) == (0, 2, None)
    assert ledger.find("belvedere", b"other") is None
    assert ledger.case_entries("belvedere", "case-1") == [2, 0]
    assert ledger.case_entries("belvedere", "case") == []
    assert ledger.case_entries("schoenbrunn", "case-1") == [0]


def test_proofs_made_from_stored_nodes_verify_against_the_checkpoints_of_their_time(ledger: Ledger) -> None:
    roots = {0: ledger.head("belvedere").root}
    for count in (1, 2, 5, 9):
        receipt = append(ledger, "belvedere", count)
        roots[receipt.size] = receipt.root
    leaves, last = ledger.leaf_hashes("belvedere", 0, 17), max(roots)
    for size, root in roots.items():
        verify_consistency(size, last, ledger.prove_consistency("belvedere", size, last), root, roots[last])
        for index in range(size):
            verify_inclusion(leaves[index], index, size, ledger.prove_inclusion("belvedere", index, size), root)
    with pytest.raises(ValueError, match="no size 18"):
        ledger.prove_inclusion("belvedere", 0, last + 1)


def test_what_was_acknowledged_is_there_after_closing_and_opening(opened: Callable[..., Ledger]) -> None:
    ledger = opened()
    ledger.create("belvedere", time=NOVEMBER, actor="operator")
    append(ledger, "belvedere", 70)
    heads = dict(ledger.logs())
    ledger.close()
    with pytest.raises(Closed):
        ledger.read("belvedere", 0, 1)
    with pytest.raises(Closed):
        ledger.append_many([])
    again = opened()
    assert dict(again.logs()) == heads
    assert append(again, "belvedere", 1).first == 70
    assert again.verify().entries == 72


def test_the_nodes_log_lists_origin_key_and_what_the_admitter_adds(opened: Callable[..., Ledger], keys: Keys) -> None:
    ledger = opened()
    ledger.create("belvedere", public=canonical.encode({"issuer": bytes(32)}), time=NOVEMBER, actor="operator")
    (record,) = ledger.read("", 0, 9)
    key = keys.verifier("belvedere")
    assert canonical.decode(header.parse(record.entry).public) == {
        "id": 1,
        "issuer": bytes(32),
        "origin": key.name,
        "tenant": "belvedere",
        "verifier": key.text,
    }
    with pytest.raises(LogExists):
        ledger.create("belvedere", time=NOVEMBER, actor="operator")
    for name, public in (("a/b", b""), ("", b""), ("schoenbrunn", b"\x01"), ("schoenbrunn", canonical.encode({"verifier": "mine"}))):
        with pytest.raises((BadDraft, LogExists)):
            ledger.create(name, public=public, time=NOVEMBER, actor="mallory")
    assert ledger.head("").size == 1


def test_a_record_under_a_key_that_is_gone_opens_as_what_is_there_now(ledger: Ledger) -> None:
    append(ledger, "belvedere", 1)
    (record,) = ledger.read("belvedere", 0, 1)
    before_it_was_sealed_again = attrs.evolve(record, sealed=bytes(8) + (record.sealed or b"")[8:])
    assert ledger.open_body("belvedere", before_it_was_sealed_again) == ledger.open_body("belvedere", record)


def test_bodies_of_another_month_are_sealed_with_another_key(ledger: Ledger, keys: Keys) -> None:
    ledger.append_many([Batch("belvedere", 0, (draft(0), draft(1, time=NOVEMBER + 5 * WEEK), draft(2)))])
    sealed = [record.sealed or b"" for record in ledger.read("belvedere", 0, 3)]
    assert sealed[0][:8] == sealed[2][:8] == keys.data_key("belvedere", "2026-11").id
    assert sealed[1][:8] == keys.data_key("belvedere", "2026-12").id


def test_a_body_opens_only_as_the_one_of_its_own_entry_and_log(ledger: Ledger) -> None:
    append(ledger, "belvedere", 2)
    append(ledger, "schoenbrunn", 1)
    first, second = ledger.read("belvedere", 0, 2)
    for log, record in (
        ("belvedere", attrs.evolve(first, sealed=second.sealed)),
        ("belvedere", attrs.evolve(first, entry=second.entry)),
        ("belvedere", attrs.evolve(first, sealed=(first.sealed or b"")[:-1])),
        ("schoenbrunn", first),
    ):
        with pytest.raises(VerificationError):
            ledger.open_body(log, record)
    with pytest.raises(BodyRemoved):
        ledger.open_body("belvedere", attrs.evolve(first, sealed=None))


def test_an_unknown_log_is_the_callers_error(ledger: Ledger) -> None:
    for ask in (lambda: ledger.head("nowhere"), lambda: ledger.read("nowhere", 0, 1), lambda: ledger.find("nowhere", b"k")):
        with pytest.raises(UnknownLog):
            ask()


def test_a_directory_of_another_node_is_refused(opened: Callable[..., Ledger], keys: Keys, tmp_path: Path) -> None:
    opened().close()
    with pytest.raises(UnsuitableDirectory, match=r"not of 'belvedere\.example'"):
        Ledger.open(tmp_path / "ledger", node="belvedere.example", keys=keys)


def test_files_are_for_their_owner_alone(ledger: Ledger, tmp_path: Path) -> None:
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "ledger").iterdir()} == {
        "data.mdb": 0o600,
        "lock.mdb": 0o600,
        "writer.pid": 0o600,
    }


def test_a_full_map_grows_by_itself_while_others_read(opened: Callable[..., Ledger], keys: Keys, tmp_path: Path) -> None:
    ledger = opened(map_size=1 << 17)
    ledger.create("belvedere", time=NOVEMBER, actor="operator")
    done, failures = threading.Event(), list[BaseException]()

    def read() -> None:
        try:
            while not done.is_set():
                records = ledger.read("belvedere", 0, 50)
                assert [record.seq for record in records] == list(range(len(records)))
                ledger.find("belvedere", b"key")
        except BaseException as error:  # noqa: BLE001  # shown by the assertion below
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(20):
            append(ledger, "belvedere", 50)
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert failures == []
    assert (tmp_path / "ledger" / "data.mdb").stat().st_size > 1 << 18  # it began at half of that
    assert verify_in_child(tmp_path / "ledger", keys.verifier("")).entries == 1001


def test_no_index_points_beyond_the_log_while_a_commit_is_on_the_disk_and_not_yet_known(opened: Callable[..., Ledger]) -> None:
    seen: list[tuple[int | None, list[int]]] = []
    looking = False

    def look(point: str) -> None:
        if point == "committed" and looking:
            seen.append((ledger.find("belvedere", b"key"), ledger.case_entries("belvedere", "c1")))

    ledger = opened(fault=look)
    if "belvedere" not in ledger.logs():
        ledger.create("belvedere", time=NOVEMBER, actor="test")
    looking = True
    size = ledger.head("belvedere").size
    ledger.append_many([Batch("belvedere", size, (draft(size, case="c1", step=1, keys=(b"key",)),))])
    assert seen == [(None, [])]
    assert ledger.find("belvedere", b"key") == size
    assert ledger.case_entries("belvedere", "c1") == [size]


def test_nodes_that_are_kept_for_proofs_are_forgotten_with_a_commit_that_failed(opened: Callable[..., Ledger]) -> None:
    broken: list[str] = []

    def fault(point: str) -> None:
        if point in broken:
            broken.remove(point)
            raise OSError(5, "input/output error")

    ledger = opened(fault=fault)
    ledger.create("belvedere", time=NOVEMBER, actor="operator")
    append(ledger, "belvedere", 600)
    proof = ledger.prove_inclusion("belvedere", 3, 600)
    assert ledger.prove_inclusion("belvedere", 3, 600) == proof
    assert ledger._env.nodes
    broken.append("commit")
    with pytest.raises(CommitFailed):
        append(ledger, "belvedere", 1)
    ledger.reopen()
    assert not ledger._env.nodes
    assert ledger.prove_inclusion("belvedere", 3, 600) == proof


def test_keys_under_a_prefix_come_in_their_order_a_page_at_a_time(ledger: Ledger) -> None:
    names = [b"child/" + name for name in (b"b", b"a", b"c")]
    drafts = tuple(draft(number, keys=(name,)) for number, name in enumerate((*names, b"childless")))
    ledger.append_many([Batch("belvedere", 0, drafts)])
    assert ledger.find_under("belvedere", b"child/", limit=9) == [(b"a", 1), (b"b", 0), (b"c", 2)]
    assert ledger.find_under("belvedere", b"child/", limit=2) == [(b"a", 1), (b"b", 0)]
    assert ledger.find_under("belvedere", b"child/", after=b"b", limit=9) == [(b"c", 2)]
    assert ledger.find_under("schoenbrunn", b"child/", limit=9) == []
