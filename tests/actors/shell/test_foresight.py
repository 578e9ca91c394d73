from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actors.governance import commands as c
from actors.governance.refusals import Refusal
from actors.kernel import Envelope
from actors.messages import Asked, Done, Outcome

if TYPE_CHECKING:
    Shell = Any  # the fixture of this directory's conftest


async def asked_together(shell: Shell, asks: list[tuple[c.Command, str]]) -> list[Outcome]:
    heard: list[Outcome] = []
    await shell.tenant.handle([Envelope(Asked(ask, by, False, heard.append)) for ask, by in asks])
    await shell.settled()
    return heard


async def test_proposals_that_come_together_are_decided_each_by_itself_and_in_their_order(shell: Shell) -> None:
    asks: list[tuple[c.Command, str]] = [(shell.proposal(f"k{number}", run=f"r{number}"), "ada") for number in range(6)]
    asks.insert(3, (shell.proposal("k9", action="notes.burn"), "ada"))
    asks.append((shell.proposal("k5", run="r5"), "ada"))
    heard = await asked_together(shell, asks)
    assert [outcome.value["status"] for outcome in heard if isinstance(outcome, Done)] == ["running"] * 3 + ["denied"] + ["running"] * 4
    repeated = heard[-1]
    assert isinstance(repeated, Done)
    assert repeated.value["repeated"] is True


async def test_who_lost_its_membership_earlier_in_the_same_batch_gets_nothing_that_was_foreseen(shell: Shell) -> None:
    asks: list[tuple[c.Command, str]] = [(shell.proposal(f"k{number}"), "ben") for number in range(6)]
    asks.insert(0, (c.RevokeMember("ben", "gone", "k"), "anna"))
    heard = await asked_together(shell, asks)
    assert isinstance(heard[0], Done)
    assert all(isinstance(outcome, Refusal) for outcome in heard[1:])
    assert not shell.tenant.state.warrants


async def test_a_stranger_foresees_nothing(shell: Shell) -> None:
    asks: list[tuple[c.Command, str]] = [(shell.proposal(f"k{number}"), "mallory") for number in range(6)]
    heard = await asked_together(shell, asks)
    assert all(isinstance(outcome, Refusal) for outcome in heard)
