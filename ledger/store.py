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
from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from hmac import compare_digest
from pathlib import Path

import attrs
import lmdb

from ledger import admission, archiving, commitments, forgetting, node_index, removal, rotation, snapshots, witnessed
from ledger.change import Change
from ledger.checkpoint import origin_of
from ledger.entry import NODE, Answer, Batch, Draft, Head, Receipt, Refused
from ledger.environment import DEFAULT_MAP_SIZE, FORMAT, NUMBER, Environment, Fault, Txn
from ledger.errors import (
    BadDraft,
    Closed,
    CommitFailed,
    DiskFull,
    LogExists,
    LogFrozen,
    UnsuitableDirectory,
    VerificationError,
    WritingStopped,
)
from ledger.keys import Keys
from ledger.logs import NODE_ID, Log, load
from ledger.medium import ON_DISK, Claim, Medium
from ledger.reading import Reader
from ledger.segments import Segment
from ledger.tail import LONGEST_CASE, Sealing, Tail, month_of

LOWEST_ROOM = 1 << 20  # bytes free below which an input/output error counts as a full disk: LMDB reports a short write so;
# and without which a disk that was full is not taken for one that works again


def no_fault(point: str) -> None:
    """The disk as it is."""


class Ledger(Reader):
    """See the module."""

    def __init__(self, env: Environment, lock: Claim, path: Path, node: str, keys: Keys, fault: Fault, medium: Medium) -> None:
        super().__init__(env, keys)
        self._lock, self._path, self._node, self._fault, self._medium = lock, path, node, fault, medium
        self._writing = threading.Lock()
        self._stopped: str | None = None  # why nothing is written until reopen()
        self._probe_failed = False  # stopped by probe() alone, which may then reopen by itself
        self._was_full = False  # the last commit found no room
        self._bodies_changed = 0  # how often bodies may have been removed or sealed again
        self._looked_through: tuple[Segment, int] | None = None  # a prepared segment, and the number above when it was begun

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        node: str,
        keys: Keys,
        map_size: int = DEFAULT_MAP_SIZE,
        fault: Fault = no_fault,
        medium: Medium = ON_DISK,
    ) -> Ledger:
        """The ledger in ``path``, founded when there is none; raises UnsuitableDirectory, DirectoryBusy."""
        place = Path(path)
        lock = medium.claim(place)
        try:
            env = Environment(place, map_size=map_size, medium=medium)
            try:
                ledger = cls(env, lock, place, node, keys, fault, medium)
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

    def rotate(self, public: bytes, *, time: int, actor: str) -> Receipt:
        """Put on the node's log that a key hands over (``rotation.compose``); the new one signs nothing before that.

        BadDraft for what is no next link.  The receipt is the node's log's, signed by the old key still.
        """
        with self._writing:
            self._check_writable()
            log, node = self._log(rotation.log_of(public)), self._logs[NODE].tail.size
            if log.frozen is not None:
                raise LogFrozen(f"log {log.name!r} takes no entries: {log.frozen}")
            current, last = self._keys.verifier(log.name), self.find(NODE, node_index.keys(log.name))
            draft = rotation.draft(public, size=log.tail.size, current=current, last=last, time=time, actor=actor)
            change = self._change()
            change.append(Batch(NODE, node, (draft,)))
            return self._commit_own(change)

    def sign_again(self, log: str) -> None:
        """Have the log's checkpoint, at the size it has, signed by whoever signs now: every key that does counts then."""
        with self._writing:
            self._check_writable()
            self._log(log)
            change = self._change()
            change.sign_again(log)
            self._commit(change)

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

    def remove_bodies(
        self,
        log: str,
        ranges: forgetting.Ranges,
        *,
        month: str,
        why: str,
        time: int,
        actor: str,
        body: bytes = b"",
        also: tuple[str, ...] = (),
    ) -> Receipt:
        """Delete bodies of one month, and say so in an entry, in one transaction; ``forget`` destroys the month's keys after it.

        ``body`` is the entry's own, for its log's fold; ``also`` names months whose snapshots hold what goes.  Raises BadDraft
        for what cannot be removed so.
        """
        with self._writing:
            self._check_writable()
            known = self._log(log)
            if known.frozen is not None:
                raise LogFrozen(f"log {log!r} takes no entries: {known.frozen}")
            gone = forgetting.Removal.prepare(self._env, forgetting.able(self._keys), known, ranges, month, also)
            before, public = self.find(log, removal.INDEX), removal.compose(gone.ranges, month, why)
            follows = () if before is None else (before,)
            draft = Draft(removal.TAG, time, actor, body, follows=follows, public=public, keys=(removal.INDEX,))
            change = self._change()
            change.append(Batch(log, known.tail.size, (draft,)))
            (refused,) = change.answers() if not change else (None,)
            if isinstance(refused, Refused):
                raise BadDraft(refused.why)
            change.also(gone.write)
            try:
                self._commit(change)
            finally:
                self._bodies_changed += 1
            (answer,) = change.answers()
            assert isinstance(answer, Receipt)
            return answer

    def forget(self, log: str, *, trusted: Container[int] | None = None) -> forgetting.Step:
        """One bounded piece of what removals still owe: sealing again what stays, then the destruction of the old keys.

        DONE when nothing is owed.  To be called until then, on starting too: a crash leaves a removal owing.  ``trusted``: the
        sizes of snapshots that the log's fold relies on; others do not count when the older ones go.
        """
        with self._writing:
            self._check_writable()
            known = self._log(log)
            with self._env.reading() as txn:
                owed = forgetting.owed(self._env, txn, known.tail.id)
            for owes in owed[:1]:
                try:
                    done = forgetting.step(self._env, forgetting.able(self._keys), known, owes, self._durably, trusted)
                finally:
                    self._bodies_changed += 1
                return forgetting.Step.MORE if done is forgetting.Step.DONE and len(owed) > 1 else done
            return forgetting.Step.DONE

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

        Holds up nothing and changes nothing: ``adopt_segment`` does.  One at a time.  Raises OSError, and then leaves nothing;
        BadDraft when bodies in it changed while it was written, and it must be prepared again.
        """
        tail, changed = self._log(log).tail, self._bodies_changed  # the number before the bodies, which may change from here on
        with self._env.reading() as txn:
            segment = archiving.next_segment(self._env, txn, tail, before)
        if segment is not None:
            archiving.write(self._env, segment, progress)
            archiving.look_through(self._env, segment)
            self._looked_through = segment, changed
        return segment

    def adopt_segment(self, segment: Segment) -> None:
        """Name a prepared segment; raises BadDraft when bodies in it have changed since, and it must be prepared again."""
        with self._writing:
            self._check_writable()
            with self._env.reading() as txn:
                # Looking through a hundred thousand bodies would hold up every commit for a third of a second.
                looked_through = self._looked_through == (segment, self._bodies_changed)
                archiving.check(self._env, txn, segment, bodies=not looked_through)
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

    def put_witnessed(self, log: str, note: bytes) -> None:
        """Keep a cosigned checkpoint of ``log``; VerificationError for one that is not its own, or is smaller than what is kept."""
        self.put_all_witnessed({log: note})

    def put_all_witnessed(self, notes: Mapping[str, bytes]) -> None:
        """The same for many logs in one transaction: all of them, or none."""
        with self._writing:
            self._check_writable()
            for name, note in notes.items():
                size, keys = self._log(name).tail.size, self._keys.verifiers(name)
                witnessed.check(note, keys, size=size, root_at=partial(self.root_at, name), before=self.witnessed(name))
            if notes:
                numbers = {self._log(name).tail.id: note for name, note in notes.items()}
                self._durably(lambda txn: witnessed.put_all(self._env, txn, numbers))

    def probe(self) -> None:
        """Write and sync something that says nothing; raises what a commit would while writing does not work.

        After a failed commit ``reopen()`` comes first, since the caller must learn what is there; after a failed probe
        the next one reopens by itself.  After a full disk there must be room again: a probe needs none, a commit does,
        and callers who are let in only to fail have outcomes to ask after instead of a refusal.
        """
        with self._writing:
            if self._probe_failed:
                self._reopen()
            self._check_writable()
            if self._was_full and self._room() < LOWEST_ROOM:
                raise DiskFull(f"{self._path}: less than {LOWEST_ROOM >> 20} MiB are free")
            try:
                self._durably(lambda txn: txn.put(b"probe", os.urandom(8), db=self._env.table("meta")))
            except CommitFailed:
                self._probe_failed = True
                raise

    def reopen(self) -> None:
        """Close, open, and look at the end of every log: what is there is what is true."""
        with self._writing:
            self._reopen()

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
            self._was_full = False
        except BaseException as error:
            self._stopped = f"a commit failed: {error}"
            self._was_full = isinstance(error, DiskFull) or (isinstance(error, lmdb.Error | OSError) and self._is_full(error))
            if isinstance(error, CommitFailed):
                raise
            if isinstance(error, lmdb.Error | OSError):
                kind = DiskFull if self._was_full else CommitFailed
                raise kind(f"{self._path}: {error}; nothing is written until the ledger is reopened") from error
            raise

    def _is_full(self, error: Exception) -> bool:
        if isinstance(error, OSError):
            return error.errno in (errno.ENOSPC, errno.EDQUOT)
        if isinstance(error, lmdb.DiskError):
            return True
        return self._room() < LOWEST_ROOM

    def _room(self) -> int:
        return self._medium.room(self._path)

    def _check_writable(self) -> None:
        if self._stopped == _CLOSED:
            raise Closed("the ledger is closed")
        if self._stopped is not None:
            raise WritingStopped(f"nothing is written until the ledger is reopened: {self._stopped}")


_CLOSED = "closed"
