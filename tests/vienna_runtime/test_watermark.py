"""The file that remembers how far the ledger had come."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from ledger import Head
from vienna_runtime.errors import WatermarkLost
from vienna_runtime.watermark import Mark, Watermark, keep

NODE = "hofburg.example"


def heads(**sizes: int) -> dict[str, Head]:
    return {name: Head(size, bytes([size % 256]) * 32, b"") for name, size in sizes.items()}


def written(path: Path, *states: Mapping[str, Head]) -> Watermark:
    mark = Watermark(path, NODE)
    for state in states:
        assert mark.advance(state)
        mark.write()
    return mark


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "watermark"


@pytest.mark.parametrize("count", range(1, 8))
def test_what_was_written_last_is_read(path: Path, count: int) -> None:
    written(path, *(heads(belvedere=size) for size in range(1, count + 1)))
    assert Watermark.read(path, NODE).marks == {"belvedere": Mark(count, bytes([count]) * 32)}


def test_nobody_but_its_owner_reads_it(path: Path) -> None:
    written(path, heads(belvedere=1))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_writing_goes_on_where_reading_left_off(path: Path) -> None:
    written(path, heads(belvedere=1), heads(belvedere=2))
    for size in range(3, 7):
        again = Watermark.read(path, NODE)
        assert again.advance(heads(belvedere=size))
        again.write()
        assert Watermark.read(path, NODE).marks["belvedere"].size == size


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_one_damaged_place_leaves_the_other(path: Path, count: int) -> None:
    """Wherever a write is torn, what was written before it is still there; and never something between the two."""
    written(path, *(heads(belvedere=size) for size in range(1, count + 1)))
    whole = path.read_bytes()
    for half in (0, 1):
        begin = half * len(whole) // 2
        for at in (0, 8, 15, 16, 20, 51, 52, 80, 120):
            damaged = bytearray(whole)
            damaged[begin + at] ^= 1
            path.write_bytes(damaged)
            found = Watermark.read(path, NODE).marks["belvedere"]
            assert found in (Mark(count, bytes([count]) * 32), Mark(count - 1, bytes([count - 1]) * 32))


def test_two_damaged_places_are_nothing(path: Path) -> None:
    written(path, heads(belvedere=1), heads(belvedere=2))
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[60] ^= 1
    damaged[len(whole) // 2 + 60] ^= 1
    for content in (bytes(damaged), b"", bytes(8192), whole[:40], b"x" * 8192):
        path.write_bytes(content)
        with pytest.raises(WatermarkLost, match="damaged"):
            Watermark.read(path, NODE)


def test_no_file_is_nothing(path: Path) -> None:
    with pytest.raises(WatermarkLost, match="not there"):
        Watermark.read(path, NODE)


def test_another_nodes_file_is_nothing(path: Path) -> None:
    written(path, heads(belvedere=1))
    with pytest.raises(WatermarkLost, match="another node"):
        Watermark.read(path, "schoenbrunn.example")


def test_a_node_that_grows_outgrows_no_place(path: Path) -> None:
    mark = Watermark(path, NODE)
    for count in (1, 40, 41, 200, 1000):
        state = heads(**{f"tenant-{number:04d}": count for number in range(count)})
        assert mark.advance(state)
        mark.write()
        assert {name: found.size for name, found in Watermark.read(path, NODE).marks.items()} == dict.fromkeys(state, count)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_taken_away_is_made_anew(path: Path) -> None:
    mark = written(path, heads(belvedere=1))
    path.unlink()
    assert mark.advance(heads(belvedere=2))
    mark.write()
    assert Watermark.read(path, NODE).marks["belvedere"].size == 2


def test_a_frozen_log_keeps_the_mark_it_had(path: Path) -> None:
    mark = written(path, heads(belvedere=9))
    assert not mark.advance({"belvedere": Head(0, bytes(32), b"", "the row is damaged")})
    assert mark.marks["belvedere"].size == 9


async def inline(function: Callable[[], None]) -> None:
    await trio.lowlevel.checkpoint()
    function()


async def test_what_is_new_is_on_the_disk_within_a_second_and_when_closing(path: Path, autojump_clock: MockClock) -> None:
    state = heads(belvedere=1)
    async with trio.open_nursery() as nursery:
        await nursery.start(keep, Watermark(path, NODE), lambda: state, inline)
        for size in (2, 3):
            state = heads(belvedere=size)
            await trio.sleep(1)
            assert Watermark.read(path, NODE).marks["belvedere"].size == size
        state = heads(belvedere=4)
        nursery.cancel_scope.cancel()
    assert Watermark.read(path, NODE).marks["belvedere"].size == 4


async def test_a_disk_that_cannot_be_written_to_stops_nothing_and_is_tried_again(tmp_path: Path, autojump_clock: MockClock) -> None:
    path = tmp_path / "elsewhere" / "watermark"
    async with trio.open_nursery() as nursery:
        await nursery.start(keep, Watermark(path, NODE), lambda: heads(belvedere=1), inline)
        await trio.sleep(2)
        assert not path.exists()
        path.parent.mkdir()
        await trio.sleep(2)
        assert Watermark.read(path, NODE).marks["belvedere"].size == 1
        nursery.cancel_scope.cancel()
