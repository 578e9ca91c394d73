from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actors.governance import commands as c
from actors.governance.bundle import Source
from actors.governance.refusals import Refusal
from actors.governance.source import digest
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


LIMITED = {
    "bundle.toml": b"""
[bundle]
name = "limited"
[actions."notes.read"]
effect = "read"
executor = "till"
params = { path = "string" }
[facts]
reads = { count = "redeemed", by = ["agent"], window = "1h", from = "activation" }
twice = { before = "redeemed" }
hour = { local = "hour" }
""",
    "all.cedar": b"""
@id("read") @tier("T0") @executor("agent") permit (principal, action == Action::"notes.read", resource);
@id("three") forbid (principal, action == Action::"notes.read", resource) when { context.facts.reads >= 3 || context.facts.hour > 23 };
""",
}


async def test_what_was_foreseen_before_a_count_had_grown_lets_nobody_past_the_limit(shell: Shell) -> None:
    bundle = digest(Source(LIMITED))
    await asked_together(shell, [(c.PushBundle(LIMITED), "anna")])
    await asked_together(shell, [(c.ActivateBundle(bundle, "k"), "anna")])
    asks: list[tuple[c.Command, str]] = [(shell.proposal(f"k{number}", run=f"r{number}"), "ada") for number in range(8)]
    heard = await asked_together(shell, asks)
    assert [outcome.value["status"] for outcome in heard if isinstance(outcome, Done)] == ["running"] * 3 + ["denied"] * 5
    assert len(shell.tenant.state.runs) == 3
    again = await asked_together(shell, [(shell.proposal(f"m{number}", run=f"s{number}"), "ben") for number in range(4)])
    assert [outcome.value["status"] for outcome in again if isinstance(outcome, Done)] == ["running"] * 3 + ["denied"]
