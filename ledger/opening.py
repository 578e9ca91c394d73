"""Nothing is assumed of a log that is opened: what its end says of itself must agree.

    1  the checkpoint, signed by a key that signs now, names this log, its size, and the root of the stored frontier
    2  each hash of the frontier is the node stored at its place
    3  the last entries re-encode, follow one another, hash to their leaves, and complete the nodes stored with them
    4  nothing lies beyond the end

A log that fails is served frozen, read-only, under the reason found here; the whole of a log is ``verify``'s to check.
"""

from __future__ import annotations

from collections.abc import Sequence
from hmac import compare_digest

from ledger import stored
from ledger.checkpoint import Checkpoint, open_checkpoint
from ledger.environment import Environment, Txn
from ledger.errors import VerificationError
from ledger.header import FIRST, Header, parse
from ledger.note import VerifierKey
from ledger.tail import Tail
from ledger.tree import HASH_SIZE, NodeAt, frontier_places, leaf_hash, node_hash

TAIL_ENTRIES = 64  # more than one torn page holds, at 3 µs each: a thousand logs open in a fifth of a second


def check_log(env: Environment, txn: Txn, log: str, tail: Tail, checkpoint: bytes, keys: Sequence[VerifierKey]) -> None:
    """Raise VerificationError naming the first bad entry near the end of the log, if there is one."""
    node_at = stored.nodes(env, txn, tail.id)
    start = max(0, tail.size - TAIL_ENTRIES)
    try:
        previous = FIRST if start == 0 else node_at(0, start - 1)
        for index in range(start, tail.size):
            value = stored.value_at(env, txn, tail.id, index)
            if value is None:
                raise VerificationError("the entry is missing", index=index)
            previous, _ = check_entry(log, index, value, previous, node_at)
        check_frontier(tail, previous, node_at)
        check_head(tail, open_checkpoint(checkpoint, keys))
        for index, _ in stored.values(env, txn, tail.id, tail.size, tail.size + 1):
            raise VerificationError("an entry lies beyond the end of the log", index=index)
    except VerificationError as error:
        raise error.at(log) from None


def check_entry(log: str, index: int, value: bytes, previous: bytes, node_at: NodeAt) -> tuple[bytes, Header]:
    """The leaf hash and the header of a stored entry that is all it must be; ``previous`` is the leaf hash before it."""
    hashes, entry = stored.split(index, value)
    try:
        header = parse(entry)
    except VerificationError as error:
        raise VerificationError(error.what, index=index) from None
    if header.tenant != log or header.sequence != index:
        raise VerificationError("the header belongs to another place", index=index)
    if not compare_digest(header.previous, previous):
        raise VerificationError("the header does not follow the entry before it", index=index)
    leaf = found = leaf_hash(entry)
    for level in range(len(hashes) // HASH_SIZE):
        if level:
            found = node_hash(node_at(level - 1, (index >> level - 1) - 1), found)
        if not compare_digest(hashes[HASH_SIZE * level : HASH_SIZE * (level + 1)], found):
            raise VerificationError(
                f"the stored node at level {level} is another" if level else "the stored leaf hash is another", index=index
            )
    return leaf, header


def check_frontier(tail: Tail, last: bytes, node_at: NodeAt) -> None:
    """The frontier is made of the stored nodes, and the last leaf is the last entry's."""
    for held, (level, index) in zip(tail.frontier, frontier_places(tail.size), strict=True):
        if not compare_digest(held, node_at(level, index)):
            raise VerificationError(f"the frontier differs from the node at level {level}", index=(index + 1 << level) - 1)
    if not compare_digest(tail.last, last):
        raise VerificationError("the row that ends the log names another last entry", index=tail.size - 1 if tail.size else None)


def check_head(tail: Tail, signed: Checkpoint) -> None:
    """The checkpoint that was signed is of this size and this root."""
    if signed.size != tail.size:
        raise VerificationError(f"the signed checkpoint is of size {signed.size}, the log of {tail.size}")
    if not compare_digest(signed.root, tail.root):
        raise VerificationError("the signed checkpoint is of another root")
