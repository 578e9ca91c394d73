"""Inclusion and consistency: made from stored nodes in O(log n), and checked by anyone.

RFC 9162 §2.1.3 (inclusion) and §2.1.4 (consistency).  The checks are the ones of §2.1.3.2 and §2.1.4.2 in their
compact form: split the path where it leaves the tree's right edge, fold the parts.  Every failure is VerificationError.
"""

from __future__ import annotations

from collections.abc import Sequence
from hmac import compare_digest

from ledger.errors import VerificationError
from ledger.tree import EMPTY_ROOT, HASH_SIZE, NodeAt, node_hash, subtree_root


def prove_inclusion(node_at: NodeAt, index: int, size: int) -> tuple[bytes, ...]:
    """RFC 9162 §2.1.3.1: the path of the leaf at ``index`` in the tree of ``size``, lowest first."""
    if not 0 <= index < size:
        raise ValueError(f"no index {index} in a tree of {size}")
    (path,) = prove_inclusions(node_at, index, index + 1, size)
    return path


def prove_inclusions(node_at: NodeAt, start: int, stop: int, size: int) -> list[tuple[bytes, ...]]:
    """``prove_inclusion`` for each index from ``start`` to before ``stop``, which share most of their paths.

    Level by level: a leaf's path has the neighbour of each node above it, where there is one.  The last node of a level
    may be incomplete, and is then folded from the last one below; above the level at which the range lies under one node
    all paths are the same.
    """
    if not 0 <= start < stop <= size:
        raise ValueError(f"no range [{start}, {stop}) in a tree of {size}")
    levels, shared = list[dict[int, bytes]](), list[bytes]()
    low, high, last, edge, level = start, stop - 1, size - 1, node_at(0, size - 1), 0  # ``edge``: the hash of the node ``last``
    while last:
        if low < high:
            wanted = range(low & ~1, min(high | 1, last) + 1)
            levels.append({index: edge if index == last else node_at(level, index) for index in wanted})
        elif (neighbour := low ^ 1) <= last:
            shared.append(edge if neighbour == last else node_at(level, neighbour))
        if last & 1:
            edge = node_hash(node_at(level, last - 1), edge)
        low, high, last, level = low >> 1, high >> 1, last >> 1, level + 1
    paths, end = list[tuple[bytes, ...]](), tuple(shared)
    for index in range(start, stop):
        path = []
        for neighbours in levels:
            if (neighbour := index ^ 1) in neighbours:
                path.append(neighbours[neighbour])
            index >>= 1  # the leaf's, then that of each node above it
        paths.append((*path, *end))
    return paths


def prove_consistency(node_at: NodeAt, first: int, second: int) -> tuple[bytes, ...]:
    """RFC 9162 §2.1.4.1: that the tree of ``first`` leaves is the beginning of the tree of ``second``."""
    if not 0 <= first <= second:
        raise ValueError(f"a tree of {first} is not the beginning of one of {second}")
    return prove_subtree(node_at, 0, first, second)


def prove_subtree(node_at: NodeAt, start: int, stop: int, size: int) -> tuple[bytes, ...]:
    """That the leaves [start, stop) lie in the tree of ``size``: draft-ietf-plants-merkle-tree-certs §4.4.

    ``start`` is a multiple of the smallest power of two that holds the range.  With 0 it is RFC 9162's consistency.
    """
    if start == stop:
        return ()
    path, left, right, whole = list[bytes](), 0, size, True
    while (start, stop) != (left, right):
        middle = left + _half(right - left)
        if stop <= middle:
            path.append(subtree_root(node_at, middle, right))
            right = middle
        else:
            path.append(subtree_root(node_at, left, middle))
            if start < middle:
                start, whole = middle, False
            left = middle
    if not whole:  # the known root is left out only when it is one of the tree's own
        path.append(subtree_root(node_at, left, right))
    return tuple(reversed(path))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """RFC 9162 §2.1.3.2: ``leaf`` (a leaf hash) is at ``index`` of the tree of ``size`` with that ``root``."""
    if not 0 <= index < size:
        raise VerificationError(f"no index {index} in a tree of {size}")
    inner, border = _inner(index, size), (index >> _inner(index, size)).bit_count()
    _check_hashes(proof, inner + border, leaf, root)
    found = leaf
    for level, sibling in enumerate(proof[:inner]):
        found = node_hash(sibling, found) if index >> level & 1 else node_hash(found, sibling)
    for sibling in proof[inner:]:
        found = node_hash(sibling, found)
    if not compare_digest(found, root):
        raise VerificationError(f"the inclusion proof of index {index} leads to another root")


def verify_consistency(first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes) -> None:
    """RFC 9162 §2.1.4.2: the tree of ``first`` with its root is the beginning of the tree of ``second`` with its."""
    if not 0 <= first <= second:
        raise VerificationError(f"a tree of {first} is not the beginning of one of {second}")
    if first in (0, second):
        _check_hashes(proof, 0, first_root, second_root)
        if first == 0 and not compare_digest(first_root, EMPTY_ROOT):
            raise VerificationError("the root of an empty tree is another")
        if first == second and not compare_digest(first_root, second_root):
            raise VerificationError("the roots of the same tree differ")
        return
    inner = _inner(first - 1, second)
    shift = (first & -first).bit_length() - 1  # the old tree's complete right subtree starts the climb
    inner, border = inner - shift, (first - 1 >> inner).bit_count()
    start = 0 if first == 1 << shift else 1  # a complete old tree is its own start and is left out of the proof
    _check_hashes(proof, start + inner + border, first_root, second_root)
    old = new = proof[0] if start else first_root
    rest, mask = proof[start:], first - 1 >> shift
    for level, sibling in enumerate(rest[:inner]):
        if mask >> level & 1:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
        else:
            new = node_hash(new, sibling)
    for sibling in rest[inner:]:
        old, new = node_hash(sibling, old), node_hash(sibling, new)
    if not compare_digest(old, first_root):
        raise VerificationError(f"the consistency proof leads to another root for size {first}")
    if not compare_digest(new, second_root):
        raise VerificationError(f"the consistency proof leads to another root for size {second}")


def _half(width: int) -> int:
    """The largest power of two smaller than ``width`` (RFC 6962 §2.1)."""
    return 1 << (width - 1).bit_length() - 1


def _inner(index: int, size: int) -> int:
    """How many levels up the leaf's path still differs from the right edge's."""
    return (index ^ (size - 1)).bit_length()


def _check_hashes(proof: Sequence[bytes], expected: int, *stated: bytes) -> None:
    """A proof of so many hashes, and ``stated`` hashes: what is hashed together would mean something else at other lengths."""
    if len(proof) != expected:
        raise VerificationError(f"a proof of {len(proof)} hashes where {expected} are needed")
    if any(len(item) != HASH_SIZE for item in (*proof, *stated)):
        raise VerificationError("a proof with something that is no hash")
