"""One checkpoint of the node commits to every tenant: the root over (SHA-256(log name), size, root) of what changed.

The entry ``log.heads/1`` of the node's log holds that root in its public part; the leaves lie beside it in the clear,
so that a check needs no data key.  Names are hashed: who sees the node's log learns how many logs changed, not whose.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from struct import Struct

import attrs

from ledger import canonical
from ledger.errors import VerificationError
from ledger.tree import root_over

TAG = "log.heads/1"
_LEAF = Struct(">32sQ32s")


@attrs.frozen(order=True)
class Committed:
    """One tenant's log as the node committed to it."""

    name: bytes  # SHA-256 of the log's name
    size: int
    root: bytes

    def leaf(self) -> bytes:
        """Its bytes in the tree."""
        return _LEAF.pack(self.name, self.size, self.root)


def name_hash(log: str) -> bytes:
    """How a log is named in a commitment."""
    return sha256(log.encode()).digest()


def compose(heads: Iterable[Committed]) -> tuple[bytes, bytes]:
    """The public part of the entry, and the leaves to keep beside it."""
    leaves = [head.leaf() for head in sorted(heads)]
    return canonical.encode({"count": len(leaves), "root": root_over(leaves)}), b"".join(leaves)


def parse(public: bytes, leaves: bytes | None) -> list[Committed]:
    """What the entry commits to, or VerificationError."""
    if leaves is None or not leaves or len(leaves) % _LEAF.size:
        raise VerificationError("the leaves that the entry commits to are missing or cut")
    parts = [leaves[start : start + _LEAF.size] for start in range(0, len(leaves), _LEAF.size)]
    if public != canonical.encode({"count": len(parts), "root": root_over(parts)}):
        raise VerificationError("the leaves are not the ones that the entry commits to")
    return [Committed(*_LEAF.unpack(part)) for part in parts]
