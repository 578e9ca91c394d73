"""A log in a ledger's directory as anyone may see it, without a key and beside its running writer: heads, tiles, roots.

Read only, and not believed: whoever is given it checks it against the checkpoint, whose signature is not looked at here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import attrs
import lmdb

from ledger import proofs, stored, tile_heads, tiles, witnessed
from ledger.checkpoint import Checkpoint
from ledger.entry import NODE
from ledger.environment import FORMAT, NUMBER, Environment
from ledger.errors import UnknownLog, UnsuitableDirectory, VerificationError
from ledger.note import unverified_note
from ledger.proof_file import ProofFile
from ledger.tail import parse_row
from ledger.tile_paths import Tile
from ledger.tree import subtree_root


@attrs.frozen
class Published:
    """One log at the size it had when the directory was opened."""

    log: str
    note: bytes  # its newest checkpoint, signed by itself
    checkpoint: Checkpoint  # what that says
    witnessed: bytes | None  # the newest that others have cosigned
    _id: int
    _env: Environment

    def content(self, tile: Tile) -> bytes:
        """The bytes of a tile or bundle; ValueError for one that the log has not."""
        if not tile.is_in(self.checkpoint.size):
            raise ValueError(f"a log of {self.checkpoint.size} entries has no {tile.path}")
        with self._as_damage(), self._env.reading() as txn:
            return tiles.content(self._env, txn, self._id, tile)

    def heads(self, bundle: Tile) -> bytes | None:
        """Of the node's own log what the entries of a bundle commit to, see ``ledger.tile_heads``; None for any other."""
        if self.log != NODE:
            return None
        with self._as_damage(), self._env.reading() as txn:
            table, indexes = self._env.table("commitments"), range(bundle.start, bundle.start + bundle.width)
            return tile_heads.compose([txn.get(NUMBER.pack(index), db=table) or b"" for index in indexes])

    def root_at(self, size: int) -> bytes:
        """The root of its first ``size`` entries, by the stored nodes."""
        with self._as_damage(), self._env.reading() as txn:
            return subtree_root(stored.nodes(self._env, txn, self._id), 0, size)

    def prove_consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """RFC 9162 §2.1.4, by the stored nodes."""
        with self._as_damage(), self._env.reading() as txn:
            return proofs.prove_consistency(stored.nodes(self._env, txn, self._id), first, second)

    def prove(self, index: int, *, latest: bool = False) -> ProofFile:
        """The entry at ``index`` with its proof, under the cosigned checkpoint if that reaches it (and not ``latest``)."""
        if not 0 <= index < self.checkpoint.size:
            raise ValueError(f"{self.checkpoint.origin} has entries 0 to {self.checkpoint.size - 1}, none at {index}")
        note, size = self.note, self.checkpoint.size
        if not latest:
            shown = witnessed.to_publish(self.witnessed, self.note)
            if index < (covered := Checkpoint.parse(unverified_note(shown).text).size):
                note, size = shown, covered
        with self._as_damage(), self._env.reading() as txn:
            hashes = proofs.prove_inclusion(stored.nodes(self._env, txn, self._id), index, size)
            entry = stored.record_at(self._env, txn, self._id, index).entry
        return ProofFile(index=index, hashes=hashes, note=note, extra=entry)

    @contextmanager
    def _as_damage(self) -> Iterator[None]:
        try:
            yield
        except VerificationError as error:
            raise error.at(self.log) from None
        except lmdb.Error as error:
            raise VerificationError(f"LMDB cannot read its pages: {error}", log=self.log) from error


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Mapping[str, Published]]:
    """Every log in the directory, by its name; UnsuitableDirectory where there is no ledger."""
    env = Environment(Path(path), read_only=True)
    try:
        yield _logs(env)
    finally:
        env.close()


def log_in(logs: Mapping[str, Published], name: str) -> Published:
    """The log of that name; UnknownLog says which there are."""
    try:
        return logs[name]
    except KeyError:
        known = ", ".join(sorted(log for log in logs if log)) or "none"
        raise UnknownLog(f"no log named {name!r} was admitted; there are: {known}") from None


def _logs(env: Environment) -> dict[str, Published]:
    found = dict[str, Published]()
    with env.reading() as txn:
        if (form := txn.get(b"format", db=env.table("meta"))) != FORMAT:
            raise UnsuitableDirectory(f"the directory holds {form!r}, this program reads {FORMAT!r}")
        for key, row in txn.cursor(env.table("logs")):
            name = key[1:].decode(errors="replace")
            try:
                tail, note = parse_row(row)
                checkpoint = Checkpoint.parse(unverified_note(note).text)
                if checkpoint.size != tail.size:
                    raise VerificationError(f"the checkpoint is of size {checkpoint.size}, the log of {tail.size}")
            except VerificationError as error:
                raise error.at(name) from None
            found[name] = Published(name, note, checkpoint, witnessed.get(env, txn, tail.id), tail.id, env)
    return found
