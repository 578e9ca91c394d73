from __future__ import annotations

import pytest
import trio

from transport.errors import ConnectionClosed
from transport.limits import Limits
from transport.outbox import Outbox, OutboxFull

LIMITS = Limits(coalesced_frame=100, messages_per_frame=10, outbox_messages=20, outbox_bytes=1000)


class Wire:
    """A carrier that notes what is written, and writes only as fast as it is let."""

    def __init__(self, breaks_after: int = 1000) -> None:
        self.frames: list[bytes] = []
        self._left = breaks_after

    async def read(self) -> bytes:
        raise AssertionError("the outbox reads nothing")

    async def write(self, frame: bytes) -> None:
        await trio.lowlevel.checkpoint()
        if not self._left:
            raise ConnectionClosed("lost", "cut")
        self._left -= 1
        self.frames.append(frame)

    async def close(self, code: str) -> None:
        raise AssertionError("the outbox closes nothing")

    def abort(self) -> None:
        raise AssertionError("the outbox closes nothing")


async def test_what_gathers_travels_in_one_frame_in_order() -> None:
    outbox, wire = Outbox(LIMITS), Wire()
    for word in (b"a", b"b", b"c"):
        outbox.put(word)
    outbox.seal(b"!")
    await outbox.write_to(wire)
    assert wire.frames == [b"abc!"]


async def test_a_frame_ends_at_the_coalesced_size_and_a_larger_message_goes_alone() -> None:
    outbox, wire = Outbox(LIMITS), Wire()
    for word in (b"a" * 60, b"b" * 40, b"c" * 1, b"d" * 300, b"e"):
        outbox.put(word)
    outbox.seal(b"!")
    await outbox.write_to(wire)
    assert wire.frames == [b"a" * 60 + b"b" * 40, b"c", b"d" * 300, b"e!"]


async def test_a_frame_holds_no_more_messages_than_a_peer_accepts() -> None:
    outbox, wire = Outbox(LIMITS), Wire()
    for _ in range(15):
        outbox.put(b"a")
    outbox.seal(b"!")
    await outbox.write_to(wire)
    assert wire.frames == [b"a" * 10, b"a" * 5 + b"!"]


@pytest.mark.parametrize(("words", "size"), [(20, 1), (10, 100)])
def test_a_full_outbox_takes_nothing_but_the_last_word(words: int, size: int) -> None:
    outbox = Outbox(LIMITS)
    for _ in range(words):
        outbox.put(b"x" * size)
    with pytest.raises(OutboxFull):
        outbox.put(b"x")
    outbox.seal(b"!")
    outbox.put(b"ignored after the last word")


async def test_room_is_made_by_writing() -> None:
    outbox, wire = Outbox(LIMITS), Wire()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outbox.write_to, wire)
        for _ in range(10):
            for _ in range(20):
                outbox.put(b"x" * 49)
            await trio.testing.wait_all_tasks_blocked()
        outbox.seal(b"!")
    assert b"".join(wire.frames) == b"x" * 49 * 200 + b"!"


async def test_a_broken_carrier_ends_the_writing_and_what_comes_later_is_dropped() -> None:
    outbox, wire = Outbox(LIMITS), Wire(breaks_after=1)
    outbox.put(b"a" * 100)
    outbox.put(b"b")
    await outbox.write_to(wire)
    for _ in range(100):
        outbox.put(b"c")
    await outbox.wait_drained()
    assert wire.frames == [b"a" * 100]
