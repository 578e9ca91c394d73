"""No tenant fills what all of them write through: not the lane of what is urgent, and not with large bodies."""

from __future__ import annotations

from actors.scribe import Full, Reservation, Room
from ledger import NODE


def _fill(room: Room, log: str, *, urgent: bool) -> int:
    taken = 0
    while isinstance(room.reserve(log, 4, urgent=urgent, retry_after=5), Reservation):
        taken += 4
    return taken


def test_a_tenant_that_floods_its_urgent_lane_leaves_others_their_trips_and_reports() -> None:
    room = Room(max_urgent_entries=64)
    assert _fill(room, "schoenbrunn", urgent=True) == 32
    assert isinstance(room.reserve("belvedere", 12, urgent=True, retry_after=5), Reservation)


def test_all_tenants_together_do_not_keep_the_node_from_its_own_entries() -> None:
    room = Room(max_urgent_entries=64)
    for log in ("schoenbrunn", "belvedere", "hofreitschule"):
        _fill(room, log, urgent=True)
    assert isinstance(room.reserve(NODE, 1, urgent=True, retry_after=5), Reservation)


def test_what_was_freed_in_the_urgent_lane_is_its_logs_again() -> None:
    room = Room(max_urgent_entries=8)
    for _ in range(10):
        taken = room.reserve("belvedere", 4, urgent=True, retry_after=5)
        assert isinstance(taken, Reservation)
        taken.release()
    assert room.urgent_entries == 0


def test_a_tenant_with_large_bodies_leaves_others_their_share_of_the_memory() -> None:
    room = Room(max_bytes=100)
    room.queued("schoenbrunn", 50)
    assert room.reserve("schoenbrunn", 1, urgent=False, retry_after=5) == Full(5)
    assert isinstance(room.reserve("belvedere", 1, urgent=False, retry_after=5), Reservation)
    taken = room.reserve("hofreitschule", 1, urgent=False, retry_after=5)
    assert isinstance(taken, Reservation)
    taken.take()
    room.queued("hofreitschule", 10)
    room.free("hofreitschule", 1, 10, urgent=False)
    assert room.bytes == 50
