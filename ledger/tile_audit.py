"""Every file below a log's ``tile/`` is what its checkpoint vouches for, or VerificationError names the first that is not.

In one pass, with at most a tile a level in memory:

    1  each bundle holds exactly its entries; each hashes to what its tile on level 0 holds for it
    2  each full tile folds to the hash that the tile above holds for it
    3  the partial tiles at the right edge lead to the checkpoint's root
    4  every other file is a tile of this tree: a partial one of an earlier size, or a full one that came before its
       checkpoint; what of it the checkpoint covers is the same

A checkpoint's signature is checked by whoever opened it.  With ``Headers`` each entry is looked into as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from hmac import compare_digest
from pathlib import Path

import attrs

from ledger import tiles
from ledger.audit_entries import EntriesCheck
from ledger.checkpoint import Checkpoint
from ledger.errors import VerificationError
from ledger.header import Header
from ledger.tile_paths import ENTRIES, HEIGHT, WIDTH, Tile, hashes_on
from ledger.tile_reader import directory, fold, read
from ledger.tree import extend, leaf_hash, subtree_root

Progress = Callable[[int, int], None]  # entries checked, entries in all
OnEntries = Callable[[int, Sequence[bytes], Sequence[bytes]], None]  # index of the first, entries in order, their leaf hashes


@attrs.frozen
class Audited:
    """What was found."""

    origin: str
    size: int
    root: bytes
    files: int  # every byte of them vouched for
    beyond: int  # of those, or parts of those, that only a later checkpoint will vouch for


def no_progress(done: int, whole: int) -> None:
    """Nobody watches."""


def no_check(start: int, entries: Sequence[bytes], leaves: Sequence[bytes]) -> None:
    """Entries of any kind."""


class Headers:
    """Each entry is the header of its place, and follows the one before; ``heed`` is given those that say something in public.

    The node committed to the log's root at some sizes: ``committed`` are (size, root), rising; ``beyond`` counts those past its end.
    """

    def __init__(self, log: str, heed: Callable[[Header], None] | None = None, committed: Iterable[tuple[int, bytes]] = ()) -> None:
        self._check, self._heed, self._frontier = EntriesCheck(log, 0, b""), heed, list[bytes]()
        self._committed = iter(committed)
        self._next = next(self._committed, None)
        self.met = 0  # commitments that held

    def __call__(self, start: int, entries: Sequence[bytes], leaves: Sequence[bytes]) -> None:
        values = [
            b"".join(extend(self._frontier, index, leaf)) + entry
            for index, (leaf, entry) in enumerate(zip(leaves, entries, strict=True), start)
        ]
        at = 0
        while self._next is not None and self._next[0] <= start + len(values):
            at = self._take(values, at, self._next[0] - start)
            if not compare_digest(self._next[1], self._check.root):
                raise VerificationError("the node committed to another root at this size", log=self._check.log, index=start + at - 1)
            self.met, self._next = self.met + 1, next(self._committed, None)
        self._take(values, at, len(values))

    def beyond(self) -> int:
        """How many commitments are to sizes that did not come: the node's log was exported later than this one."""
        return sum(1 for _ in self._committed) + (self._next is not None)

    def _take(self, values: list[bytes], at: int, stop: int) -> int:
        for header in self._check.take(values[at:stop]):
            if self._heed is not None:
                self._heed(header)
        return stop


def audit_tiles(path: Path, checkpoint: Checkpoint, *, on_entries: OnEntries = no_check, progress: Progress = no_progress) -> Audited:
    """Check every file below ``path``'s ``tile/`` against a checkpoint that somebody has opened."""
    return _Audit(path, checkpoint, on_entries, progress).run()


class _Audit:
    def __init__(self, path: Path, checkpoint: Checkpoint, on_entries: OnEntries, progress: Progress) -> None:
        self._path, self._checkpoint, self._on_entries, self._progress = path, checkpoint, on_entries, progress
        self._fetch = directory(path)
        self._held: list[list[bytes]] = []  # by level: the hashes of the tile that is not full yet
        self._full: list[int] = []  # by level: how many tiles have been

    def run(self) -> Audited:
        size = self._checkpoint.size
        for index in range(-(-size // WIDTH)):
            self._progress(index * WIDTH, size)
            self._add(0, self._check_entries(index))
        for level, held in enumerate(self._held[1:], 1):
            if held:
                self._compare(Tile(level, hashes_on(level, size) // WIDTH, len(held)), held)
        if not compare_digest(subtree_root(self._node_at, 0, size), self._checkpoint.root):
            raise VerificationError(f"the entries of {self._checkpoint.origin} lead to another root than its checkpoint of size {size}")
        files = beyond = 0
        for name in self._files():
            files += 1
            beyond += self._check_other(name)
        return Audited(self._checkpoint.origin, size, self._checkpoint.root, files, beyond)

    def _check_entries(self, index: int) -> list[bytes]:
        """The leaf hashes of one bundle, which its tile holds too."""
        width = min(WIDTH, self._checkpoint.size - index * WIDTH)
        bundle, tile = Tile(ENTRIES, index, width), Tile(0, index, width)
        entries, expected = self._entries(bundle), self._hashes(tile)
        found = [leaf_hash(entry) for entry in entries]
        for at, leaf in enumerate(found):
            if not compare_digest(leaf, expected[at]):
                raise VerificationError(
                    f"the entry in {bundle.path} does not hash to what {tile.path} holds for it", index=bundle.start + at
                )
        self._on_entries(bundle.start, entries, found)
        return found

    def _add(self, level: int, found: list[bytes]) -> None:
        """More hashes on a level, never beyond its tile; one that is full is compared, and folded into the level above."""
        if level == len(self._held):
            self._held.append([])
            self._full.append(0)
        held = self._held[level]
        held += found
        if len(held) == WIDTH:
            if level:
                self._compare(Tile(level, self._full[level]), held)
            self._full[level] += 1
            self._held[level] = []
            self._add(level + 1, [fold(held)])

    def _compare(self, tile: Tile, expected: list[bytes]) -> None:
        for at, (found, hashed) in enumerate(zip(self._hashes(tile), expected, strict=True)):
            if not compare_digest(found, hashed):
                child = Tile(tile.level - 1, tile.start + at)
                raise VerificationError(
                    f"hash {at} of {tile.path} is not what {child.path} folds to", index=child.start << HEIGHT * child.level
                )

    def _node_at(self, level: int, index: int) -> bytes:
        """A node of the right edge, from what is held."""
        tile_level, rest = divmod(level, HEIGHT)
        start = (index << rest) % WIDTH
        return fold(self._held[tile_level][start : start + (1 << rest)])

    def _files(self) -> Iterator[str]:
        for parent, inside, names in os.walk(self._path / "tile"):
            inside.sort()
            for name in sorted(names):
                yield (Path(parent) / name).relative_to(self._path).as_posix()

    def _check_other(self, name: str) -> bool:
        """Whether the file, or a part of it, lies beyond the checkpoint; what does not is what was checked above."""
        tile = Tile.parse(name)
        if tile is None:
            raise VerificationError(f"{name} is no tile: nothing else may lie there")
        covered = min(tile.width, hashes_on(tile.level, self._checkpoint.size) - tile.start)
        if covered == tile.width == WIDTH or covered <= 0:
            return covered <= 0
        data = self._fetch(name)
        if data is None:
            raise VerificationError(f"{name} is missing")
        try:
            (tiles.entries_in if tile.level == ENTRIES else tiles.hashes_in)(data, tile.width)
        except VerificationError as error:
            raise VerificationError(f"{name}: {error.what}") from None
        part = attrs.evolve(tile, width=covered)
        whole = read(self._fetch, tile.full if tile.full.is_in(self._checkpoint.size) else self._edge(tile))
        if not compare_digest(tiles.shortened(part, data), tiles.shortened(part, whole)):
            raise VerificationError(
                f"{name} differs from the same part of the tree's own tile", index=tile.start << HEIGHT * max(0, tile.level)
            )
        return covered < tile.width

    def _edge(self, tile: Tile) -> Tile:
        """The one that the tree has in its place: partial, at the right edge."""
        return Tile(tile.level, tile.index, hashes_on(tile.level, self._checkpoint.size) - tile.start)

    def _entries(self, tile: Tile) -> list[bytes]:
        return self._parsed(tile, tiles.entries_in)

    def _hashes(self, tile: Tile) -> list[bytes]:
        return self._parsed(tile, tiles.hashes_in)

    def _parsed(self, tile: Tile, parse_as: Callable[[bytes, int], list[bytes]]) -> list[bytes]:
        try:
            return parse_as(read(self._fetch, tile), tile.width)
        except VerificationError as error:
            named = error.what if error.what.startswith(tile.path) else f"{tile.path}: {error.what}"
            raise VerificationError(named, index=tile.start << HEIGHT * max(0, tile.level)) from None
