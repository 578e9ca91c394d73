from __future__ import annotations

import pytest

from transport.errors import ProtocolError
from transport.heartbeat import Heartbeat


def test_a_ping_is_due_after_an_interval_of_silence_and_only_one() -> None:
    beat = Heartbeat(15, 3, now=100)
    assert beat.next_ping_at() == 115
    assert beat.ping_due(114.9) is None
    assert beat.ping_due(115) == 1
    assert beat.ping_due(130) is None
    assert beat.next_ping_at() is None


def test_anything_heard_puts_ping_and_death_off() -> None:
    beat = Heartbeat(15, 3, now=100)
    beat.heard(110)
    assert beat.ping_due(120) is None
    assert beat.dead_at() == 155


def test_after_its_pong_the_next_ping_has_the_next_number() -> None:
    beat = Heartbeat(15, 3, now=0)
    assert beat.ping_due(15) == 1
    beat.heard(16)
    beat.ponged(1)
    assert beat.ping_due(31) == 2


@pytest.mark.parametrize("number", [0, 2, True, "1", None])
def test_a_pong_to_no_ping_is_refused(number: object) -> None:
    beat = Heartbeat(15, 3, now=0)
    assert beat.ping_due(15) == 1
    with pytest.raises(ProtocolError, match="a pong to no ping"):
        beat.ponged(number)


def test_an_unasked_pong_is_refused() -> None:
    with pytest.raises(ProtocolError, match="a pong to no ping"):
        Heartbeat(15, 3, now=0).ponged(1)
