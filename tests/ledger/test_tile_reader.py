"""A log read from tiles alone gives the same roots, proofs and entries as the log, and no others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import VerificationError, leaf_hash, verify_consistency, verify_inclusion
from ledger.tile_paths import ENTRIES, WIDTH, Tile, hashes_on, tiles_of
from ledger.tile_reader import TileReader, fold
from ledger.tiles import bundle
from ledger.tree import root_over

ENTRIES_OF_ALL = [b"entry %d" % number for number in range(66_000)]


def served(size: int) -> dict[str, bytes]:
    """Every tile of a tree of ``size``, made the plain way."""
    levels = [[leaf_hash(entry) for entry in ENTRIES_OF_ALL[:size]]]
    while len(levels[-1]) >= WIDTH:
        last = levels[-1]
        levels.append([fold(last[at : at + WIDTH]) for at in range(0, len(last) - WIDTH + 1, WIDTH)])
    return {
        tile.path: bundle(ENTRIES_OF_ALL[tile.start : min(size, tile.start + tile.width)])
        if tile.level == ENTRIES
        else b"".join(levels[tile.level][tile.start : tile.start + tile.width])
        for tile in tiles_of(size)
    }


WHOLE = served(66_000)
ROOT = root_over(ENTRIES_OF_ALL)


def reader(files: dict[str, bytes] = WHOLE, size: int = 66_000, root: bytes = ROOT) -> TileReader:
    return TileReader(files.get, size, root)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 700), st.data())
def test_small_trees_give_every_root_and_proof(size: int, data: st.DataObject) -> None:
    root = root_over(ENTRIES_OF_ALL[:size])
    tree = reader(served(size), size, root)
    tree.check_root()
    first = data.draw(st.integers(0, size))
    first_root = root_over(ENTRIES_OF_ALL[:first])
    assert tree.root_at(first) == first_root
    verify_consistency(first, size, tree.prove_consistency(first, first_root), first_root, root)
    if size:
        index = data.draw(st.integers(0, size - 1))
        assert tree.entry(index) == ENTRIES_OF_ALL[index]
        leaf = leaf_hash(ENTRIES_OF_ALL[index])
        verify_inclusion(leaf, index, size, tree.prove_inclusion(index, leaf), root)


@pytest.mark.parametrize("index", [0, 255, 256, 65_535, 65_536, 65_999])
def test_a_tree_of_three_levels_gives_entries_wherever_they_lie(index: int) -> None:
    assert reader().entry(index) == ENTRIES_OF_ALL[index]


def test_a_partial_tile_that_is_gone_is_read_from_the_full_one() -> None:
    small = served(300)
    files = {path: data for path, data in served(600).items() if ".p" not in path}
    files |= {path: data for path, data in small.items() if path.startswith("tile/1/")}
    tree = reader(files, 300, root_over(ENTRIES_OF_ALL[:300]))
    tree.check_root()
    assert tree.entry(299) == ENTRIES_OF_ALL[299]


def test_a_missing_tile_is_named() -> None:
    files = dict(WHOLE)
    del files["tile/entries/003"]
    with pytest.raises(VerificationError, match="tile/entries/003 is missing"):
        reader(files).entry(3 * WIDTH)


@pytest.mark.parametrize(
    "changed", ["tile/0/000", "tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1", f"{Tile(0, 257, 208).path}", "tile/entries/000"]
)
def test_a_tile_with_a_flipped_bit_proves_nothing_that_needs_it(changed: str) -> None:
    data = WHOLE[changed]
    files = WHOLE | {changed: data[:40] + bytes([data[40] ^ 4]) + data[41:] if len(data) > 40 else bytes([data[0] ^ 4]) + data[1:]}
    uses: list[Callable[[], object]] = [
        reader(files).check_root,
        lambda: reader(files).entry(0),
        lambda: reader(files).entry(4),
        lambda: reader(files).entry(65_990),
    ]
    refused = 0
    for use in uses:
        try:
            use()
        except VerificationError:
            refused += 1
    assert refused


def test_nothing_is_asked_for_beyond_the_tree() -> None:
    for ask in (lambda: reader().entry(66_000), lambda: reader().root_at(66_001), lambda: reader().prove_consistency(66_001, ROOT)):
        with pytest.raises(ValueError, match=r"no index|no size|beginning"):
            ask()


def test_an_empty_tree_has_the_empty_root_and_no_tiles() -> None:
    reader({}, 0, root_over([])).check_root()
    assert not list(tiles_of(0))
    assert hashes_on(ENTRIES, 0) == 0
