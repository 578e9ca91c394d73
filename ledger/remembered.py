"""A log that was put back alone, however consistent in itself, is contradicted by what else remembers how far it had come.

    the node's log     the newest of its entries that commits to the log's size and root
    the witnesses      the newest checkpoint of the log that was cosigned

Both lie in the same transaction as the log's own row.  Signatures are not looked at here, since keys change: ``verify`` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from hmac import compare_digest

import attrs

from ledger import commitments, node_index, stored, witnessed
from ledger.checkpoint import Checkpoint
from ledger.commitments import Committed
from ledger.entry import NODE
from ledger.environment import NUMBER, Environment, Txn
from ledger.errors import VerificationError
from ledger.header import parse
from ledger.tail import Tail, index_key
from ledger.tree import EMPTY_ROOT, subtree_root

_NODE_ID = 0  # as in ``ledger.logs``, which this serves


@attrs.frozen
class Remembered:
    """For one opening: an entry that commits to a thousand logs is read once."""

    env: Environment
    txn: Txn
    _entries: dict[int, dict[bytes, Committed]] = attrs.field(factory=dict, init=False)

    def check(self, log: str, tail: Tail) -> None:
        """Raise VerificationError where the log ends before what is remembered of it, or had another root there."""
        node_at = stored.nodes(self.env, self.txn, tail.id)
        for who, size, root in self._of(log, tail.id):
            if size > tail.size:
                raise VerificationError(f"{who} {size} entries, and the log ends at {tail.size}: it was rolled back", log=log)
            found = subtree_root(node_at, 0, size) if size else EMPTY_ROOT
            if not compare_digest(root, found):
                raise VerificationError(f"{who} {size} entries with another root than the log has: it is another log", log=log)

    def _of(self, log: str, number: int) -> Iterator[tuple[str, int, bytes]]:
        if log != NODE and (head := self._committed(log)) is not None:
            yield "the node's log commits to", head.size, head.root
        if (note := witnessed.get(self.env, self.txn, number)) is not None:
            seen = Checkpoint.parse("\n".join(note.decode(errors="replace").split("\n")[:3]) + "\n")
            yield "witnesses have cosigned", seen.size, seen.root

    def _committed(self, log: str) -> Committed | None:
        where = index_key(_NODE_ID.to_bytes(4, "big"), node_index.committed(log))
        found = self.txn.get(where, db=self.env.table("index"))
        if found is None:
            return None
        sequence = int(NUMBER.unpack(found)[0])
        if sequence not in self._entries:
            value = stored.value_at(self.env, self.txn, _NODE_ID, sequence)
            if value is None:
                raise VerificationError("the entry that commits to it is missing from the node's log", log=log, index=sequence)
            leaves = self.txn.get(NUMBER.pack(sequence), db=self.env.table("commitments"))
            heads = commitments.parse(parse(stored.split(sequence, value)[1]).public, leaves)
            self._entries[sequence] = {head.name: head for head in heads}
        return self._entries[sequence].get(commitments.name_hash(log))
