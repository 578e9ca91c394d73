"""The Merkle tree of RFC 6962 §2.1 (= RFC 9162 §2.1): SHA-256, leaf = H(0x00 ‖ entry), node = H(0x01 ‖ left ‖ right).

The tree is kept as a *frontier*: the roots of the largest complete subtrees, widest first, one for each one-bit of the
size.  Appending a leaf completes as many nodes as the new size has trailing zero bits; those nodes are stored with
that leaf, and never change.  So the node (level, index) lies with leaf ((index + 1) << level) − 1, at place ``level``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import TypeAlias

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()  # RFC 6962 §2.1: the hash of an empty list

NodeAt: TypeAlias = Callable[[int, int], bytes]  # (level, index) → stored hash of a complete subtree of 2**level leaves


def leaf_hash(entry: bytes) -> bytes:
    """RFC 6962 §2.1: the 0x00 keeps a leaf from ever being taken for a node."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 §2.1."""
    return sha256(b"\x01" + left + right).digest()


def nodes_with_leaf(index: int) -> int:
    """How many hashes are stored with the leaf at ``index``: itself and the nodes that it completes."""
    size = index + 1
    return (size & -size).bit_length()


def extend(frontier: list[bytes], size: int, leaf: bytes) -> list[bytes]:
    """Append one leaf hash in place; the hashes it completes, itself first.  Hot."""
    done = [leaf]
    while size & 1:
        leaf = sha256(b"\x01" + frontier.pop() + leaf).digest()
        done.append(leaf)
        size >>= 1
    frontier.append(leaf)
    return done


def root_of(frontier: Sequence[bytes]) -> bytes:
    """The root over a frontier: folded from the narrow end."""
    if not frontier:
        return EMPTY_ROOT
    root = frontier[-1]
    for left in reversed(frontier[:-1]):
        root = node_hash(left, root)
    return root


def frontier_places(size: int) -> list[tuple[int, int]]:
    """Where the frontier's hashes are stored: (level, index), widest first."""
    places, start = [], 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            places.append((level, start >> level))
            start += 1 << level
    return places


def root_over(leaves: Iterable[bytes]) -> bytes:
    """The root of a whole small tree of entries."""
    frontier: list[bytes] = []
    for index, entry in enumerate(leaves):
        extend(frontier, index, leaf_hash(entry))
    return root_of(frontier)


def subtree_root(node_at: NodeAt, start: int, stop: int) -> bytes:
    """The root over leaves [start, stop), from O(log n) stored nodes.

    ``start`` is a multiple of the smallest power of two that holds the range, as every range within a tree is.
    """
    places = frontier_places(stop - start)
    return root_of([node_at(level, (start >> level) + index) for level, index in places])
