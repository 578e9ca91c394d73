"""The names of tiles: the vectors of tessera and Go, and what a tree of a size has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.tile_paths import ENTRIES, LARGEST_INDEX, WIDTH, Tile, count_of, hashes_on, tiles_of

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "tile_paths.json").read_text())
SIZES = st.integers(0, 300_000)


def level_of(said: object) -> int:
    return ENTRIES if said == "entries" else int(str(said))


@pytest.mark.parametrize(("level", "index", "partial", "path"), VECTORS["format"])
def test_a_path_reads_and_writes_as_others_do(level: object, index: int, partial: int, path: str) -> None:
    tile = Tile(level_of(level), index, partial or WIDTH)
    assert tile.path == path
    assert Tile.parse(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        *VECTORS["parse_bad"],
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/00/000",
        "tile/0/x000/001",
        "tile/0/\u0660\u0660\u0660",
        "tile/0/000\n",
        "/tile/0/000",
        "tile/0/../entries/000",
        "tile/0/x009/x223/x372/x036/x854/x775/808",  # 2**63
        "checkpoint",
        "",
    ],
)
def test_a_path_that_no_tile_has_is_none(path: str) -> None:
    assert Tile.parse(path) is None


def test_the_largest_index_has_a_path() -> None:
    tile = Tile(0, LARGEST_INDEX)
    assert Tile.parse(tile.path) == tile


@pytest.mark.parametrize("case", VECTORS["tile_counts"])
def test_a_tree_has_the_tiles_that_the_specification_counts(case: dict[str, object]) -> None:
    found: dict[str, list[int]] = {}
    for tile in tiles_of(int(str(case["size"]))):
        if tile.level != ENTRIES:
            counted = found.setdefault(str(tile.level), [0, 0])
            counted[0] += tile.width == WIDTH
            counted[1] += tile.width % WIDTH
    assert found == case["levels"]


@pytest.mark.parametrize(("index", "size", "path"), VECTORS["entries_for_index"])
def test_an_entry_is_found_where_others_look_for_it(index: int, size: int, path: str) -> None:
    start = index // WIDTH
    assert Tile(ENTRIES, start, min(WIDTH, size - start * WIDTH)).path == path


@given(SIZES)
def test_the_tiles_of_a_tree_hold_every_hash_once(size: int) -> None:
    held: dict[int, int] = {}
    for tile in tiles_of(size):
        assert tile.start == held.get(tile.level, 0)
        assert tile.is_in(size)
        assert not Tile(tile.level, tile.index, tile.width).is_in(tile.start + tile.width - 1 if tile.level < 1 else 0)
        held[tile.level] = tile.start + tile.width
    assert all(count == hashes_on(level, size) for level, count in held.items())
    assert (ENTRIES in held) == (size > 0)


@given(SIZES, SIZES)
def test_growing_adds_exactly_what_was_not_there(one: int, other: int) -> None:
    since, size = min(one, other), max(one, other)
    added = list(tiles_of(size, since=since))
    assert set(added) == set(tiles_of(size)) - set(tiles_of(since))
    assert len(added) == count_of(size, since=since)
