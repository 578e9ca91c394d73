"""The whole of a data directory is what the node's key vouches for, or VerificationError names the first place that is not.

Reads only, in a stream, beside a running writer, and without a data key.  In this order:

    1  one view of where every log ends; the node's name is the key's, which is or was one of its keys
    2  the node's log from its first entry: every header re-encodes and follows the one before, every leaf hash and
       node stored is the one that follows from the entries, the frontier and the last row agree, the checkpoint is signed
    3  what that log says: which other logs there are, which keys count for them and for itself, and which heads of theirs it
       committed to
    4  every other log likewise, with its own keys; its tree had each committed root at each committed size
    5  every body is there and whole (by its CRC; with ``keys`` it is opened against its commitment), or a removal names it
    6  the newest cosigned checkpoint of a log, where one is kept, is signed by a key of that log and has its root at its size
    7  the index of cases has a row for each entry of a case and no other; the callers' index is whole; nothing is of no log

The memory it takes is the same for a thousand entries and for a billion: nothing is kept of an entry but the frontier, of
commitments the last one of each log, of what was removed the ranges.

Damaged pages can kill the reading process: ``ledger.audit_child`` runs this in one that may die.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

import attrs
import lmdb

from ledger import admission, commitments, removal, seal, stored, witnessed
from ledger.audit_commitments import CommittedLogs
from ledger.audit_entries import EntriesCheck
from ledger.audit_index import check_callers_index, check_strangers, difference_in_cases, sum_of_cases
from ledger.entry import NODE
from ledger.environment import FORMAT, NUMBER, Environment, Txn
from ledger.errors import UnsuitableDirectory, VerificationError
from ledger.header import Header
from ledger.keys import Keys
from ledger.logs import NODE_ID, row_key
from ledger.note import VerifierKey
from ledger.opening import check_head
from ledger.tail import Tail, parse_row
from ledger.tree import subtree_root
from ledger.trust import Trust

CHUNK = 4096  # entries a read transaction: an old one would keep the writer from reusing pages
STEP = 256  # entries looked at together: some hundred kilobytes, and how exactly a dying reader's place is known

Progress = Callable[[str, int], None]


@attrs.frozen
class Verified:
    """One log that was checked from end to end."""

    log: str
    size: int
    root: bytes
    commitments: int  # how many of the node's entries committed to it
    removed: int  # bodies that are gone, as its own entries say
    witnessed: bytes = b""  # the newest cosigned checkpoint that is kept, as a note; by whom is for a policy to judge
    keys: tuple[VerifierKey, ...] = ()  # every key that ever counted for it, by the node's log


@attrs.frozen
class Report:
    """What a directory was found to hold, every byte of it vouched for."""

    node: str
    logs: tuple[Verified, ...]

    @property
    def entries(self) -> int:
        """How many entries there are in all logs."""
        return sum(log.size for log in self.logs)


def no_progress(log: str, index: int) -> None:
    """Nobody watches."""


def verify_directory(
    path: str | os.PathLike[str], key: VerifierKey, *, progress: Progress = no_progress, keys: Keys | None = None
) -> Report:
    """Check everything in ``path`` by the node's verifier key; ``progress(log, index)`` before the entries from there on are looked at."""
    with _as_damage("", None):
        env = Environment(Path(path), read_only=True)
    try:
        return verify_environment(env, key, progress=progress, keys=keys)
    finally:
        env.close()


def verify_environment(env: Environment, key: VerifierKey, *, progress: Progress = no_progress, keys: Keys | None = None) -> Report:
    """The same for an environment that is open here: LMDB lets one process open the same files only once."""
    return _Audit(env, key, progress, keys).run()


class _Audit:
    """One pass; what the node's log says is gathered on the way."""

    def __init__(self, env: Environment, key: VerifierKey, progress: Progress, keys: Keys | None) -> None:
        self._env, self._key, self._progress, self._keys = env, key, progress, keys
        self._trust = Trust(key)
        self._salt = os.urandom(16)
        self._committed = CommittedLogs({})
        self._cosigned = dict[str, bytes]()
        self._keyless = list[tuple[int, bytes]]()  # bodies whose key was not there: (index, commitment)

    def run(self) -> Report:
        with _as_damage("", None):
            rows = self._rows()
        if NODE not in rows:
            raise VerificationError("the row of the node's log is missing", log=NODE)
        self._committed = CommittedLogs({log: tail for log, (tail, _) in rows.items()})
        found = [self._check_log(NODE, NODE_ID, *rows[NODE])]
        admitted = self._trust.admissions
        for entry in admitted.values():
            if entry.log not in rows:
                raise VerificationError("a log that was admitted is missing", log=entry.log)
        if self._committed.names() - {commitments.name_hash(log) for log in admitted}:
            raise VerificationError("the node's log commits to a log that was never admitted", log=NODE)
        for log in sorted(rows.keys() - {NODE}):
            if log not in admitted:
                raise VerificationError("a log that was never admitted", log=log)
            entry = admitted[log]
            found.append(self._check_log(log, entry.id, *rows[log]))
        with _as_damage("", None), self._env.reading() as txn:
            numbers = {parse_row(row)[0].id for _, row in txn.cursor(self._env.table("logs"))}  # with those admitted meanwhile
            check_strangers(self._env, txn, numbers)
        return Report(self._key.name, tuple(found))

    def _rows(self) -> dict[str, tuple[Tail, bytes]]:
        rows = dict[str, tuple[Tail, bytes]]()
        with self._env.reading() as txn:
            meta = self._env.table("meta")
            if (form := txn.get(b"format", db=meta)) != FORMAT:
                raise UnsuitableDirectory(f"the directory holds {form!r}, this program reads {FORMAT!r}")
            if (node := txn.get(b"node", db=meta)) != self._key.name.encode():
                other = (node or b"").decode(errors="replace")
                raise VerificationError(f"the directory is of node {other!r}, the key of {self._key.name!r}")
            for key, row in txn.cursor(self._env.table("logs")):
                try:
                    name = key[1:].decode()
                except UnicodeDecodeError:
                    raise VerificationError(f"a log's name is damaged: {key!r}") from None
                try:
                    rows[name] = parse_row(row)
                except VerificationError as error:
                    raise error.at(name) from None
                tail = rows[name][0]
                if (note := witnessed.get(self._env, txn, tail.id)) is not None:
                    self._cosigned[name] = note
                for what, read in (("an entry", stored.values), ("a body", stored.bodies)):
                    for index, _ in read(self._env, txn, tail.id, tail.size, tail.size + 1):
                        raise VerificationError(f"{what} lies beyond the end of the log", log=name, index=index)
        return rows

    def _check_log(self, log: str, number: int, tail: Tail, checkpoint: bytes) -> Verified:
        if tail.id != number:
            raise VerificationError("the row that ends the log points to another log's entries", log=log)
        check = EntriesCheck(log, number, self._salt)
        missing, removed = removal.Ranges(), list[tuple[int, int]]()
        self._read(check, tail.size, missing, removed)
        committed = self._committed.of(log)
        if committed.wrong is not None:
            raise committed.wrong
        while (gone := missing.first_outside(removed)) is not None:
            # It may have been removed while this was reading: then the entry that says so lies further on.
            later, signed = self._row(log)
            if later.size <= check.size:
                raise VerificationError("the body is missing and no entry says that it was removed", log=log, index=gone)
            tail, checkpoint = attrs.evolve(later, committed=tail.committed), signed
            self._read(check, tail.size, missing, removed)
        self._check_end(log, tail, checkpoint, check.tail(committed.size))
        with _as_damage(log, None):
            if sum_of_cases(self._env, log, number, check.size, self._salt) != check.cases:
                raise difference_in_cases(self._env, log, number, check.size)
            check_callers_index(self._env, log, number, check.size, lambda: self._row(log)[0].size)
        self._check_cosigned(log, number, tail.size)
        keys = self._trust.recorded_keys_of(log)
        return Verified(log, tail.size, tail.root, committed.count, missing.count(), self._cosigned.get(log, b""), keys)

    def _check_cosigned(self, log: str, number: int, size: int) -> None:
        """The nodes were all recomputed by now, so the root at any size follows from a few of them."""
        if (note := self._cosigned.get(log)) is None:
            return
        with _as_damage(log, None), self._env.reading() as txn:
            node_at = stored.nodes(self._env, txn, number)
            try:
                keys = self._trust.recorded_keys_of(log)  # it may have been cosigned before the key that was given took over
                witnessed.check(note, keys, size=size, root_at=lambda at: subtree_root(node_at, 0, at))
            except VerificationError as error:
                raise VerificationError(f"the witnessed checkpoint: {error.what}", log=log) from None

    def _read(self, check: EntriesCheck, size: int, missing: removal.Ranges, removed: list[tuple[int, int]]) -> None:
        """Check the entries up to ``size``, and their bodies."""
        log, number, env = check.log, check.number, self._env
        wanted = None if self._keys is None else list[bytes]()
        for start in range(check.size, size, CHUNK):
            with _as_damage(log, start), env.reading() as txn:
                stop = min(start + CHUNK, size)
                for first in range(start, stop, STEP):
                    self._progress(log, first)
                    last = min(first + STEP, stop)
                    entries, bodies = stored.many(env, txn, number, first, last)
                    for header in check.take(entries, wanted):
                        if number == NODE_ID:
                            self._heed(txn, header)
                        if header.tag == removal.TAG:
                            removed += removal.parse(header)
                    self._check_bodies(log, first, bodies, missing)
                    if wanted is not None:
                        self._open_bodies(log, first, bodies, wanted)
                        wanted.clear()
            self._look_again(log, number)

    def _heed(self, txn: Txn, header: Header) -> None:
        """What the node's own log says about the others."""
        try:
            self._trust.heed(header)
            if header.tag == admission.TAG and admission.parse(header.public).id != len(self._trust.admissions):
                raise VerificationError("a log is admitted out of turn")
            if header.tag == commitments.TAG:
                leaves = txn.get(NUMBER.pack(header.sequence), db=self._env.table("commitments"))
                for head in commitments.parse(header.public, leaves):
                    self._committed.check(self._env, txn, head)
        except VerificationError as error:
            raise error.at(NODE, header.sequence) from None

    def _check_bodies(self, log: str, first: int, bodies: Sequence[bytes | None], missing: removal.Ranges) -> None:
        """Every body that is there is whole; the others are noted."""
        for index, body in enumerate(bodies, first):
            if body is None:
                missing.add(index)
            elif body[:4] != crc32(body[4:]).to_bytes(4, "big"):  # ``seal.is_whole``, without a call a body
                raise VerificationError("the sealed body is damaged", log=log, index=index)

    def _open_bodies(self, log: str, first: int, bodies: Sequence[bytes | None], commitments_: Sequence[bytes]) -> None:
        """Every body that is there is the committed one, for who has the keys."""
        assert self._keys is not None
        for index, (body, commitment) in enumerate(zip(bodies, commitments_, strict=True), first):
            if body is not None:
                sealed = seal.unchecked(body)
                key = self._keys.data_key_by_id(log, seal.key_id(sealed))
                if key is None:
                    self._keyless.append((index, commitment))
                    continue
                try:
                    seal.open_body(key, sealed, commitment)
                except VerificationError as error:
                    raise error.at(log, index) from None

    def _look_again(self, log: str, number: int) -> None:
        """Bodies whose key was gone: their month may have been sealed again, or removed, since this transaction began."""
        for index, commitment in self._keyless:
            with self._env.reading() as txn:
                body = stored.body_at(self._env, txn, number, index)
            sealed = b"" if body is None else seal.unchecked(body)
            if body is not None and self._keys is not None:
                key = self._keys.data_key_by_id(log, seal.key_id(sealed))
                try:
                    if key is None:
                        raise VerificationError("the data key that sealed the body is not there")
                    seal.open_body(key, sealed, commitment)
                except VerificationError as error:
                    raise error.at(log, index) from None
        self._keyless.clear()

    def _row(self, log: str) -> tuple[Tail, bytes]:
        """Where a log ends by now."""
        with self._env.reading() as txn:
            row = txn.get(row_key(log), db=self._env.table("logs"))
        if row is None:
            raise VerificationError("the row that says where the log ends has gone", log=log)
        return parse_row(row)

    def _check_end(self, log: str, stated: Tail, checkpoint: bytes, found: Tail) -> None:
        end = found.size - 1 if found.size else None
        if stated != found:
            names = [field.name for field in attrs.fields(Tail) if getattr(stated, field.name) != getattr(found, field.name)]
            raise VerificationError(f"the row that ends the log differs from its entries in {', '.join(names)}", log=log, index=end)
        try:
            check_head(stated, self._trust.open(log, checkpoint))
        except VerificationError as error:
            raise VerificationError(f"the checkpoint: {error.what}", log=log, index=end) from None


@contextmanager
def _as_damage(log: str, index: int | None) -> Iterator[None]:
    """LMDB stumbling over its own pages is damage, and found at this place or a little after."""
    try:
        yield
    except lmdb.Error as error:
        raise VerificationError(f"LMDB cannot read its pages: {error}", log=log, index=index) from error
