"""The fault table: what a caller gets when the disk fails in some way, what state that leaves, and what resumes.

                     not persisted                            but persisted
    write error      CommitFailed; nothing of it is there     CommitFailed; all of it is there
    short write      CommitFailed or DiskFull; nothing        CommitFailed; all
    no space         DiskFull; nothing                        DiskFull; all
    map full         grows by itself, or DiskFull; nothing    DiskFull; all
    sync error       CommitFailed; nothing                    CommitFailed; all
    meta page        CommitFailed; nothing                    CommitFailed; all
    clock back       nothing fails: a time is the caller's, and the month's key is taken by it

In each of them: what was there before can be read all the time, nothing is written until ``reopen()``, then everything
can be, and the whole verifies.  The first column fails for real: strace answers system calls in the kernel's place, or a
limit of this process cuts a write short.  The second is a disk that does it and says it has failed.
"""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import attrs
import lmdb
import pytest

from ledger import Batch, CommitFailed, DiskFull, Draft, Ledger, Receipt, WritingStopped, store
from ledger.environment import NUMBER

NOVEMBER = 1_795_000_000_000_000
OCTOBER = NOVEMBER - 31 * 86_400_000_000
LARGE = 200_000  # bytes of a body: the file has to grow for it
SMALL_MAP = 1 << 17

Opened = Callable[..., Ledger]


def drafts(count: int, *, at: int = NOVEMBER, size: int = LARGE) -> tuple[Draft, ...]:
    return tuple(Draft("intent.proposed/1", at, "ada", NUMBER.pack(number) * (size // 8), case="case-1") for number in range(count))


@contextmanager
def answering(ledger: Ledger, *inject: str) -> Iterator[None]:
    """The kernel answers some calls of this process on the ledger's data file with a failure, as strace makes it."""
    tool = shutil.which("strace")
    if tool is None:
        pytest.skip("strace is not installed (Debian and Ubuntu: apt-get install strace)")
    faults = [part for fault in inject for part in ("-e", f"inject={fault}")]
    data = str(Path(str(ledger._path)) / "data.mdb")
    command = [tool, "-qq", "-o", "/dev/null", "-P", data, *faults, "-p", str(os.getpid())]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        while f"TracerPid:\t{tracer.pid}\n" not in Path("/proc/self/status").read_text():
            if tracer.poll() is not None:
                assert tracer.stderr is not None
                pytest.skip(f"strace may not follow this process: {tracer.stderr.read().strip()}")
            time.sleep(0.001)  # another process, on a real clock
        yield
    finally:
        tracer.terminate()
        tracer.wait()
        assert tracer.stderr is not None
        tracer.stderr.close()


@contextmanager
def cut_short(ledger: Ledger) -> Iterator[None]:
    """No file of this process may grow by more than a page and a half: the write that crosses that is short."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = (Path(str(ledger._path)) / "data.mdb").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 6144, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Disk:
    """Does what it is asked, and then says that it failed."""

    def __init__(self) -> None:
        self.lie: Exception | None = None

    def __call__(self, point: str) -> None:
        if point == "committed" and self.lie is not None:
            lie, self.lie = self.lie, None
            raise lie


@attrs.frozen
class Row:
    fails: Callable[[Ledger], AbstractContextManager[None]]  # a context in which writing fails, and nothing is persisted
    says: Exception  # what the same disk says when it lies
    gets: tuple[type[CommitFailed], ...]


EIO, ENOSPC = OSError(errno.EIO, "input/output error"), OSError(errno.ENOSPC, "no space left")
ROWS = {
    "write error": Row(lambda ledger: answering(ledger, "writev:error=EIO", "pwritev:error=EIO"), EIO, (CommitFailed,)),
    "short write": Row(cut_short, OSError(errno.EFBIG, "too large"), (CommitFailed, DiskFull)),
    "no space": Row(lambda ledger: answering(ledger, "writev:error=ENOSPC", "pwritev:error=ENOSPC"), ENOSPC, (DiskFull,)),
    "map full": Row(lambda ledger: answering(ledger, "mmap:error=ENOMEM:when=1"), lmdb.DiskError("no room for a map"), (DiskFull,)),
    "sync error": Row(lambda ledger: answering(ledger, "fdatasync:error=EIO"), EIO, (CommitFailed,)),
    "meta page": Row(lambda ledger: answering(ledger, "pwrite64:error=EIO:when=1+"), lmdb.PanicError("meta page"), (CommitFailed,)),
}


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def faulty(opened: Opened, disk: Disk) -> Ledger:
    ledger = opened(fault=disk, map_size=1 << 24)
    ledger.create("belvedere", time=NOVEMBER, actor="operator")
    ledger.append_many([Batch("belvedere", 0, drafts(1))])
    return ledger


@pytest.mark.parametrize("persisted", [False, True], ids=["not persisted", "but persisted"])
@pytest.mark.parametrize("name", ROWS)
def test_after_a_fault(opened: Opened, faulty: Ledger, disk: Disk, name: str, persisted: bool) -> None:
    row = ROWS[name]
    if name == "map full":
        faulty.close()
        faulty = opened(fault=disk, map_size=SMALL_MAP)
    disk.lie = row.says if persisted else None
    with nullcontext() if persisted else row.fails(faulty), pytest.raises(CommitFailed) as caught:
        faulty.append_many([Batch("belvedere", 1, drafts(8))])
    assert type(caught.value) in ((CommitFailed, DiskFull) if persisted else row.gets)

    assert faulty.head("belvedere").size == 1  # nothing is believed before it was looked at
    (before,) = faulty.read("belvedere", 0, 10)
    assert len(faulty.open_body("belvedere", before)) == LARGE  # and reading goes on
    with pytest.raises(WritingStopped):
        faulty.append_many([Batch("belvedere", 1, drafts(1))])
    with pytest.raises(WritingStopped):
        faulty.probe()

    faulty.reopen()
    size = faulty.head("belvedere").size
    assert size == (9 if persisted else 1)  # whole, or not at all
    (answer,) = faulty.append_many([Batch("belvedere", size, drafts(1))])
    assert isinstance(answer, Receipt)
    assert faulty.verify().entries == size + 2
    faulty.close()
    assert opened().head("belvedere") == faulty.head("belvedere")


def test_a_map_that_is_full_grows_without_anybody_noticing(opened: Opened, disk: Disk) -> None:
    ledger = opened(fault=disk, map_size=SMALL_MAP)
    ledger.create("belvedere", time=NOVEMBER, actor="operator")
    (answer,) = ledger.append_many([Batch("belvedere", 0, drafts(8))])
    assert isinstance(answer, Receipt)
    assert ledger.verify().entries == 9


@pytest.mark.parametrize("persisted", [False, True, None], ids=["not persisted", "but persisted", "no fault"])
def test_a_clock_that_steps_back_breaks_nothing(opened: Opened, faulty: Ledger, disk: Disk, persisted: bool | None) -> None:
    earlier = Batch("belvedere", 1, drafts(2, at=OCTOBER))
    if persisted is None:
        faulty.append_many([earlier])
    else:
        disk.lie = EIO if persisted else None
        with nullcontext() if persisted else answering(faulty, "fdatasync:error=EIO"), pytest.raises(CommitFailed):
            faulty.append_many([earlier])
        faulty.reopen()
    size = faulty.head("belvedere").size
    assert size == (1 if persisted is False else 3)
    faulty.append_many([Batch("belvedere", size, drafts(1))])
    for record in faulty.read("belvedere", 0, size + 1):
        assert len(faulty.open_body("belvedere", record)) == LARGE
    faulty.verify()


def test_a_disk_that_was_full_works_again_only_with_room(faulty: Ledger, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    disk.lie = ENOSPC
    with pytest.raises(DiskFull):
        faulty.append_many([Batch("belvedere", 1, drafts(1))])
    faulty.reopen()
    monkeypatch.setattr(store, "LOWEST_ROOM", 1 << 62)  # more than any disk has
    for _ in range(2):
        with pytest.raises(DiskFull, match="are free"):
            faulty.probe()
    monkeypatch.undo()
    faulty.probe()
    monkeypatch.setattr(store, "LOWEST_ROOM", 1 << 62)
    faulty.probe()  # a disk that works is not asked for its room


@pytest.mark.parametrize("fault", ["pwrite64:error=EIO:when=1+", "mmap:error=ENOMEM:when=1"], ids=["meta page", "map"])
def test_readers_in_other_threads_notice_nothing_of_a_lmdb_that_has_given_up(opened: Opened, disk: Disk, fault: str) -> None:
    ledger = opened(fault=disk, map_size=SMALL_MAP)
    ledger.create("belvedere", time=NOVEMBER, actor="operator")
    ledger.append_many([Batch("belvedere", 0, drafts(1, size=80))])
    raised, reads, over = list[Exception](), [0] * 4, threading.Event()

    def read(number: int) -> None:
        try:
            while not over.is_set():
                (record,) = ledger.read("belvedere", 0, 1)
                assert len(ledger.open_body("belvedere", record)) == 80
                reads[number] += 1
        except Exception as error:  # noqa: BLE001  # whatever it is, the test fails by it
            raised.append(error)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(len(reads))]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            size = ledger.head("belvedere").size
            with answering(ledger, fault), pytest.raises(CommitFailed):
                ledger.append_many([Batch("belvedere", size, drafts(8))])
            ledger.reopen()
        while not min(reads) and not raised:  # each has had a turn, on whatever machine
            time.sleep(0.001)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not raised
