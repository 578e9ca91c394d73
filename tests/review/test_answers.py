"""Nobody's answer may cost another's: they are all released by one task."""

from __future__ import annotations

from typing import Any

import trio
from structlog.testing import capture_logs

from actors.kernel import Envelope
from actors.messages import Asked, Done, Outcome


async def test_an_answer_that_raises_when_it_is_released_costs_nobody_else_theirs(shell: Any) -> None:
    heard: list[Outcome] = []

    def faulty(_: Outcome) -> None:
        raise RuntimeError("a bug of one connection")

    shell.disk.hold()
    await shell.tenant.handle([Envelope(Asked(shell.proposal("k1", run="r1"), "ada", False, faulty))])
    await shell.tenant.handle([Envelope(Asked(shell.proposal("k2", run="r2"), "ada", False, heard.append))])
    with capture_logs() as said:
        shell.disk.go()
        await shell.settled()
    assert isinstance(heard[0], Done)
    assert [(line["log_level"], line["event"]) for line in said] == [("error", "an answer could not be released")]
    again = await shell.ask(shell.proposal("k3", run="r3"), "ada")
    assert isinstance(again, Done)


def test_whoever_leaves_while_a_watch_is_being_asked_for_takes_nothing_down(stage: Any) -> None:
    """The answer to the watch is released when its connection has gone; what it would start has nowhere to run."""

    async def held_case() -> tuple[str, str]:
        auditor = await stage.newcomer("auditor")
        async with stage.cast("ada") as (ada,):
            return auditor.token.reveal(), str((await ada.propose("orders.refund"))["case"])

    bearer, case = trio.run(held_case)
    for _ in range(40):
        with stage.raw() as peer:
            peer.open(bearer)
            peer.say({"t": "case.watch", "id": 1, "case": case, "credit": 4}, {"t": "bye", "code": "done", "why": ""})
            while peer.hear():
                pass
    trio.run(held_case)  # the node goes on; the stage looks for falls
