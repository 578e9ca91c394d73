"""What this executor has begun, on its own disk, so that a crash never leads to doing a thing twice.

    intended ──▶ began ──▶ done ──▶ told          one run
        └──────────┴─────────┴───▶ dropped

*Began* and *done* are synced before anything follows from them.  After a crash: intended alone was never begun and may be
redeemed again under the same id; begun without done is reported as unknown; done without told is reported as it was.

A record is its length with four bytes of that length's SHA-256, eight bytes of the body's, and a msgpack map.  A torn last
record was never acted upon and is cut off; a damaged one, also a damaged length, means that the past is not known, and nothing
is executed.

Each receipt has a number without gaps in this journal, which has a name of its own: whoever withholds one leaves a hole, and a journal
that was lost and begun anew has another name.

A power cut may leave a later record and not an earlier one, as long as neither was synced.  So after each sync a mark says
how far it reached: damage before a mark's end is rot, damage that no mark covers is what was never acted upon, and is cut
off with all that follows.  A mark that the power cut took leaves a few records that were synced, and are whole.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from pathlib import Path
from types import TracebackType

import attrs
import msgpack
import trio

from vienna_runtime import private_file
from vienna_runtime.executors.errors import JournalDamaged, JournalTaken

_MAGIC = b"vienna/executor-journal/2\n"
_WITHOUT_MARKS = b"vienna/executor-journal/1\n"  # read, and written anew: any damage in it is rot
_MARK = "synced"
_CHECK = 8  # bytes: for torn and rotten disks; whoever can write here holds the executor's credential anyway
_LENGTH = 8  # bytes: the length, and half as many that tell a rotten length from a torn end
_LARGEST = 1 << 20  # one record: a warrant and a receipt of 32 KiB each, with room
_LARGEST_FILE = 1 << 30  # between two tidyings it has at most some tens of megabytes
_TIDY_AFTER = 20_000  # records: five thousand runs, some ten megabytes
_NAME = 16  # bytes of a journal's name: no two are called the same
_KEPT = 1_000  # receipts kept after they were told: as many as an inventory may find missing at once, a megabyte
_FORGOTTEN_AFTER = 24 * 3600 * 1_000_000  # µs past a warrant's end; by then its own terms have long refused it


@attrs.define(kw_only=True)
class Run:
    """One run as far as it got."""

    run: str
    warrant: bytes  # the fields as they were signed
    signature: bytes
    mac: bytes
    expires_at: int
    use: int = 1
    params: bytes | None = None  # of this use, canonical; None: as the warrant says
    began: int | None = None  # µs
    receipt: tuple[bytes, bytes] | None = None  # and its signature; of the newest kept after it was told, should it be wanted again
    number: int = 0  # of the receipt, from 1
    digest: bytes = b""  # of the receipt
    closed: str = ""  # how it ended: told, or why it was dropped

    @property
    def open(self) -> bool:
        return not self.closed

    def done(self, receipt: bytes, signature: bytes, number: int) -> None:
        self.receipt, self.number, self.digest = (receipt, signature), number, hashlib.sha256(receipt).digest()

    def close(self, how: str) -> None:
        self.closed, self.warrant, self.signature, self.mac, self.params = how, b"", b"", b"", None


@attrs.define
class Past:
    """What a journal's file says."""

    runs: dict[str, Run] = attrs.Factory(dict)
    issuer: bytes | None = None
    name: str = ""
    counter: int = 0


class Journal:
    """The runs of one executor.  Opened once: a second process with the same journal is refused."""

    def __init__(self, path: Path, lock: int, past: Past) -> None:
        self.path = path
        self.runs = past.runs
        self.issuer = past.issuer  # the key that signs this tenant's warrants, as it was first learnt
        self.name = past.name or secrets.token_hex(_NAME)
        self.counter = past.counter  # the number of the newest receipt
        self._file_lock = lock
        self._handle = -1
        self._appended = 0  # records since the file was written anew
        self._written = 0
        self._synced = 0
        self._size = 0  # bytes of the file
        self._torn = False
        self._lock = trio.Lock()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._handle)
        os.close(self._file_lock)

    async def pin(self, issuer: bytes) -> None:
        self._append({"kind": "issuer", "key": issuer})
        self.issuer = issuer
        await self._sync()

    def intend(self, run: Run) -> None:
        """Before it is redeemed.  Not synced: a power cut then leaves an open run that the node calls unknown, and nothing done."""
        self._append(_intended(run))
        self.runs[run.run] = run

    async def begin(self, run: Run, at: int) -> None:
        """Durable on return: from here on a crash means that nobody knows."""
        self._append({"kind": "began", "run": run.run, "at": at})
        run.began = at
        await self._sync()

    async def finish(self, run: Run, receipt: bytes, signature: bytes) -> None:
        """Durable on return: from here on a crash loses nothing.  The receipt bears the number after ``counter``, which it takes."""
        number = self.counter + 1
        self._append({"kind": "done", "run": run.run, "receipt": receipt, "signature": signature, "number": number})
        self.counter = number
        run.done(receipt, signature, number)
        await self._sync()

    def made(self, since: int) -> list[Run]:
        """The runs whose receipts have numbers after ``since``, as far as they are remembered, in their order."""
        return sorted((run for run in self.runs.values() if run.number > since), key=lambda run: run.number)

    def close(self, run: Run, how: str) -> None:
        """It needs nothing more but its name.  Not synced: told twice is as good as told."""
        self._append({"kind": "closed", "run": run.run, "how": how})
        run.close(how)

    async def tidy(self, now: int) -> None:
        """Leaves out what is long over, when enough has been appended for that to be worth it."""
        if self._appended >= _TIDY_AFTER:
            async with self._lock:
                self.rewrite(now)

    def rewrite(self, now: int) -> None:
        for name in [name for name, run in self.runs.items() if not run.open and run.expires_at + _FORGOTTEN_AFTER < now]:
            del self.runs[name]
        for run in self.runs.values():
            if not run.open and run.number <= self.counter - _KEPT:
                run.receipt = None
        content = _MAGIC + b"".join(map(_framed, _records(self)))
        content += _framed(_mark(len(content)))
        private_file.replace(self.path, content)
        old, self._handle = self._handle, os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        if old != -1:
            os.close(old)  # only now: had it failed before, nothing would have been written to a closed one
        self._appended, self._synced, self._size = 0, self._written, len(content)

    def _append(self, record: dict[str, object]) -> None:
        """In the file, and out of this process's hands: it survives the process, and after ``_sync`` the machine."""
        data = _framed(record)
        if self._torn or os.write(self._handle, data) != len(data):
            self._torn = True  # nothing may follow half a record
            raise OSError(f"{self.path}: a record could not be written whole; is the disk full?")
        self._appended += 1
        self._written += 1
        self._size += len(data)

    async def _sync(self) -> None:
        wanted = self._written
        async with self._lock:  # whoever waited here finds its record synced by the one before, as a rule
            if self._synced >= wanted:
                return
            written, size = self._written, self._size
            await trio.to_thread.run_sync(os.fsync, self._handle)
            self._synced = written
            self._append(_mark(size))


def open_journal(path: Path, *, now: int) -> Journal:
    """The journal at ``path``, made if there is none; what is long over is left out.

    Raises ``JournalTaken`` if another process has it, ``JournalDamaged`` if its past cannot be read.
    """
    # the lock is a file of its own, because the journal itself is replaced
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        journal = Journal(path, lock, _read(path))
        journal.rewrite(now)
    except BlockingIOError:
        os.close(lock)
        raise JournalTaken(f"another executor runs with {path}; two with one credential would both act") from None
    except BaseException:
        os.close(lock)
        raise
    return journal


def _read(path: Path) -> Past:
    try:
        content = private_file.read(path, largest=_LARGEST_FILE)
    except FileNotFoundError:
        return Past()
    if not content.startswith((_MAGIC, _WITHOUT_MARKS)):
        raise JournalDamaged(f"{path} is not an executor's journal")
    past = Past()
    at = len(_MAGIC)
    while at < len(content):
        head = content[at : at + _LENGTH + _CHECK]
        size = int.from_bytes(head[:4], "big")
        body = content[at + len(head) : at + len(head) + size]
        sound = len(head) < _LENGTH or head[:_LENGTH] == _length(size)
        if sound and (len(head) < _LENGTH + _CHECK or len(body) < size <= _LARGEST):
            break  # torn: the process ended while writing it, and nothing followed from it
        if not sound or size > _LARGEST or hashlib.sha256(body).digest()[:_CHECK] != head[_LENGTH:]:
            if content.startswith(_MAGIC) and not _was_synced(content, at):
                break  # torn likewise, but not at its end
            raise JournalDamaged(f"{path} is damaged at byte {at}: what this executor has begun is not known, so it begins nothing")
        record = msgpack.unpackb(body)
        if record["kind"] == "issuer":
            past.issuer = record["key"]
        elif record["kind"] == "counter":
            past.name, past.counter = record["name"], record["at"]
        elif record["kind"] != _MARK:
            _replay(past, record)
        at += len(head) + size
    return past


def _was_synced(content: bytes, at: int) -> bool:
    """Whether a mark further on says that the bytes at ``at`` had reached the disk."""
    begins = msgpack.packb(_mark(0))[:-1]
    place = content.find(begins, at)
    while place >= 0:
        start = place - _LENGTH - _CHECK
        body = content[place : place + int.from_bytes(content[start : start + 4], "big")]
        # one that is damaged says nothing, and one that somebody wrote into a warrant keeps the executor from beginning, no more
        if content[start:place] == _framed_head(body) and msgpack.unpackb(body)["to"] > at:
            return True
        place = content.find(begins, place + 1)
    return False


def _replay(past: Past, record: dict[str, object]) -> None:
    runs = past.runs
    kind, fields = record["kind"], {name: value for name, value in record.items() if name != "kind"}
    if kind == "intended":
        runs[str(record["run"])] = Run(**fields)  # type: ignore[arg-type]  # as ``_intended`` wrote them
        return
    run = runs.get(str(record["run"]))
    if run is None:
        raise JournalDamaged(f"the journal speaks of a run {record['run']!r} that it has not begun")
    match record:
        case {"kind": "began", "at": int(at)}:
            run.began = at
        case {"kind": "done", "receipt": bytes(receipt), "signature": bytes(signature)}:
            number = record.get("number", 0)  # 0 from a version that did not count
            run.done(receipt, signature, number if isinstance(number, int) else 0)
            past.counter = max(past.counter, run.number)
        case {"kind": "closed", "how": str(how)}:
            run.close(how)
            number, digest = record.get("number"), record.get("digest")
            if isinstance(number, int) and isinstance(digest, bytes):  # one of a version that did not count has none
                run.number, run.digest = number, digest
        case _:
            raise JournalDamaged(f"the journal has a record of kind {kind!r}, which this version does not know")


def _records(journal: Journal) -> list[dict[str, object]]:
    records: list[dict[str, object]] = [] if journal.issuer is None else [{"kind": "issuer", "key": journal.issuer}]
    records.append({"kind": "counter", "name": journal.name, "at": journal.counter})
    for run in journal.runs.values():
        records.append(_intended(run))
        if run.began is not None:
            records.append({"kind": "began", "run": run.run, "at": run.began})
        if run.receipt is not None:
            records.append({"kind": "done", "run": run.run, "receipt": run.receipt[0], "signature": run.receipt[1], "number": run.number})
        if run.closed:
            records.append({"kind": "closed", "run": run.run, "how": run.closed, "number": run.number, "digest": run.digest})
    return records


def _intended(run: Run) -> dict[str, object]:
    named = {name: getattr(run, name) for name in ("run", "warrant", "signature", "mac", "expires_at", "use", "params")}
    return {"kind": "intended", **named}


def _mark(size: int) -> dict[str, object]:
    return {"kind": _MARK, "to": size}


def _framed(record: dict[str, object]) -> bytes:
    body: bytes = msgpack.packb(record)
    return _framed_head(body) + body


def _framed_head(body: bytes) -> bytes:
    return _length(len(body)) + hashlib.sha256(body).digest()[:_CHECK]


def _length(size: int) -> bytes:
    written = size.to_bytes(4, "big")
    return written + hashlib.sha256(written).digest()[: _LENGTH - len(written)]
