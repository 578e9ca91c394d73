"""Tiles made from a log, and what a tile or a bundle may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import Batch, Draft, Ledger, VerificationError, leaf_hash
from ledger.tile_paths import ENTRIES, WIDTH, Tile, tiles_of
from ledger.tiles import bundle, entries_in, hashes_in, shortened
from ledger.tree import root_over


def fill(ledger: Ledger, log: str, count: int) -> None:
    at = ledger.head(log).size
    drafts = tuple(Draft("word.said/1", 10 + at + number, "ada", b"%d" % number) for number in range(count))
    ledger.append_many([Batch(log, at, drafts)])


def test_every_tile_of_a_log_holds_the_hashes_that_the_specification_names(ledger: Ledger) -> None:
    fill(ledger, "belvedere", 600)
    entries = [record.entry for record in ledger.read("belvedere", 0, 600)]
    for tile in tiles_of(600):
        data, stop = ledger.tile("belvedere", tile), tile.start + tile.width
        if tile.level == ENTRIES:
            assert entries_in(data, tile.width) == entries[tile.start : stop]
        else:
            span = WIDTH**tile.level
            expected = [
                root_over(entries[at * span : (at + 1) * span]) if tile.level else leaf_hash(entries[at]) for at in range(tile.start, stop)
            ]
            assert hashes_in(data, tile.width) == expected


def test_a_tile_of_an_earlier_size_is_still_made_and_one_of_a_later_size_is_not(ledger: Ledger) -> None:
    fill(ledger, "belvedere", 300)
    whole = ledger.tile("belvedere", Tile(0, 0))
    assert ledger.tile("belvedere", Tile(0, 0, 7)) == whole[: 7 * 32]
    for tile in (Tile(0, 1, 45), Tile(0, 1), Tile(1, 0, 2), Tile(ENTRIES, 1, 45), Tile(2, 0, 1)):
        with pytest.raises(ValueError, match="no tile"):
            ledger.tile("belvedere", tile)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=WIDTH))
def test_a_bundle_is_read_as_it_was_made_and_shortened_to_any_beginning(entries: list[bytes]) -> None:
    data = bundle(entries)
    assert entries_in(data, len(entries)) == entries
    for width in range(1, len(entries) + 1):
        assert shortened(Tile(ENTRIES, 0, width), data) == bundle(entries[:width])


@pytest.mark.parametrize(
    ("data", "width"),
    [(b"", 1), (b"\0\1", 1), (b"\0\2a", 1), (b"\0\1a\0", 1), (b"\0\1a", 2), (b"\0\1a\0\1b", 1), (b"\0", 0), (b"\0\1a\0\1", 1)],
)
def test_a_bundle_that_is_cut_or_holds_more_is_refused(data: bytes, width: int) -> None:
    with pytest.raises(VerificationError):
        entries_in(data, width)


@pytest.mark.parametrize("data", [b"", b"a" * 31, b"a" * 33, b"a" * 64])
def test_a_tile_of_another_length_is_refused(data: bytes) -> None:
    with pytest.raises(VerificationError):
        hashes_in(data, 1)


def test_what_is_too_short_cannot_be_shortened() -> None:
    for tile, data in ((Tile(ENTRIES, 0, 2), b"\0\1a"), (Tile(0, 0, 2), b"a" * 63)):
        with pytest.raises(VerificationError, match="shorter"):
            shortened(tile, data)
