"""C2SP tlog-tiles, "Merkle Tree" and "Log entries": what a tile or a bundle of entries is called, and which a tree has.

    tile/<L>/<N>[.p/<W>]          hashes [256 N, 256 N + W) of the complete subtrees of 256**L leaves
    tile/entries/<N>[.p/<W>]      the entries whose hashes tile/0/<N> holds

N in groups of three digits, all but the last behind an ``x``; a full tile is 256 wide and has no ``.p``.  Full tiles of
a log never change, and nor does a partial one of a given width: the tree only grows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

WIDTH = 256  # of a full tile: 2**HEIGHT
HEIGHT = 8  # levels of the tree that one tile holds
ENTRIES = -1  # stands for the level of a bundle of entries
HIGHEST_LEVEL = 63  # the specification's
LARGEST_INDEX = (1 << 63) - 1  # no tree is larger than its size can be said

_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([0-9]{1,3}))?", re.ASCII)


@attrs.frozen(order=True)
class Tile:
    """One tile, or with ``level`` ENTRIES one bundle."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it lies, from the log's prefix on."""
        digits, rest = f"{self.index % 1000:03}", self.index // 1000
        while rest:
            digits, rest = f"x{rest % 1000:03}/{digits}", rest // 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"tile/{level}/{digits}" + (f".p/{self.width}" if self.width != WIDTH else "")

    @property
    def start(self) -> int:
        """The first subtree (or entry) in it, counted on its level."""
        return self.index * WIDTH

    @property
    def full(self) -> Tile:
        """The one that it becomes when the tree has grown."""
        return Tile(self.level, self.index)

    def is_in(self, size: int) -> bool:
        """Whether a tree of ``size`` has all that is in it."""
        return self.start + self.width <= hashes_on(self.level, size)

    @classmethod
    def parse(cls, path: str) -> Tile | None:
        """What lies at exactly that path; None for a path that no tile has."""
        found = _PATH.fullmatch(path)
        if found is None:
            return None
        level, digits, width = found.groups()
        index = int(digits.replace("x", "").replace("/", ""))
        tile = cls(ENTRIES if level == "entries" else int(level), index, WIDTH if width is None else int(width))
        # Leading zeros, a width of 0 or 256 and more, a group too many: one path a tile, as caches need it.
        fits = tile.level <= HIGHEST_LEVEL and tile.index <= LARGEST_INDEX and 1 <= tile.width <= WIDTH
        return tile if fits and tile.path == path else None


def hashes_on(level: int, size: int) -> int:
    """How many hashes (or entries) a tree of ``size`` has on that level of tiles."""
    return size if level == ENTRIES else size >> HEIGHT * level


def tiles_of(size: int, *, since: int = 0) -> Iterator[Tile]:
    """Every tile and bundle of a tree of ``size`` that one of size ``since`` has not; each bundle just before its tile."""
    level = 0
    while count := hashes_on(level, size):
        before = hashes_on(level, since)
        if count > before:
            for index in range(before // WIDTH, count // WIDTH):
                yield from _pair(level, index, WIDTH)
            if count % WIDTH:
                yield from _pair(level, count // WIDTH, count % WIDTH)
        level += 1


def count_of(size: int, *, since: int = 0) -> int:
    """How many ``tiles_of`` yields, for those who show progress."""
    total, level = 0, 0
    while count := hashes_on(level, size):
        before = hashes_on(level, since)
        if count > before:
            total += (count // WIDTH - before // WIDTH + bool(count % WIDTH)) * (2 if level == 0 else 1)
        level += 1
    return total


def _pair(level: int, index: int, width: int) -> Iterator[Tile]:
    if level == 0:
        yield Tile(ENTRIES, index, width)
    yield Tile(level, index, width)
