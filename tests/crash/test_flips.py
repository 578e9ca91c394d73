"""No bit is turned over unnoticed; and the checks that say so pass what nobody touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from vienna_runtime.selftest import flip_places, flips
from vienna_runtime.selftest.flip_places import KINDS, Place

SEED = 3


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[Place]:
    directory = tmp_path_factory.mktemp("flips")
    flip_places.build(directory, 270)  # more than one tile is wide
    return flip_places.places(directory)


def test_every_kind_of_place_is_there_and_every_check_passes_what_nobody_touched(places: list[Place]) -> None:
    assert {place.kind for place in places} == set(KINDS)
    for place in places:
        place.check(place.data)


def test_the_bits_of_an_entry_and_of_its_nodes_are_all_the_bits_of_what_is_stored(places: list[Place]) -> None:
    entries = {place.name.replace("entry", "nodes"): place for place in places if place.kind == "entry"}
    for nodes in (place for place in places if place.kind == "node"):
        assert [*nodes.bits, *entries[nodes.name].bits] == list(range(len(nodes.data) * 8))


@pytest.mark.slow
def test_no_bit_is_turned_over_unnoticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flips, "ENTRIES", 300)
    found = flips.flip(count=20_000, whole=24, seed=SEED, place=tmp_path)
    assert not found.undetected
    assert (found.missed, found.flips.total(), found.whole.total()) == (0, 20_000, 24)
    assert set(found.flips) == set(KINDS)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_check_that_does_not_look_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flips, "ENTRIES", 20)
    monkeypatch.setattr(flip_places, "_check_body", lambda changed: None)
    found = flips.flip(count=3000, whole=0, seed=SEED, place=tmp_path)
    assert found.missed == found.flips["body"] > 0
    assert all(text.startswith("body") for text in found.undetected)
