"""What was removed is gone for good, what stays can be read, and the log verifies: after every step and every crash."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import lmdb
import pytest
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from ledger import (
    Batch,
    BodyRemoved,
    DataKey,
    Draft,
    Ledger,
    NoteSignature,
    NoteSigner,
    Receipt,
    VerificationError,
    VerifierKey,
    canonical,
    header,
    origin_of,
    verify_directory,
)
from ledger.errors import BadDraft, CommitFailed
from ledger.forgetting import MOST_RANGES, Step
from ledger.keys import KEY_ID_SIZE
from ledger.removal import TAG
from ledger.seal import NONCE_SIZE

NODE_NAME = "hofburg.example"
LOG = "belvedere"
OCTOBER, NOVEMBER, DECEMBER = 1_791_000_000_000_000, 1_793_600_000_000_000, 1_796_300_000_000_000  # µs, 2026


class Keys:
    """A keystore in memory that outlives the ledgers opened on it, with keys that can be made anew and destroyed."""

    def __init__(self) -> None:
        self.held: list[tuple[str, str, DataKey]] = []
        self.stop_at = ""

    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        return [self._signer(log).sign(message)]

    def verifier(self, log: str) -> VerifierKey:
        return self._signer(log).verifier

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        return (self.verifier(log),)

    def data_key(self, log: str, month: str) -> DataKey:
        return next((key for of, at, key in reversed(self.held) if (of, at) == (log, month)), None) or self.renew(log, month)

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        return next((key for of, _, key in self.held if of == log and key.id == key_id), None)

    def data_key_ids(self, log: str, month: str) -> tuple[bytes, ...]:
        return tuple(key.id for of, at, key in reversed(self.held) if (of, at) == (log, month))

    def renew(self, log: str, month: str) -> DataKey:
        self._strike("renew")
        key = DataKey(os.urandom(KEY_ID_SIZE), os.urandom(32))
        self.held.append((log, month, key))
        self._strike("renewed")
        return key

    def destroy(self, log: str, key_ids: tuple[bytes, ...]) -> None:
        self._strike("destroy")
        self.held = [item for item in self.held if item[0] != log or item[2].id not in key_ids]
        self._strike("destroyed")

    def _signer(self, log: str) -> NoteSigner:
        return NoteSigner(origin_of(NODE_NAME, log), sha256(f"checkpoint key {log}".encode()).digest())

    def _strike(self, point: str) -> None:
        if self.stop_at == point:
            self.stop_at = ""
            raise OSError(5, "the test broke the disk")


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def opened(tmp_path: Path, keys: Keys) -> Iterator[Callable[..., Ledger]]:
    held: list[Ledger] = []

    def open_ledger(**options: object) -> Ledger:
        while held:
            held.pop().close()
        held.append(Ledger.open(tmp_path / "ledger", node=NODE_NAME, keys=keys, **options))  # type: ignore[arg-type]
        return held[-1]

    yield open_ledger
    for ledger in held:
        ledger.close()


@pytest.fixture
def ledger(opened: Callable[..., Ledger]) -> Ledger:
    """Two months of belvedere, twenty bodies each, two entries a case."""
    made = opened()
    for tenant in (LOG, "schoenbrunn"):
        made.create(tenant, time=1, actor="operator")
        for month in (OCTOBER, NOVEMBER):
            write(made, month, log=tenant)
    return made


def write(ledger: Ledger, month: int, count: int = 20, log: str = LOG) -> None:
    size = ledger.head(log).size
    drafts = tuple(
        Draft("t/1", month + at, "ada", secret(size + at, log), case=f"c{(size + at) // 2}", step=at % 2 + 1) for at in range(count)
    )
    (answer,) = ledger.append_many([Batch(log, size, drafts)])
    assert isinstance(answer, Receipt)


def secret(index: int, log: str = LOG) -> bytes:
    return f"the body of entry {index} of {log}, which nobody else needs to know".encode()


def remove(ledger: Ledger, *ranges: tuple[int, int], month: str = "2026-10", time: int = DECEMBER) -> Receipt:
    return ledger.remove_bodies(LOG, ranges, month=month, why="erasure", time=time, actor="law")


def finish(ledger: Ledger) -> list[Step]:
    steps = [ledger.forget(LOG)]
    while steps[-1] is Step.MORE:
        steps.append(ledger.forget(LOG))
    return steps


def readable(ledger: Ledger, log: str = LOG) -> set[int]:
    """The entries whose bodies open to what was written; any other failure than a removed body is the test's."""
    found = set()
    for record in ledger.read(log, 0, 40):
        try:
            assert ledger.open_body(log, record) == secret(record.seq, log)
            found.add(record.seq)
        except BodyRemoved:
            assert record.sealed is None
    return found


def on_disk(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file())


def opens_anywhere(disk: bytes, keys: Keys, wanted: bytes) -> int:
    """How often ``wanted`` comes out of any place of the disk that begins with the id of a key that is left."""
    hits = 0
    for _, _, key in keys.held:
        at = disk.find(key.id)
        while at >= 0:
            nonce = disk[at + KEY_ID_SIZE : at + KEY_ID_SIZE + NONCE_SIZE]
            begin = at + KEY_ID_SIZE + NONCE_SIZE
            with contextlib.suppress(CryptoError, ValueError):
                hits += wanted in SecretBox(key.secret).decrypt(disk[begin : begin + 16 + 32 + len(wanted)], nonce)
            at = disk.find(key.id, at + 1)
    return hits


def test_a_month_that_went_as_a_whole_leaves_no_key_and_nothing_that_opens(ledger: Ledger, keys: Keys, tmp_path: Path) -> None:
    disk = on_disk(tmp_path)
    assert all(opens_anywhere(disk, keys, secret(at)) for at in range(20))
    remove(ledger, (0, 20))
    assert finish(ledger)[-1] is Step.DONE
    assert keys.data_key_ids(LOG, "2026-10") == ()
    assert readable(ledger) == set(range(20, 40))
    assert readable(ledger, "schoenbrunn") == set(range(40))
    ledger.close()
    disk = on_disk(tmp_path)
    assert not any(opens_anywhere(disk, keys, secret(at)) for at in range(20))
    assert all(opens_anywhere(disk, keys, secret(at, "schoenbrunn")) for at in range(20))


def test_bodies_erased_early_open_nowhere_while_the_rest_of_their_month_is_sealed_again(ledger: Ledger, keys: Keys, tmp_path: Path) -> None:
    (old,) = keys.data_key_ids(LOG, "2026-10")
    remembered = [(at, record.sealed) for at, record in enumerate(ledger.read(LOG, 0, 40))]
    remove(ledger, (4, 6), (9, 10))
    finish(ledger)
    (fresh,) = keys.data_key_ids(LOG, "2026-10")
    assert fresh != old
    assert readable(ledger) == set(range(40)) - {4, 5, 9}
    ledger.close()
    disk = on_disk(tmp_path)
    assert not any(opens_anywhere(disk, keys, secret(at)) for at in (4, 5, 9))
    assert opens_anywhere(disk, keys, secret(6))
    for _, sealed in remembered[:20]:
        assert sealed is not None
        for _, _, key in keys.held:
            with pytest.raises(CryptoError):
                SecretBox(key.secret).decrypt(sealed[32:], sealed[8:32])


def test_the_log_verifies_after_every_single_step(ledger: Ledger) -> None:
    remove(ledger, (4, 6))
    while True:
        assert ledger.verify().logs[1].removed == 2
        assert readable(ledger) == set(range(40)) - {4, 5}
        if ledger.forget(LOG) is Step.DONE:
            break
    assert ledger.verify().logs[1].removed == 2


def test_the_directory_verifies_without_a_data_key(ledger: Ledger, keys: Keys, tmp_path: Path) -> None:
    remove(ledger, (0, 20))
    finish(ledger)
    ledger.close()
    report = verify_directory(tmp_path / "ledger", keys.verifier(""))
    assert [(log.log, log.removed) for log in report.logs] == [("", 0), (LOG, 20), ("schoenbrunn", 0)]


def test_the_entry_says_which_bodies_and_why_and_follows_the_removal_before(ledger: Ledger) -> None:
    first = remove(ledger, (0, 2))
    second = remove(ledger, (4, 5))
    (record,) = ledger.read(LOG, second.first, second.size)
    parsed = header.parse(record.entry)
    assert parsed.tag == TAG
    assert parsed.follows == (first.first,)
    assert canonical.decode_map(parsed.public) == {"month": "2026-10", "removed": [[4, 5]], "why": "erasure"}


@pytest.mark.parametrize("point", ["renew", "renewed", "destroy", "destroyed"])
def test_a_crash_in_the_keystore_is_found_and_finished_by_the_next_life(
    ledger: Ledger, keys: Keys, opened: Callable[..., Ledger], tmp_path: Path, point: str
) -> None:
    remove(ledger, (4, 6))
    keys.stop_at = point
    with pytest.raises(OSError, match="broke"):
        finish(ledger)
    again = opened()
    assert again.owes_forgetting(LOG) == ("2026-10",)
    assert readable(again) == set(range(40)) - {4, 5}
    again.verify()
    assert finish(again)[-1] is Step.DONE
    assert again.owes_forgetting(LOG) == ()
    assert readable(again) == set(range(40)) - {4, 5}
    again.close()
    assert not opens_anywhere(on_disk(tmp_path), keys, secret(4))


def test_a_crash_at_any_write_point_of_a_forgetting_loses_nothing_and_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.forgetting.SEALED_AT_ONCE", 6)
    monkeypatch.setattr("ledger.forgetting.LOOKED_AT_ONCE", 9)
    for points in range(1, 100):
        countdown, keys = 10**9, Keys()

        def fault(point: str) -> None:
            nonlocal countdown
            countdown -= 1
            if not countdown:
                raise OSError(5, f"the test broke the disk at {point}")

        def opened(keys: Keys = keys, fault: Callable[[str], None] = fault, place: Path = tmp_path / str(points)) -> Ledger:
            return Ledger.open(place, node=NODE_NAME, keys=keys, fault=fault)

        ledger = opened()
        ledger.create(LOG, time=1, actor="operator")
        write(ledger, OCTOBER)
        write(ledger, NOVEMBER)
        countdown, crashed = points, False
        try:
            remove(ledger, (4, 6))
            finish(ledger)
        except CommitFailed:
            crashed = True
        countdown = 10**9
        ledger.close()
        ledger = opened()
        ledger.verify()
        assert readable(ledger) in (set(range(40)), set(range(40)) - {4, 5})
        if readable(ledger) == set(range(40)):
            remove(ledger, (4, 6))
        finish(ledger)
        ledger.verify()
        assert readable(ledger) == set(range(40)) - {4, 5}
        assert ledger.owes_forgetting(LOG) == ()
        assert len(keys.data_key_ids(LOG, "2026-10")) == 1
        ledger.close()
        if not crashed:
            break
    assert 20 < points < 99  # every point was struck once, until there was none left


def test_entries_of_the_month_that_are_written_meanwhile_lie_under_the_fresh_key(
    ledger: Ledger, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.forgetting.SEALED_AT_ONCE", 2)
    remove(ledger, (22, 24), month="2026-11", time=NOVEMBER + 50)
    (old,) = keys.data_key_ids(LOG, "2026-11")
    while (step := ledger.forget(LOG)) is Step.MORE:
        write(ledger, NOVEMBER + 100, 1)
        (last,) = ledger.read(LOG, ledger.head(LOG).size - 1, ledger.head(LOG).size)
        assert last.sealed is not None
        assert last.sealed[:8] != old
        assert ledger.open_body(LOG, last) == secret(last.seq)
    assert step is Step.DONE
    assert old not in {key.id for _, _, key in keys.held}
    assert readable(ledger) == set(range(40)) - {22, 23}
    ledger.verify()


def test_a_record_read_before_its_month_was_sealed_again_still_opens(ledger: Ledger) -> None:
    (kept, gone) = (ledger.read(LOG, 6, 7)[0], ledger.read(LOG, 4, 5)[0])
    remove(ledger, (4, 6))
    finish(ledger)
    assert ledger.open_body(LOG, kept) == secret(6)
    with pytest.raises(BodyRemoved):
        ledger.open_body(LOG, gone)


def test_a_second_removal_in_the_middle_of_a_forgetting_is_forgotten_too(
    ledger: Ledger, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.forgetting.SEALED_AT_ONCE", 4)
    remove(ledger, (18, 20))
    for _ in range(3):
        assert ledger.forget(LOG) is Step.MORE  # entry 2 lies under the fresh key now
    remove(ledger, (2, 3))
    finish(ledger)
    assert readable(ledger) == set(range(40)) - {2, 18, 19}
    ledger.close()
    assert not opens_anywhere(on_disk(tmp_path), keys, secret(2))


def test_a_key_is_kept_until_another_snapshot_covers_what_was_removed(ledger: Ledger, keys: Keys) -> None:
    def snapshot() -> None:
        head = ledger.head(LOG)
        ledger.put_snapshot(LOG, size=head.size, root=head.root, fingerprint=b"f", state=b"a state")

    snapshot()  # under November's key
    remove(ledger, (22, 24), month="2026-11", time=NOVEMBER + 50)
    assert finish(ledger)[-1] is Step.NEEDS_SNAPSHOT
    assert len(keys.data_key_ids(LOG, "2026-11")) == 2
    snapshot()
    assert finish(ledger)[-1] is Step.DONE
    assert [ledger.open_snapshot(LOG, kept) for kept in ledger.snapshots(LOG)] == [b"a state"]


def test_a_segment_of_the_archive_is_written_again_without_what_was_removed(ledger: Ledger, keys: Keys, tmp_path: Path) -> None:
    segment = ledger.prepare_segment(LOG, before=DECEMBER)
    assert segment is not None
    ledger.adopt_segment(segment)
    remove(ledger, (4, 6))
    assert readable(ledger) == set(range(40)) - {4, 5}
    finish(ledger)
    assert readable(ledger) == set(range(40)) - {4, 5}
    ledger.verify()
    while ledger.sweep_archived(LOG):
        pass
    assert readable(ledger) == set(range(40)) - {4, 5}
    assert len(list(tmp_path.rglob("*.bodies"))) == 1
    ledger.close()
    disk = on_disk(tmp_path)
    assert not any(opens_anywhere(disk, keys, secret(at)) for at in (4, 5))
    assert opens_anywhere(disk, keys, secret(6))


def test_a_segment_that_was_overtaken_by_a_removal_is_prepared_again_and_then_adopted(ledger: Ledger) -> None:
    """What was read of the first writing of a file must not be taken for the second."""
    segment = ledger.prepare_segment(LOG, before=DECEMBER)
    assert segment is not None
    remove(ledger, (4, 6))
    with pytest.raises(BadDraft, match="removed or sealed again"):
        ledger.adopt_segment(segment)
    again = ledger.prepare_segment(LOG, before=DECEMBER)
    assert again is not None
    ledger.adopt_segment(again)
    while ledger.sweep_archived(LOG):
        pass
    assert readable(ledger) == set(range(40)) - {4, 5}
    finish(ledger)
    assert readable(ledger) == set(range(40)) - {4, 5}
    ledger.verify()


def test_a_removal_while_a_segment_is_written_is_not_undone_by_adopting_it(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.archiving.SWEPT_AT_ONCE", 10)
    removals = [(4, 6), (15, 16)]

    def progress(index: int) -> None:
        if removals:
            remove(ledger, removals.pop(0))

    segment = ledger.prepare_segment(LOG, before=DECEMBER, progress=progress)
    assert segment is not None
    assert not removals
    ledger.adopt_segment(segment)
    while ledger.sweep_archived(LOG):
        pass
    assert readable(ledger) == set(range(40)) - {4, 5, 15}
    ledger.verify()


def test_adopting_what_nothing_has_changed_since_does_not_look_through_it(ledger: Ledger, tmp_path: Path) -> None:
    """Every commit waits meanwhile."""
    segment = ledger.prepare_segment(LOG, before=DECEMBER)
    assert segment is not None
    (bodies,) = tmp_path.rglob("*.bodies")
    aside = bodies.rename(tmp_path / "aside")
    ledger._env.files.let_go(str(segment.bodies))
    ledger.adopt_segment(segment)
    aside.rename(bodies)
    ledger.verify()


def test_a_segment_that_is_forgotten_before_an_earlier_one_is_swept_is_read_from_its_file(ledger: Ledger) -> None:
    """The rows of the earlier one still lie in the table then, and those of the later one do not."""
    write(ledger, DECEMBER, 5)
    while (segment := ledger.prepare_segment(LOG, before=DECEMBER)) is not None:
        ledger.adopt_segment(segment)
    assert ledger.archived(LOG) == 40
    remove(ledger, (30, 33), month="2026-11")
    finish(ledger)
    assert readable(ledger) == set(range(40)) - {30, 31, 32}
    ledger.verify()
    while ledger.sweep_archived(LOG):
        assert readable(ledger) == set(range(40)) - {30, 31, 32}
    ledger.verify()


def test_a_removal_from_the_archive_that_failed_leaves_no_trace_in_the_next(opened: Callable[..., Ledger], ledger: Ledger) -> None:
    """Both write the bodies' file under the same name: the failed one's must not be read for it."""
    striking = False

    def fault(point: str) -> None:
        if striking and point == "commit":
            raise OSError(5, "the test broke the disk")

    again = opened(fault=fault)
    segment = again.prepare_segment(LOG, before=DECEMBER)
    assert segment is not None
    again.adopt_segment(segment)
    while again.sweep_archived(LOG):
        pass
    striking = True
    with pytest.raises(CommitFailed):
        remove(again, (4, 6))
    striking = False
    again.reopen()
    assert readable(again) == set(range(40))
    remove(again, (8, 9))
    assert readable(again) == set(range(40)) - {8}
    again.verify()
    finish(again)
    assert readable(again) == set(range(40)) - {8}
    again.verify()


def test_a_segment_of_the_archive_that_went_as_a_whole_leaves_no_file_of_bodies(ledger: Ledger, tmp_path: Path) -> None:
    segment = ledger.prepare_segment(LOG, before=DECEMBER)
    assert segment is not None
    ledger.adopt_segment(segment)
    remove(ledger, (0, 20))
    finish(ledger)
    while ledger.sweep_archived(LOG):
        pass
    assert readable(ledger) == set(range(20, 40))
    assert list(tmp_path.rglob("*.bodies")) == []
    assert ledger.verify().logs[1].removed == 20


def test_a_verification_that_reads_on_while_a_month_is_forgotten_finds_no_fault(ledger: Ledger) -> None:
    done = False

    def progress(log: str, index: int) -> None:
        nonlocal done
        if log == LOG and not done:
            done = True
            remove(ledger, (4, 6))
            finish(ledger)

    assert ledger.verify(progress=progress).logs[1].removed <= 2
    assert done
    assert ledger.verify().logs[1].removed == 2


def test_a_key_that_is_gone_for_good_is_found_by_whoever_has_the_keys(ledger: Ledger, keys: Keys) -> None:
    keys.destroy(LOG, keys.data_key_ids(LOG, "2026-10"))
    with pytest.raises(VerificationError, match="is not there"):
        ledger.verify()


def test_months_are_found_by_their_entries_and_weighed_by_their_bodies(ledger: Ledger) -> None:
    remove(ledger, (0, 5))
    assert [(month.month, month.start, month.stop) for month in ledger.months(LOG)] == [
        ("2026-10", 0, 20), ("2026-11", 20, 40), ("2026-12", 40, 41),
    ]  # fmt: skip
    bodies, size = ledger.weight(LOG, 0, 20)
    held = ledger.held_bodies(LOG, 0, 20)
    assert (bodies, size) == (15, sum(weight for _, weight in held))
    assert [header.sequence for header, _ in held] == list(range(5, 20))


@pytest.mark.parametrize(
    "ranges",
    [(), ((3, 3),), ((5, 4),), ((0, 4), (2, 6)), ((39, 41),), ((18, 22),), tuple((at * 2, at * 2 + 1) for at in range(MOST_RANGES + 1))],
)
def test_ranges_that_are_not_of_that_month_or_not_there_are_refused(ledger: Ledger, ranges: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(BadDraft):
        remove(ledger, *ranges)
    assert readable(ledger) == set(range(40))
    assert ledger.owes_forgetting(LOG) == ()


def test_a_body_missing_beyond_what_the_entries_say_is_still_found(ledger: Ledger, keys: Keys, tmp_path: Path) -> None:
    remove(ledger, (0, 5))
    finish(ledger)
    ledger.close()
    env = lmdb.open(str(tmp_path / "ledger"), max_dbs=32, lib_version=0)
    with env.begin(write=True) as txn:
        bodies = env.open_db(b"bodies", txn=txn, create=False)
        assert txn.delete((1).to_bytes(4, "big") + (7).to_bytes(8, "big"), db=bodies)
    env.close()
    with pytest.raises(VerificationError, match="no entry says"):
        verify_directory(tmp_path / "ledger", keys.verifier(""))
