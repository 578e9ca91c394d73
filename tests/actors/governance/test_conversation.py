from __future__ import annotations

import hashlib

import attrs
import msgpack

from actors.governance.conversation import Exchange, heard, told
from actors.governance.ids import Instant

ONE = Exchange(1, "clara", "Clara", "why?", Instant(7), "because", Instant(9))


def test_what_was_heard_is_the_digest_of_every_word_and_who_said_it() -> None:
    assert heard(()) == b""
    assert heard((ONE,)) == hashlib.sha256(msgpack.packb([[1, "clara", "Clara", "why?", "because"]])).digest()
    others = [
        attrs.evolve(ONE, **changed) for changed in ({"number": 2}, {"approver": "x"}, {"person": "x"}, {"question": "x"}, {"answer": ""})
    ]
    assert len({heard((one,)) for one in (ONE, *others)} | {heard((ONE, ONE))}) == 7


def test_when_it_was_said_is_told_and_not_bound() -> None:
    assert heard((attrs.evolve(ONE, asked_at=Instant(1)),)) == heard((ONE,))
    assert told((ONE,)) == [attrs.asdict(ONE)]
