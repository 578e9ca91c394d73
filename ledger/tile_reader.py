"""A log read from its tiles alone, wherever they come from: entries, nodes, roots and proofs.

Nothing fetched is believed: a ``TileReader`` is made for a tree head that somebody checked the signature of, and every
proof and entry it gives has been checked against that head's root.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hmac import compare_digest
from pathlib import Path
from typing import TypeAlias

from ledger import proofs, tiles
from ledger.errors import VerificationError
from ledger.tile_paths import ENTRIES, HEIGHT, WIDTH, Tile, hashes_on
from ledger.tree import leaf_hash, node_hash, subtree_root

Fetch: TypeAlias = Callable[[str], bytes | None]  # path below the log's prefix → content; None where there is none

_KEPT = 64  # tiles held, 8 KiB each; a proof in a tree of 2**48 leaves takes seven, and its neighbours the same ones
_LARGEST = WIDTH * (2 + 0xFFFF)  # bytes of the largest bundle there can be: more is not a tile


def directory(path: Path, *, largest: int = _LARGEST) -> Fetch:
    """The files below a directory, of each at most one byte more than ``largest``."""

    def fetch(name: str) -> bytes | None:
        try:
            with (path / name).open("rb") as file:
                return file.read(largest + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None

    return fetch


def read(fetch: Fetch, tile: Tile) -> bytes:
    """The bytes at a tile's place; where a partial one is gone, as much of the full one; else VerificationError."""
    found = fetch(tile.path)
    if found is None and tile.width != WIDTH and (whole := fetch(tile.full.path)) is not None:
        return tiles.shortened(tile, whole)  # "Partial Tiles": the log may delete one once the full one is there
    if found is None:
        raise VerificationError(f"{tile.path} is missing")
    return found


class TileReader:
    """The tree of ``size`` entries with that ``root``, by its tiles."""

    def __init__(self, fetch: Fetch, size: int, root: bytes) -> None:
        self._fetch, self._size, self._root = fetch, size, root
        self._held: OrderedDict[Tile, bytes] = OrderedDict()

    def check_root(self) -> None:
        """The tiles at the tree's right edge lead to the root; else VerificationError."""
        if not compare_digest(self.root_at(self._size), self._root):
            raise VerificationError(f"the tiles lead to another root for size {self._size} than the checkpoint's")

    def root_at(self, size: int) -> bytes:
        """The root that the tiles have at ``size``.  Not checked: a consistency proof does that."""
        if not 0 <= size <= self._size:
            raise ValueError(f"the tree has no size {size}")
        return subtree_root(self.node_at, 0, size)

    def prove_inclusion(self, index: int, leaf: bytes) -> tuple[bytes, ...]:
        """The proof that the entry with leaf hash ``leaf`` is at ``index``, checked against the root."""
        proof = proofs.prove_inclusion(self.node_at, index, self._size)
        proofs.verify_inclusion(leaf, index, self._size, proof, self._root)
        return proof

    def prove_consistency(self, first: int, first_root: bytes) -> tuple[bytes, ...]:
        """The proof that the tree of ``first`` entries with its root is the beginning of this one, checked against both."""
        proof = proofs.prove_consistency(self.node_at, first, self._size)
        proofs.verify_consistency(first, self._size, proof, first_root, self._root)
        return proof

    def entry(self, index: int) -> bytes:
        """The entry at ``index``, proved to be in the tree."""
        if not 0 <= index < self._size:
            raise ValueError(f"the tree has no index {index}")
        tile = self._tile(ENTRIES, index // WIDTH)
        entry = tiles.entries_in(self.content(tile), tile.width)[index % WIDTH]
        self.prove_inclusion(index, leaf_hash(entry))
        return entry

    def node_at(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree of 2**level leaves, folded from its tile.  Not checked by itself."""
        tile_level, rest = divmod(level, HEIGHT)
        first = index << rest  # the leftmost of 2**rest hashes, all in one tile
        tile = self._tile(tile_level, first // WIDTH)
        hashes = tiles.hashes_in(self.content(tile), tile.width)
        start = first % WIDTH
        return fold(hashes[start : start + (1 << rest)])

    def _tile(self, level: int, index: int) -> Tile:
        """The tile with that index, as wide as the tree's size makes it."""
        return Tile(level, index, min(WIDTH, hashes_on(level, self._size) - index * WIDTH))

    def content(self, tile: Tile) -> bytes:
        """The bytes of a tile or bundle of the tree, as fetched.  Not checked by itself."""
        if (found := self._held.get(tile)) is not None:
            self._held.move_to_end(tile)
            return found
        found = read(self._fetch, tile)
        self._held[tile] = found
        if len(self._held) > _KEPT:
            self._held.popitem(last=False)
        return found


def fold(hashes: list[bytes]) -> bytes:
    """The hash of the complete subtree over a power of two of hashes."""
    while len(hashes) > 1:
        hashes = [node_hash(hashes[at], hashes[at + 1]) for at in range(0, len(hashes), 2)]
    return hashes[0]
