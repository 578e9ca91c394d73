"""How many connections one principal may have at once."""

from __future__ import annotations

import pytest

from actors.gate import Identity
from actors.supervisor import Refused
from transport.errors import ConnectionClosed
from transport.gate import Admission, Rejection
from vienna_runtime.crowd import Crowd

ADA, BEN = Identity("belvedere", "ada", "agent"), Identity("belvedere", "ben", "agent")
OTHER_ADA = Identity("schoenbrunn", "ada", "agent")


class Doorkeeper:
    """Knows everybody by name; anybody else is nobody."""

    async def admit(self, bearer: str | None, remote: str) -> Admission | Rejection:
        for identity in (ADA, BEN, OTHER_ADA):
            if bearer == f"{identity.tenant}/{identity.name}":
                return Admission(principal=identity.name, public_key=None, identity=identity)
        return Rejection(status=401)


async def test_one_too_many_is_turned_away_at_the_gate_until_another_leaves() -> None:
    refused = Refused()
    crowd = Crowd(Doorkeeper(), 2, refused.note)
    with crowd.counted(ADA):
        assert isinstance(await crowd.admit("belvedere/ada", "there"), Admission)
        with crowd.counted(ADA):
            answer = await crowd.admit("belvedere/ada", "there")
            assert isinstance(answer, Rejection)
            assert answer.status == 429
            assert answer.retry_after
        assert isinstance(await crowd.admit("belvedere/ada", "there"), Admission)
    assert refused.take() == (("there", "crowded", 1),)


async def test_who_is_inside_too_often_takes_nobody_elses_room() -> None:
    crowd = Crowd(Doorkeeper(), 1, Refused().note)
    with crowd.counted(ADA):
        assert isinstance(await crowd.admit("belvedere/ben", "there"), Admission)
        assert isinstance(await crowd.admit("schoenbrunn/ada", "there"), Admission)


async def test_whom_the_gate_refuses_stays_refused() -> None:
    assert await Crowd(Doorkeeper(), 1, Refused().note).admit("belvedere/mallory", "there") == Rejection(status=401)


def test_who_slipped_through_the_gate_is_closed_and_not_counted() -> None:
    crowd = Crowd(Doorkeeper(), 1, Refused().note)
    for _ in range(3):
        with crowd.counted(ADA):
            with pytest.raises(ConnectionClosed, match="as many as one may have"), crowd.counted(ADA):
                raise AssertionError("was let in")
            with crowd.counted(BEN):
                pass
