"""The ledger of one node: durable when acknowledged, append-only, checked when opened, one writer.

    open ──▶ writable ──CommitFailed──▶ reads only ──reopen()──▶ writable
                 └─ close ─▶ closed

Write calls may come from any one thread at a time (a lock sees to it); reads from any thread, also while a write syncs.
``fault(point)`` is called at every write point ("begin", "commit", "committed", "reopen"), where a test
may raise what the disk could: before "commit" returns nothing is on the disk, after it everything is.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hmac import compare_digest
from pathlib import Path
from types import MappingProxyType

import attrs
import lmdb

from ledger import admission, archived, archiving, commitments, header, node_index, proofs, seal, snapshots, stored, witnessed
from ledger.audit import Progress, Report, no_progress, verify_environment
from ledger.change import Change
from ledger.checkpoint import origin_of
from ledger.directory import WriterLock, prepare
from ledger.entry import NODE, Answer, Batch, Draft, Head, Receipt, Record
from ledger.environment import DEFAULT_MAP_SIZE, FORMAT, NUMBER, Environment, Fault, Txn
from ledger.errors import (
    BadDraft,
    BodyRemoved,
    Closed,
    CommitFailed,
    DiskFull,
    LogExists,
    LogFrozen,
    UnknownLog,
    UnsuitableDirectory,
    VerificationError,
    WritingStopped,
)
from ledger.keys import Keys
from ledger.logs import NODE_ID, Log, load
from ledger.segments import Segment
from ledger.snapshots import Snapshot
from ledger.tail import LONGEST_CASE, Sealing, Tail, case_prefix, index_key, month_of
from ledger.tree import HASH_SIZE, NodeAt, frontier_places, subtree_root

LOWEST_ROOM = 1 << 20  # bytes free below which an input/output error counts as a full disk: LMDB reports a short write so


def no_fault(point: str) -> None:
    """The disk as it is."""


class Ledger:
    """See the module."""

    def __init__(self, env: Environment, lock: WriterLock, path: Path, node: str, keys: Keys, fault: Fault) -> None:
        self._env, self._lock, self._path, self._node, self._keys, self._fault = env, lock, path, node, keys, fault
        self._writing = threading.Lock()
        self._stopped: str | None = None  # why nothing is written until reopen()
        self._probe_failed = False  # stopped by probe() alone, which may then reopen by itself
        self._logs: dict[str, Log] = {}

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], *, node: str, keys: Keys, map_size: int = DEFAULT_MAP_SIZE, fault: Fault = no_fault
    ) -> Ledger:
        """The ledger in ``path``, founded when there is none; raises UnsuitableDirectory, DirectoryBusy."""
        place = Path(path)
        prepare(place)
        lock = WriterLock(place)
        try:
            env = Environment(place, map_size=map_size)
            try:
                ledger = cls(env, lock, place, node, keys, fault)
                ledger._found()
                ledger._load()
            except BaseException:
                env.close()
                raise
        except BaseException:
            lock.release()
            raise
        return ledger

    def close(self) -> None:
        """Let go of the directory; what was acknowledged is on the disk already."""
        with self._writing:
            self._env.close()
            if self._stopped != _CLOSED:
                self._lock.release()
            self._stopped = _CLOSED

    # What is written

    def create(self, log: str, *, public: bytes = b"", time: int, actor: str) -> Receipt:
        """Admit a log: its key stands in the node's log from then on.  The receipt is the node's log's."""
        if not log or "/" in log or len(log.encode()) > LONGEST_CASE:
            raise BadDraft(f"a log's name is a text without slashes, 1 to {LONGEST_CASE} bytes")
        with self._writing:
            self._check_writable()
            if log in self._logs:
                raise LogExists(f"a log named {log!r} was admitted before")
            entry = admission.Admission(log, self._keys.verifier(log), len(self._logs))
            if entry.key.name != origin_of(self._node, log):
                raise BadDraft(f"the key of log {log!r} is named {entry.key.name}, its origin is {origin_of(self._node, log)}")
            try:
                draft = Draft(admission.TAG, time, actor, b"", public=admission.compose(entry, public), keys=(node_index.keys(log),))
            except VerificationError as error:
                raise BadDraft(f"the public part: {error}") from None
            change = self._change()
            change.append(Batch(NODE, self._logs[NODE].tail.size, (draft,)))
            change.replace(log, Tail(entry.id))
            return self._commit_own(change)

    def append_many(self, batches: Sequence[Batch]) -> list[Answer]:
        """Make batches of many logs durable in one transaction; answers in their order, after both syncs.

        A batch that is answered Conflict, Frozen or Refused was not written, the others were.  Raises CommitFailed when
        the outcome is not known (none or all of it is on the disk), WritingStopped until reopen() after that.
        """
        with self._writing:
            self._check_writable()
            change = self._change()
            for batch in batches:
                change.append(batch)
            if change:
                self._commit(change)
            return change.answers()

    def commit_heads(self, *, time: int, actor: str) -> Receipt | None:
        """Have the node's log commit to every log that changed since it last did; None when none did."""
        with self._writing:
            self._check_writable()
            changed = [
                log for log in self._logs.values() if log.name != NODE and log.frozen is None and log.tail.committed != log.tail.size
            ]
            if not changed:
                return None
            public, leaves = commitments.compose(
                commitments.Committed(commitments.name_hash(log.name), log.tail.size, log.head.root) for log in changed
            )
            change, position = self._change(), self._logs[NODE].tail.size
            keys = tuple(node_index.committed(log.name) for log in changed)
            change.append(Batch(NODE, position, (Draft(commitments.TAG, time, actor, b"", public=public, keys=keys),)))
            change.put("commitments", NUMBER.pack(position), leaves)
            for log in changed:
                change.replace(log.name, attrs.evolve(log.tail, committed=log.tail.size))
            return self._commit_own(change)

    def put_snapshot(self, log: str, *, size: int, root: bytes, fingerprint: bytes, state: bytes) -> bytes:
        """Keep a sealed state of ``log`` at a durable position; its digest, to be put on the log."""
        with self._writing:
            self._check_writable()
            known = self._log(log)
            if not 0 < size <= known.tail.size or not compare_digest(self._root_at(known, size), root):
                raise BadDraft(f"log {log!r} has no durable position {size} of that root")
            key = self._keys.data_key(log, month_of(known.tail.time))
            snapshot = snapshots.make(key, log, Head(size, root, b""), fingerprint, state)
            self._durably(lambda txn: snapshots.put(self._env, txn, known.tail.id, snapshot))
            return snapshot.digest

    def prepare_segment(self, log: str, *, before: int, progress: Callable[[int], None] = lambda index: None) -> Segment | None:
        """Write the next closed month of a log (or a part of it) to the archive's files; None when none is over by ``before`` (µs).

        Holds up nothing and changes nothing: ``adopt_segment`` does.  One at a time.  Raises OSError, and then leaves nothing.
        """
        tail = self._log(log).tail
        with self._env.reading() as txn:
            segment = archiving.next_segment(self._env, txn, tail, before)
        if segment is not None:
            archiving.write(self._env, segment, progress)
        return segment

    def adopt_segment(self, segment: Segment) -> None:
        """Name a prepared segment; raises BadDraft when bodies in it have changed since, and it must be prepared again."""
        with self._writing:
            self._check_writable()
            with self._env.reading() as txn:
                archiving.check(self._env, txn, segment)
            self._durably(lambda txn: archiving.put(self._env, txn, segment))

    def sweep_archived(self, log: str) -> bool:
        """Drop some of what the archive holds from the tables; whether there is more."""
        with self._writing:
            self._check_writable()
            number, more = self._log(log).tail.id, False

            def sweep(txn: Txn) -> None:
                nonlocal more
                more = archiving.sweep(self._env, txn, number)

            self._durably(sweep)
            return more

    def archived(self, log: str) -> int:
        """How many entries, from the first on, lie in the archive."""
        with self._env.reading() as txn:
            return archived.archived(self._env, txn, self._log(log).tail.id)

    def put_witnessed(self, log: str, note: bytes) -> None:
        """Keep a cosigned checkpoint of ``log``; VerificationError for one that is not its own, or is smaller than what is kept."""
        self.put_all_witnessed({log: note})

    def put_all_witnessed(self, notes: Mapping[str, bytes]) -> None:
        """The same for many logs in one transaction: all of them, or none."""
        with self._writing:
            self._check_writable()
            for name, note in notes.items():
                size, keys = self._log(name).tail.size, (self._keys.verifier(name),)
                witnessed.check(note, keys, size=size, root_at=partial(self.root_at, name), before=self.witnessed(name))
            if notes:
                numbers = {self._log(name).tail.id: note for name, note in notes.items()}
                self._durably(lambda txn: witnessed.put_all(self._env, txn, numbers))

    def probe(self) -> None:
        """Write and sync something that says nothing; raises what a commit would while writing does not work.

        After a failed commit ``reopen()`` comes first, since the caller must learn what is there; after a failed probe
        the next one reopens by itself.
        """
        with self._writing:
            if self._probe_failed:
                self._reopen()
            self._check_writable()
            try:
                self._durably(lambda txn: txn.put(b"probe", os.urandom(8), db=self._env.table("meta")))
            except CommitFailed:
                self._probe_failed = True
                raise

    def reopen(self) -> None:
        """Close, open, and look at the end of every log: what is there is what is true."""
        with self._writing:
            self._reopen()

    # What is read

    def logs(self) -> Mapping[str, Head]:
        """Where every log ends, as durable just now."""
        return MappingProxyType({name: log.head for name, log in self._logs.items()})

    def head(self, log: str) -> Head:
        """Where a log ends, as durable just now."""
        return self._log(log).head

    def read(self, log: str, start: int, stop: int) -> list[Record]:
        """The entries from ``start`` to before ``stop``, fewer where the log ends."""
        tail = self._log(log).tail
        with self._env.reading() as txn:
            return [stored.record_at(self._env, txn, tail.id, index) for index in range(max(0, start), min(stop, tail.size))]

    def open_body(self, log: str, record: Record) -> bytes:
        """The body, as the header committed to it; raises BodyRemoved, or VerificationError for anything else."""
        return self.open_salted(log, record)[seal.SALT_SIZE :]

    def open_salted(self, log: str, record: Record) -> bytes:
        """Salt ‖ body: what the header's commitment is the SHA-256 of, for a reader who checks it; raises as ``open_body``."""
        try:
            parsed = header.parse(record.entry)
            if parsed.tenant != log or parsed.sequence != record.seq:
                raise VerificationError("the header belongs to another place")
            if record.sealed is None:
                raise BodyRemoved(f"the body of entry {record.seq} of log {log!r} was removed")
            key = self._keys.data_key_by_id(log, seal.key_id(record.sealed))
            if key is None:
                raise VerificationError("the data key that sealed the body is not there")
            return seal.open_salted(key, record.sealed, parsed.commitment)
        except VerificationError as error:
            raise error.at(log, record.seq) from None

    def find(self, log: str, key: bytes) -> int | None:
        """The last entry that was written under an index key."""
        tail = self._log(log).tail
        where = index_key(tail.id.to_bytes(4, "big"), key)
        with self._env.reading() as txn:
            found = txn.get(where, db=self._env.table("index"))
        seq = None if found is None else int(NUMBER.unpack(found)[0])
        return seq if seq is not None and seq < tail.size else None  # a commit may be on the disk before it is known here

    def commitment(self, log: str) -> tuple[int, bytes] | None:
        """The newest entry of the node's log that commits to ``log``, and all its leaves."""
        seq = self.find(NODE, node_index.committed(log))
        if seq is None:
            return None
        with self._env.reading() as txn:
            leaves = txn.get(NUMBER.pack(seq), db=self._env.table("commitments"))
        return None if leaves is None else (seq, leaves)

    def case_entries(self, log: str, case: str) -> list[int]:
        """The entries of a case, by its own counter."""
        tail = self._log(log).tail
        prefix = case_prefix(tail.id.to_bytes(4, "big"), case)
        with self._env.reading() as txn:
            return [seq for seq in stored.case_sequence(self._env, txn, prefix) if seq < tail.size]

    def leaf_hashes(self, log: str, start: int, stop: int) -> list[bytes]:
        """The leaf hashes from ``start`` to before ``stop``, fewer where the log ends."""
        tail = self._log(log).tail
        with self._env.reading() as txn:
            return [value[:HASH_SIZE] for _, value in stored.values(self._env, txn, tail.id, max(0, start), min(stop, tail.size))]

    def root_at(self, log: str, size: int) -> bytes:
        """The root of the log's first ``size`` entries; raises ValueError for a size that the log has not."""
        self._check_size(log, size)
        return self._root_at(self._log(log), size)

    def frontier(self, log: str, size: int) -> tuple[bytes, ...]:
        """The roots of the complete subtrees at ``size``, widest first: what recomputing the root from there needs."""
        self._check_size(log, size)
        return self._proved(log, lambda node_at: tuple(node_at(level, index) for level, index in frontier_places(size)))

    def prove_inclusion(self, log: str, index: int, size: int) -> tuple[bytes, ...]:
        """RFC 9162 §2.1.3; raises ValueError for a size or an index that the log has not."""
        self._check_size(log, size)
        return self._proved(log, lambda node_at: proofs.prove_inclusion(node_at, index, size))

    def prove_consistency(self, log: str, first: int, second: int) -> tuple[bytes, ...]:
        """RFC 9162 §2.1.4; raises ValueError for sizes that the log has not."""
        self._check_size(log, second)
        return self._proved(log, lambda node_at: proofs.prove_consistency(node_at, first, second))

    def witnessed(self, log: str) -> bytes | None:
        """The newest checkpoint that others have cosigned, as a note; None where there is none."""
        number = self._log(log).tail.id
        with self._env.reading() as txn:
            return witnessed.get(self._env, txn, number)

    def snapshots(self, log: str) -> list[Snapshot]:
        """What is kept, newest first; not opened, so not believed."""
        number = self._log(log).tail.id
        with self._env.reading() as txn:
            return snapshots.stored(self._env, txn, number)

    def open_snapshot(self, log: str, snapshot: Snapshot) -> bytes:
        """The state, when digest, seal, binding and the log's own root at that size all hold; else VerificationError."""
        known = self._log(log)
        key = self._keys.data_key_by_id(log, seal.key_id(snapshot.sealed))
        if key is None:
            raise VerificationError("the data key that sealed the snapshot is not there", log=log, index=snapshot.size)
        if not 0 < snapshot.size <= known.tail.size or not compare_digest(self._root_at(known, snapshot.size), snapshot.root):
            raise VerificationError("the snapshot is of another log than this", log=log, index=snapshot.size)
        return snapshots.unseal(key, log, snapshot)

    def verify(self, *, progress: Progress = no_progress, bodies: bool = True) -> Report:
        """``verify_directory`` from within, while others write; ``bodies`` are opened against their commitments.

        Damaged pages may kill this process, so a server that wants to live has ``verify_in_child`` do it.
        """
        return verify_environment(self._env, self._keys.verifier(NODE), progress=progress, keys=self._keys if bodies else None)

    # Inside

    def _found(self) -> None:
        meta = self._env.table("meta")
        with self._env.reading() as txn:
            form, node = txn.get(b"format", db=meta), txn.get(b"node", db=meta)
        if form is None and node is None:
            change = self._change()
            change.put("meta", b"format", FORMAT)
            change.put("meta", b"node", self._node.encode())
            change.replace(NODE, Tail(NODE_ID))
            change.sign()
            self._durably(lambda txn: change.write(self._env, txn))
        elif form != FORMAT:
            raise UnsuitableDirectory(f"{self._path} holds {form!r}, this program reads {FORMAT!r}")
        elif node != self._node.encode():
            raise UnsuitableDirectory(f"{self._path} is the ledger of node {node!r}, not of {self._node!r}")

    def _load(self) -> None:
        with self._env.reading() as txn:
            self._logs = load(self._env, txn, self._node, self._keys)

    def _reopen(self) -> None:
        if self._stopped == _CLOSED:
            raise Closed("the ledger is closed")
        self._stopped, self._probe_failed = "reopening did not succeed", False
        try:
            self._fault("reopen")
            self._env.reopen()
            self._load()
        except (lmdb.Error, OSError, UnsuitableDirectory) as error:
            raise CommitFailed(f"the ledger cannot be opened again: {error}") from error
        self._stopped = None

    def _change(self) -> Change:
        return Change(self._logs, self._node, self._keys)

    def _commit_own(self, change: Change) -> Receipt:
        """Commit a change whose one batch is ours, on the node's log."""
        if (why := self._logs[NODE].frozen) is not None:
            raise LogFrozen(f"the node's log takes no entries: {why}")
        self._commit(change)
        (answer,) = change.answers()
        if not isinstance(answer, Receipt):
            raise BadDraft(f"the entry cannot be made: {answer}")
        return answer

    def _commit(self, change: Change) -> None:
        change.sign()
        self._durably(lambda txn: change.write(self._env, txn))
        for name, tail in change.tails.items():
            log = self._logs.get(name)
            if log is None:
                # A new dictionary: readers in other threads may be walking the old one.
                self._logs = {**self._logs, name: Log(name, tail, change.heads[name], Sealing(self._keys, name))}
            else:
                log.tail, log.head = tail, change.heads[name]

    def _durably(self, write: Callable[[Txn], None]) -> None:
        try:
            self._env.write(write, self._fault)
        except BaseException as error:
            self._stopped = f"a commit failed: {error}"
            if isinstance(error, CommitFailed):
                raise
            if isinstance(error, lmdb.Error | OSError):
                kind = DiskFull if self._is_full(error) else CommitFailed
                raise kind(f"{self._path}: {error}; nothing is written until the ledger is reopened") from error
            raise

    def _is_full(self, error: Exception) -> bool:
        if isinstance(error, OSError):
            return error.errno in (errno.ENOSPC, errno.EDQUOT)
        if isinstance(error, lmdb.DiskError):
            return True
        room = os.statvfs(self._path)
        return room.f_bavail * room.f_frsize < LOWEST_ROOM

    def _check_writable(self) -> None:
        if self._stopped == _CLOSED:
            raise Closed("the ledger is closed")
        if self._stopped is not None:
            raise WritingStopped(f"nothing is written until the ledger is reopened: {self._stopped}")

    def _log(self, log: str) -> Log:
        try:
            return self._logs[log]
        except KeyError:
            raise UnknownLog(f"no log named {log!r} was admitted") from None

    def _check_size(self, log: str, size: int) -> None:
        if not 0 <= size <= self._log(log).tail.size:
            raise ValueError(f"log {log!r} has no size {size} yet")

    def _proved(self, log: str, prove: Callable[[NodeAt], tuple[bytes, ...]]) -> tuple[bytes, ...]:
        with self._env.reading() as txn:
            return prove(stored.nodes(self._env, txn, self._log(log).tail.id))

    def _root_at(self, log: Log, size: int) -> bytes:
        if size == log.tail.size:
            return log.head.root
        with self._env.reading() as txn:
            node_at = stored.nodes(self._env, txn, log.tail.id)
            return subtree_root(node_at, 0, size)


_CLOSED = "closed"
