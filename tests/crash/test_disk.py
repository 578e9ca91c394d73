"""What a power cut may leave, by the rules of POSIX and of sectors, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from vienna_runtime.selftest.disk import SECTOR, Disk, Pending
from vienna_runtime.selftest.explore import choices
from vienna_runtime.selftest.trace import Call, Cut, Linked, Made, Removed, Renamed, Said, Synced, Wrote

BELOW, FILE, OTHER = Path("/d"), "/d/a", "/d/b"


def done(*calls: Call) -> Disk:
    disk = Disk(BELOW)
    for call in calls:
        disk.do(call)
    return disk


def left(disk: Disk, which: Iterable[int] = (), torn: frozenset[int] = frozenset()) -> dict[str, bytes | None]:
    found = disk.left([(disk.pending[place], torn) for place in which])
    del found[str(BELOW)]
    return found


def wrote(path: str, data: bytes, at: int = 0, *, through: bool = False) -> Wrote:
    return Wrote(path, at, data, through)


def synced(path: str, begun: int = 100) -> Synced:
    return Synced(path, begun)


def test_a_synced_file_without_a_name_is_nowhere_until_its_directory_is_synced() -> None:
    disk = done(Made(FILE, directory=False), wrote(FILE, b"x"), synced(FILE))
    assert left(disk) == {}
    disk.do(synced(str(BELOW)))
    assert left(disk) == {FILE: b"x"}
    assert not disk.pending


def test_of_two_writes_either_may_be_there_without_the_other() -> None:
    disk = done(Made(FILE, directory=False), synced(str(BELOW)), wrote(FILE, b"one"), wrote(FILE, b"two", 3), Said(b"done"))
    assert [left(disk, which) for which in ((), (0,), (1,), (0, 1))] == [
        {FILE: b""},
        {FILE: b"one"},
        {FILE: b"\0\0\0two"},
        {FILE: b"onetwo"},
    ]


def test_a_write_is_torn_at_sectors_of_the_file_and_not_of_the_write() -> None:
    disk = done(Made(FILE, directory=False), synced(str(BELOW)), wrote(FILE, b"x" * SECTOR, 500))
    (pending,) = disk.pending
    assert pending.sectors == 2
    assert left(disk, [0], frozenset({1})) == {FILE: bytes(500) + b"x" * 12}
    assert left(disk, [0], frozenset({0})) == {FILE: bytes(SECTOR) + b"x" * 500}


def test_what_goes_through_is_there_and_takes_nothing_earlier_with_it() -> None:
    disk = done(Made(FILE, directory=False), synced(str(BELOW)), wrote(FILE, b"early"), wrote(FILE, b"late", 5, through=True))
    assert left(disk) == {FILE: b"\0\0\0\0\0late"}


def test_a_sync_covers_only_what_came_before_it_began() -> None:
    disk = done(Made(FILE, directory=False), synced(str(BELOW)), wrote(FILE, b"one"), wrote(FILE, b"two", 3), synced(FILE, 3))
    assert left(disk) == {FILE: b"one"}
    assert len(disk.pending) == 1


def test_a_replaced_file_is_the_old_one_or_the_new_one() -> None:
    disk = done(Made(FILE, directory=False), wrote(FILE, b"old"), synced(FILE), synced(str(BELOW)))
    for call in (Made(OTHER, directory=False), wrote(OTHER, b"new"), synced(OTHER), Renamed(OTHER, FILE)):
        disk.do(call)
    assert left(disk) == {FILE: b"old"}
    assert left(disk, [1]) == {FILE: b"new"}
    disk.do(synced(str(BELOW)))
    assert left(disk) == {FILE: b"new"}


def test_a_new_file_that_is_linked_is_whole_or_not_there() -> None:
    disk = done(Made(OTHER, directory=False), wrote(OTHER, b"new"), synced(OTHER), Linked(OTHER, FILE), Removed(OTHER))
    assert [left(disk, which) for which in ((), (0,), (1,), (0, 1))] == [{}, {OTHER: b"new"}, {FILE: b"new"}, {OTHER: b"new", FILE: b"new"}]
    disk.do(synced(str(BELOW)))
    assert left(disk) == {FILE: b"new"}


def test_what_was_moved_away_does_not_come_back_when_only_where_it_went_was_synced() -> None:
    inside = "/d/in/a"
    disk = done(Made("/d/in", directory=True), Made(inside, directory=False), synced(str(BELOW)), Renamed(inside, FILE), synced(str(BELOW)))
    assert set(left(disk, range(len(disk.pending)))) == {"/d/in", FILE}


def test_a_removed_name_may_come_back_and_a_file_in_a_lost_directory_may_not() -> None:
    disk = done(
        Made(FILE, directory=False), synced(str(BELOW)), Removed(FILE), Made("/d/in", directory=True), Made("/d/in/b", directory=False)
    )
    assert left(disk) == {FILE: b""}
    assert left(disk, [0, 2]) == {}


def test_a_file_that_was_cut_is_as_long_as_it_was_or_as_short() -> None:
    disk = done(Made(FILE, directory=False), synced(str(BELOW)), wrote(FILE, b"whole"), synced(FILE), Cut(FILE, 2))
    assert (left(disk), left(disk, [0])) == ({FILE: b"whole"}, {FILE: b"wh"})


@pytest.mark.parametrize("count", [0, 1, 3])
def test_few_small_writes_are_tried_in_every_subset_and_no_more(count: int) -> None:
    pending = [Pending(number, 0, "", wrote(FILE, b"x", number)) for number in range(count)]
    tried = {tuple(change.number for change, _ in state) for state in choices(pending, random.Random(1))}
    assert len(tried) == 2**count


def test_of_many_writes_none_all_each_missing_and_each_alone_come_first() -> None:
    pending = [Pending(number, 0, "", wrote(FILE, b"x" * 5000, number * 5000)) for number in range(8)]
    states = choices(pending, random.Random(1))
    first = [frozenset(change.number for change, _ in next(states)) for _ in range(18)]
    assert {len(state) for state in first} == {0, 1, 7, 8}
    assert len(set(first)) == 18
    assert any(torn for _ in range(20) for _, torn in next(states))
