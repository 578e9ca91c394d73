"""The fault table: each write point, failed and not persisted or failed but persisted, for each thing that writes."""

from __future__ import annotations

import errno
from collections.abc import Callable

import lmdb
import pytest

from ledger import Batch, CommitFailed, DiskFull, Draft, Ledger, LedgerError, Receipt, WritingStopped

NOVEMBER = 1_795_000_000_000_000
DRAFT = Draft("intent.proposed/1", NOVEMBER, "ada", b"body", case="case-1", keys=(b"key",))
PERSISTED = {"begin": False, "commit": False, "committed": True}


class Fault:
    """Raises once at the named point."""

    def __init__(self) -> None:
        self.point, self.error = "", OSError()

    def __call__(self, point: str) -> None:
        if point == self.point:
            self.point = ""
            raise self.error


WRITES: dict[str, Callable[[Ledger], object]] = {
    "append": lambda ledger: ledger.append_many([Batch("belvedere", 1, (DRAFT, DRAFT)), Batch("schoenbrunn", 0, (DRAFT,))]),
    "create": lambda ledger: ledger.create("hofburg", time=NOVEMBER, actor="operator"),
    "heads": lambda ledger: ledger.commit_heads(time=NOVEMBER, actor="node"),
    "snapshot": lambda ledger: ledger.put_snapshot(
        "belvedere", size=1, root=ledger.head("belvedere").root, fingerprint=b"f", state=b"state"
    ),
    "probe": lambda ledger: ledger.probe(),
}


@pytest.fixture
def fault() -> Fault:
    return Fault()


@pytest.fixture
def faulty(opened: Callable[..., Ledger], fault: Fault) -> Ledger:
    ledger = opened(fault=fault)
    for tenant in ("belvedere", "schoenbrunn"):
        ledger.create(tenant, time=NOVEMBER, actor="operator")
    ledger.append_many([Batch("belvedere", 0, (DRAFT,))])
    return ledger


def state(ledger: Ledger) -> tuple[object, ...]:
    snapshots = [snapshot.digest for snapshot in ledger.snapshots("belvedere")]
    return dict(ledger.logs()), snapshots, ledger.case_entries("belvedere", "case-1"), ledger.find("belvedere", b"key")


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("point", PERSISTED)
def test_after_a_failed_commit_only_what_is_on_the_disk_is_there(faulty: Ledger, fault: Fault, name: str, point: str) -> None:
    before = state(faulty)
    fault.point, fault.error = point, lmdb.DiskError("injected")
    with pytest.raises(CommitFailed):
        WRITES[name](faulty)
    assert dict(faulty.logs()) == before[0]  # nothing is believed before it has been looked at
    for write in [write for other, write in WRITES.items() if other != "probe"]:
        with pytest.raises(WritingStopped):
            write(faulty)
    assert faulty.read("belvedere", 0, 1)[0].seq == 0  # reads go on
    faulty.reopen()
    after = state(faulty)
    if name == "probe":
        assert after == before
    else:
        assert (after != before) is PERSISTED[point]
    faulty.verify()
    size = faulty.head("belvedere").size
    (answer,) = faulty.append_many([Batch("belvedere", size, (DRAFT,))])
    assert isinstance(answer, Receipt)
    faulty.commit_heads(time=NOVEMBER, actor="node")
    faulty.verify()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, "no space"), DiskFull),
        (OSError(errno.EDQUOT, "quota"), DiskFull),
        (OSError(errno.EIO, "input/output"), CommitFailed),
        (lmdb.DiskError("no space"), DiskFull),
        (lmdb.PanicError("meta page"), CommitFailed),
    ],
)
def test_the_kind_of_failure_says_whether_room_would_help(faulty: Ledger, fault: Fault, error: Exception, kind: type[LedgerError]) -> None:
    fault.point, fault.error = "commit", error
    with pytest.raises(CommitFailed) as caught:
        WRITES["append"](faulty)
    assert type(caught.value) is kind


def test_a_bug_in_a_write_stops_writing_too_and_is_not_disguised(faulty: Ledger, fault: Fault) -> None:
    fault.point, fault.error = "commit", AssertionError("a bug")  # type: ignore[assignment]
    with pytest.raises(AssertionError):
        WRITES["append"](faulty)
    with pytest.raises(WritingStopped, match="a bug"):
        WRITES["append"](faulty)


def test_a_probe_fails_while_writing_does_and_then_works_by_itself(faulty: Ledger, fault: Fault) -> None:
    for point in ("commit", "begin", "committed"):
        fault.point, fault.error = point, OSError(errno.ENOSPC, "no space")
        with pytest.raises(DiskFull):
            faulty.probe()
        with pytest.raises(WritingStopped):
            WRITES["append"](faulty)
    faulty.probe()
    WRITES["append"](faulty)
    assert faulty.head("belvedere").size == 3


def test_a_probe_does_not_excuse_from_looking_after_a_failed_commit(faulty: Ledger, fault: Fault) -> None:
    fault.point, fault.error = "committed", OSError(errno.EIO, "input/output")
    with pytest.raises(CommitFailed):
        WRITES["append"](faulty)
    with pytest.raises(WritingStopped):
        faulty.probe()


def test_reopening_that_fails_can_be_tried_again(faulty: Ledger, fault: Fault) -> None:
    fault.point, fault.error = "commit", OSError(errno.EIO, "input/output")
    with pytest.raises(CommitFailed):
        WRITES["append"](faulty)
    fault.point = "reopen"
    with pytest.raises(CommitFailed, match="cannot be opened again"):
        faulty.reopen()
    with pytest.raises(WritingStopped):
        WRITES["append"](faulty)
    faulty.reopen()
    WRITES["append"](faulty)
