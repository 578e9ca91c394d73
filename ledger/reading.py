"""What a ledger answers about its logs: from any thread, also while a write syncs, always as of something durable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hmac import compare_digest
from types import MappingProxyType

from ledger import archived, forgetting, header, node_index, proofs, seal, snapshots, stored, tiles, witnessed
from ledger.audit import Progress, Report, no_progress, verify_environment
from ledger.entry import NODE, Head, Record
from ledger.environment import NUMBER, Environment
from ledger.errors import BodyRemoved, UnknownLog, VerificationError
from ledger.keys import Keys
from ledger.logs import Log
from ledger.snapshots import Snapshot
from ledger.tail import case_prefix, index_key
from ledger.tile_paths import Tile
from ledger.tree import HASH_SIZE, NodeAt, frontier_places, subtree_root


class Reader:
    """The reading half of ``ledger.store.Ledger``, which moves ``_logs`` on after each commit."""

    def __init__(self, env: Environment, keys: Keys) -> None:
        self._env, self._keys = env, keys
        self._logs: dict[str, Log] = {}

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
            sealed, key = record.sealed, self._keys.data_key_by_id(log, seal.key_id(record.sealed))
            if key is None:  # it may have been sealed again, or removed, since it was read
                (now,) = self.read(log, record.seq, record.seq + 1)
                if now.sealed is None:
                    raise BodyRemoved(f"the body of entry {record.seq} of log {log!r} was removed")
                sealed, key = now.sealed, self._keys.data_key_by_id(log, seal.key_id(now.sealed))
            if key is None:
                raise VerificationError("the data key that sealed the body is not there")
            return seal.open_salted(key, sealed, parsed.commitment)
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

    def find_under(self, log: str, prefix: bytes, *, after: bytes = b"", limit: int) -> list[tuple[bytes, int]]:
        """What follows ``prefix`` in index keys, and their last entries: in the order of the keys, beyond ``after``, at most ``limit``."""
        tail = self._log(log).tail
        begin = index_key(tail.id.to_bytes(4, "big"), prefix)
        found: list[tuple[bytes, int]] = []
        with self._env.reading() as txn:
            cursor = txn.cursor(self._env.table("index"))
            if cursor.set_range(begin + after):
                for key, value in cursor:
                    if not key.startswith(begin) or len(found) >= limit:
                        break
                    seq = int(NUMBER.unpack(value)[0])
                    if key != begin + after and seq < tail.size:
                        found.append((key[len(begin) :], seq))
        return found

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

    def prove_inclusions(self, log: str, start: int, stop: int, size: int) -> list[tuple[bytes, ...]]:
        """The same for every index from ``start`` to before ``stop``: a few µs each, for the answers to a batch."""
        self._check_size(log, size)
        if not 0 <= start < stop <= size:
            raise ValueError(f"log {log!r} has no entries [{start}, {stop}) at size {size}")
        number = self._log(log).tail.id
        with self._env.reading() as txn:
            return proofs.prove_inclusions(stored.nodes_around(self._env, txn, number, start, stop), start, stop, size)

    def prove_consistency(self, log: str, first: int, second: int) -> tuple[bytes, ...]:
        """RFC 9162 §2.1.4; raises ValueError for sizes that the log has not."""
        self._check_size(log, second)
        return self._proved(log, lambda node_at: proofs.prove_consistency(node_at, first, second))

    def tile(self, log: str, tile: Tile) -> bytes:
        """C2SP tlog-tiles: the bytes of a tile or a bundle of entries; raises ValueError for one that the log has not."""
        tail = self._log(log).tail
        if not tile.is_in(tail.size):
            raise ValueError(f"log {log!r} has no {tile.path} yet")
        with self._env.reading() as txn:
            return tiles.content(self._env, txn, tail.id, tile)

    def witnessed(self, log: str) -> bytes | None:
        """The newest checkpoint that others have cosigned, as a note; None where there is none."""
        number = self._log(log).tail.id
        with self._env.reading() as txn:
            return witnessed.get(self._env, txn, number)

    def owes_forgetting(self, log: str) -> tuple[str, ...]:
        """The months whose old keys are still to be destroyed."""
        number = self._log(log).tail.id
        with self._env.reading() as txn:
            return tuple(owes.month for owes in forgetting.owed(self._env, txn, number))

    def months(self, log: str) -> list[forgetting.Month]:
        """The months that have entries, oldest first, by their places."""
        with self._env.reading() as txn:
            return forgetting.months(self._env, txn, self._log(log))

    def held_bodies(self, log: str, start: int, stop: int) -> list[tuple[header.Header, int]]:
        """The entries from ``start`` to before ``stop`` whose bodies are there, with the bytes these take."""
        with self._env.reading() as txn:
            return list(forgetting.held(self._env, txn, self._log(log), start, stop))

    def weight(self, log: str, start: int, stop: int) -> tuple[int, int]:
        """How many bodies are there from ``start`` to before ``stop``, and their bytes."""
        with self._env.reading() as txn:
            return forgetting.weight(self._env, txn, self._log(log), start, stop)

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

    def archived(self, log: str) -> int:
        """How many entries, from the first on, lie in the archive."""
        with self._env.reading() as txn:
            return archived.archived(self._env, txn, self._log(log).tail.id)

    def verify(self, *, progress: Progress = no_progress, bodies: bool = True) -> Report:
        """``verify_directory`` from within, while others write; ``bodies`` are opened against their commitments.

        Damaged pages may kill this process, so a server that wants to live has ``verify_in_child`` do it.
        """
        return verify_environment(self._env, self._keys.verifier(NODE), progress=progress, keys=self._keys if bodies else None)

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
            return prove(stored.nodes_kept(self._env, txn, self._log(log).tail.id))

    def _root_at(self, log: Log, size: int) -> bytes:
        if size == log.tail.size:
            return log.head.root
        with self._env.reading() as txn:
            node_at = stored.nodes(self._env, txn, log.tail.id)
            return subtree_root(node_at, 0, size)
