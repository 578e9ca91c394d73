from __future__ import annotations

import pytest

from actors.scribe import Full, Reservation, Room

RETRY = 20


def reserve(room: Room, log: str, entries: int = 1, urgent: bool = False) -> Reservation | Full:
    return room.reserve(log, entries, urgent=urgent, retry_after=RETRY)


def test_one_log_takes_its_share_and_leaves_the_rest_to_others() -> None:
    room = Room(max_entries=8)
    assert isinstance(reserve(room, "belvedere", 4), Reservation)
    assert reserve(room, "belvedere") == Full(RETRY)
    assert isinstance(reserve(room, "schoenbrunn", 4), Reservation)
    assert reserve(room, "hofreitschule") == Full(RETRY)


def test_a_released_reservation_is_room_again_and_only_once() -> None:
    room = Room(max_entries=2)
    taken = reserve(room, "belvedere")
    assert isinstance(taken, Reservation)
    assert reserve(room, "belvedere") == Full(RETRY)
    taken.release()
    taken.release()
    assert room.entries == 0
    assert isinstance(reserve(room, "belvedere"), Reservation)
    assert reserve(room, "belvedere") == Full(RETRY)


def test_neither_lane_fills_the_other() -> None:
    room = Room(max_entries=2, max_urgent_entries=1)
    assert isinstance(reserve(room, "belvedere"), Reservation)
    assert isinstance(reserve(room, "belvedere", urgent=True), Reservation)
    assert reserve(room, "schoenbrunn", urgent=True) == Full(RETRY)
    assert isinstance(reserve(room, "schoenbrunn"), Reservation)


def test_too_many_bytes_stop_ordinary_load_but_not_what_is_urgent() -> None:
    room = Room(max_bytes=10)
    taken = reserve(room, "belvedere")
    assert isinstance(taken, Reservation)
    taken.take()
    room.bytes += 10
    assert reserve(room, "schoenbrunn") == Full(RETRY)
    assert isinstance(reserve(room, "schoenbrunn", urgent=True), Reservation)
    room.free("belvedere", 1, 10, urgent=False)
    assert isinstance(reserve(room, "schoenbrunn"), Reservation)


def test_a_reservation_for_nothing_is_a_bug() -> None:
    with pytest.raises(ValueError, match="one entry or more"):
        reserve(Room(), "belvedere", 0)
