"""A tenant that falls answers whom it was listening to: nobody waits for an answer that will never come."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from actors.falling import turn_away
from actors.governance import commands as c
from actors.governance.refusals import Code, Refusal
from actors.kernel import Envelope, Mailbox
from actors.messages import Asked, Introduce, Outcome, Unsettled


def _break_the_keys(shell: Any) -> None:
    def broken(_tenant: str, _message: bytes) -> bytes:
        raise RuntimeError("no key")

    shell.keys.issuer_sign = broken


async def test_everybody_in_the_batch_that_fell_is_answered(shell: Any) -> None:
    heard: dict[str, Outcome] = {}
    asks = [Asked(shell.proposal("k1", run="r1"), "ada", False, partial(heard.__setitem__, "falls"))]
    asks.append(Asked(c.Read("status"), "anna", False, partial(heard.__setitem__, "behind it")))
    _break_the_keys(shell)
    with pytest.raises(RuntimeError, match="no key"):
        await shell.tenant.handle([*map(Envelope, asks), Envelope(Introduce("k", False, partial(heard.__setitem__, "at the door")))])
    assert set(heard) == {"falls", "behind it", "at the door"}
    assert isinstance(heard["falls"], Unsettled)
    others = [heard["behind it"], heard["at the door"]]
    assert [outcome.code for outcome in others if isinstance(outcome, Refusal)] == [Code.BUSY, Code.BUSY]  # they were not looked at


def test_what_was_never_handled_is_refused_as_busy_when_its_mailbox_closes() -> None:
    heard: list[Outcome] = []
    mailbox: Mailbox[Any] = Mailbox("belvedere", on_lost=turn_away)
    mailbox.open()
    mailbox.put_nowait(Asked(c.Read("status"), "anna", False, heard.append))
    mailbox.put_nowait(Introduce("k", False, heard.append), urgent=True)
    mailbox.close(RuntimeError("fell"))
    assert [outcome.code for outcome in heard if isinstance(outcome, Refusal)] == [Code.BUSY, Code.BUSY]
