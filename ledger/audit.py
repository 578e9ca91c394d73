"""The whole of a data directory is what the node's key vouches for, or VerificationError names the first place that is not.

Reads only, in a stream, beside a running writer, and without a data key.  In this order:

    1  one view of where every log ends; the node's name is the key's, which is or was one of its keys
    2  the node's log from its first entry: every header re-encodes and follows the one before, every leaf hash and
       node stored is the one that follows from the entries, the frontier and the last row agree, the checkpoint is signed
    3  what that log says: which other logs there are, which keys count for them and for itself, and which heads of theirs it
       committed to
    4  every other log likewise, with its own keys; its tree had each committed root at each committed size
    5  every body is there and whole (by its CRC; with ``keys`` it is opened against its commitment), or a removal names it

Damaged pages can kill the reading process: ``ledger.audit_child`` runs this in one that may die.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path

import attrs
import lmdb

from ledger import admission, commitments, removal, seal, stored
from ledger.entry import NODE
from ledger.environment import FORMAT, NUMBER, Environment, Txn
from ledger.errors import UnsuitableDirectory, VerificationError
from ledger.header import FIRST, Header, parse
from ledger.keys import Keys
from ledger.logs import NODE_ID
from ledger.note import VerifierKey
from ledger.opening import check_head
from ledger.tail import Tail, case_prefix, parse_row
from ledger.tree import HASH_SIZE, extend, root_of
from ledger.trust import Trust

CHUNK = 4096  # entries a read transaction: an old one would keep the writer from reusing pages

Progress = Callable[[str, int], None]


@attrs.frozen
class Verified:
    """One log that was checked from end to end."""

    log: str
    size: int
    root: bytes
    commitments: int  # how many of the node's entries committed to it
    removed: int  # bodies that are gone, as its own entries say


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
    """Check everything in ``path`` by the node's verifier key; ``progress(log, index)`` before each entry is looked at."""
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
        # SHA-256 of the log's name → 40 bytes a commitment: size ‖ root. Bytes, since there may be one a second for years.
        self._committed: dict[bytes, bytearray] = {}

    def run(self) -> Report:
        with _as_damage("", None):
            rows = self._rows()
        if NODE not in rows:
            raise VerificationError("the row of the node's log is missing", log=NODE)
        found = [self._check_log(NODE, NODE_ID, *rows[NODE])]
        admitted = self._trust.admissions
        for entry in admitted.values():
            if entry.log not in rows:
                raise VerificationError("a log that was admitted is missing", log=entry.log)
        names = {commitments.name_hash(log) for log in admitted}
        if self._committed.keys() - names:
            raise VerificationError("the node's log commits to a log that was never admitted", log=NODE)
        for log in sorted(rows.keys() - {NODE}):
            if log not in admitted:
                raise VerificationError("a log that was never admitted", log=log)
            entry = admitted[log]
            found.append(self._check_log(log, entry.id, *rows[log]))
        return Report(self._key.name, tuple(found))

    def _rows(self) -> dict[str, tuple[Tail, bytes]]:
        rows = dict[str, tuple[Tail, bytes]]()
        with self._env.reading() as txn:
            meta = self._env.table("meta")
            if (form := txn.get(b"format", db=meta)) != FORMAT:
                raise UnsuitableDirectory(f"the directory holds {form!r}, this program reads {FORMAT!r}")
            if (node := txn.get(b"node", db=meta)) != self._key.name.encode():
                raise VerificationError(f"the directory is of node {node!r}, the key of {self._key.name}")
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
                for index, _ in stored.values(self._env, txn, tail.id, tail.size, tail.size + 1):
                    raise VerificationError("an entry lies beyond the end of the log", log=name, index=index)
        return rows

    def _check_log(self, log: str, number: int, tail: Tail, checkpoint: bytes) -> Verified:
        if tail.id != number:
            raise VerificationError("the row that ends the log points to another log's entries", log=log)
        expected = _commitments(self._committed.get(commitments.name_hash(log), bytearray()))
        frontier, previous, time, committed = list[bytes](), FIRST, 0, 0
        missing, removed = removal.Ranges(), list[tuple[int, int]]()
        pending = next(expected, None)
        seen = 0
        for start in range(0, tail.size, CHUNK):
            with _as_damage(log, start), self._env.reading() as txn:
                stop, at = min(start + CHUNK, tail.size), start
                for index, value in stored.values(self._env, txn, number, start, stop):
                    if index != at:
                        raise VerificationError("the entry is missing", log=log, index=at)
                    self._progress(log, index)
                    header, previous = self._check_entry(txn, log, number, index, value, previous, frontier)
                    time, at = header.time, at + 1
                    if not self._check_body(txn, log, number, header):
                        missing.add(index)
                    if header.tag == removal.TAG:
                        removed += removal.parse(header)
                    while pending is not None and pending[0] == at:
                        if not compare_digest(pending[1], root_of(frontier)):
                            raise VerificationError("the node committed to another root at this size", log=log, index=index)
                        seen, committed, pending = seen + 1, at, next(expected, None)
                if at != stop:
                    raise VerificationError("the entry is missing", log=log, index=at)
        if pending is not None:
            raise VerificationError(f"the node committed to size {pending[0]}, the log ends at {tail.size}", log=log)
        if (gone := missing.first_outside(removed)) is not None:
            raise VerificationError("the body is missing and no entry says that it was removed", log=log, index=gone)
        self._check_end(log, tail, checkpoint, Tail(number, tail.size, tuple(frontier), previous, time, committed))
        return Verified(log, tail.size, tail.root, seen, missing.count())

    def _check_entry(
        self, txn: Txn, log: str, number: int, index: int, value: bytes, previous: bytes, frontier: list[bytes]
    ) -> tuple[Header, bytes]:
        hashes, entry = stored.split(index, value)
        try:
            header = parse(entry)
        except VerificationError as error:
            raise error.at(log, index) from None
        if header.tenant != log or header.sequence != index:
            raise VerificationError("the header belongs to another place", log=log, index=index)
        if not compare_digest(header.previous, previous):
            raise VerificationError("the header does not follow the entry before it", log=log, index=index)
        leaf = sha256(b"\x00" + entry).digest()
        for level, node in enumerate(extend(frontier, index, leaf)):
            if not compare_digest(node, hashes[HASH_SIZE * level : HASH_SIZE * (level + 1)]):
                raise VerificationError(f"the node stored at level {level} is another", log=log, index=index)
        if header.case:
            where = case_prefix(number.to_bytes(4, "big"), header.case) + NUMBER.pack(header.step) + NUMBER.pack(index)
            if txn.get(where, db=self._env.table("cases")) is None:
                raise VerificationError("the entry is missing from the index of its case", log=log, index=index)
        if number == NODE_ID:
            self._heed(txn, header)
        return header, leaf

    def _heed(self, txn: Txn, header: Header) -> None:
        """What the node's own log says about the others."""
        try:
            self._trust.heed(header)
            if header.tag == admission.TAG and admission.parse(header.public).id != len(self._trust.admissions):
                raise VerificationError("a log is admitted out of turn")
            if header.tag == commitments.TAG:
                leaves = txn.get(NUMBER.pack(header.sequence), db=self._env.table("commitments"))
                for head in commitments.parse(header.public, leaves):
                    self._committed.setdefault(head.name, bytearray()).extend(NUMBER.pack(head.size) + head.root)
        except VerificationError as error:
            raise error.at(NODE, header.sequence) from None

    def _check_body(self, txn: Txn, log: str, number: int, header: Header) -> bool:
        """Whether the body is there; one that is there is whole, and the committed one as far as keys are at hand."""
        body = stored.body_at(self._env, txn, number, header.sequence)
        if body is None:
            return False
        if not seal.is_whole(body):
            raise VerificationError("the sealed body is damaged", log=log, index=header.sequence)
        if self._keys is not None:
            sealed = seal.unchecked(body)
            key = self._keys.data_key_by_id(log, seal.key_id(sealed))
            try:
                if key is None:
                    raise VerificationError("the data key that sealed the body is not there")
                seal.open_body(key, sealed, header.commitment)
            except VerificationError as error:
                raise error.at(log, header.sequence) from None
        return True

    def _check_end(self, log: str, stated: Tail, checkpoint: bytes, found: Tail) -> None:
        end = found.size - 1 if found.size else None
        if stated != found:
            names = [field.name for field in attrs.fields(Tail) if getattr(stated, field.name) != getattr(found, field.name)]
            raise VerificationError(f"the row that ends the log differs from its entries in {', '.join(names)}", log=log, index=end)
        try:
            check_head(stated, self._trust.open(log, checkpoint))
        except VerificationError as error:
            raise VerificationError(f"the checkpoint: {error.what}", log=log, index=end) from None


def _commitments(held: bytearray) -> Iterator[tuple[int, bytes]]:
    """(size, root) of every commitment to a log, which must rise."""
    before = 0
    for start in range(0, len(held), NUMBER.size + HASH_SIZE):
        size = NUMBER.unpack_from(held, start)[0]
        if size <= before:
            raise VerificationError("the node's commitments to a log do not rise", log=NODE)
        before = size
        yield size, bytes(held[start + NUMBER.size : start + NUMBER.size + HASH_SIZE])


@contextmanager
def _as_damage(log: str, index: int | None) -> Iterator[None]:
    """LMDB stumbling over its own pages is damage, and found at this place or a little after."""
    try:
        yield
    except lmdb.Error as error:
        raise VerificationError(f"LMDB cannot read its pages: {error}", log=log, index=index) from error
