"""The node's own pause as its supervisor writes it and a tenant's shell notes it, and what the supervisor alerts of."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import trio

from actors.feed import MEMBER, Feed
from actors.governance import commands as c
from actors.governance.codec import decode_node
from actors.governance.ids import SECOND
from actors.governance.refusals import Code, Refusal
from actors.kernel import Envelope
from actors.messages import Done, Listen, Outcome, Sweep, Unsettled
from actors.supervisor import (
    AcknowledgeNode,
    PauseNode,
    Refused,
    ResetNode,
    ResumeNode,
    Supervisor,
    SupervisorMessage,
    TripNode,
    WriteCounts,
)
from actors.tenant import INBOX, Tenant
from ledger import NODE
from ledger.header import parse

OTTO = "operator:otto"


async def _nobody(*_: object) -> None:
    raise AssertionError


async def supervising(shell: Any) -> Supervisor:
    made = Supervisor(shell.scribe, shell.time, shell.around.standing, Refused(), _nobody)
    await made.start()
    return made


async def told(supervisor: Supervisor, kind: Any) -> Outcome:
    heard: list[Outcome] = []
    await supervisor.handle([Envelope(kind(heard.append))])
    return heard[0]


def pausing(respond: Any) -> PauseNode:
    return PauseNode("fire", OTTO, respond)


def resuming(respond: Any) -> ResumeNode:
    return ResumeNode("out", OTTO, respond)


def tripping(respond: Any) -> TripNode:
    return TripNode("fire", OTTO, respond)


def resetting(respond: Any) -> ResetNode:
    return ResetNode("out", OTTO, respond)


STOPS = pytest.mark.parametrize(
    ("stop", "go_on", "code", "said"), [(pausing, resuming, Code.PAUSED, "paused"), (tripping, resetting, Code.BREAKER_OPEN, "shut out")]
)


def written(shell: Any) -> list[Any]:
    """What the supervisor wrote on the node's log."""
    records = shell.ledger.read(NODE, 0, shell.ledger.head(NODE).size)
    found = [decode_node(parse(record.entry).tag, shell.ledger.open_body(NODE, record)) for record in records]
    return [event for event in found if event is not None]


def tags(shell: Any) -> list[str]:
    size = shell.ledger.head("belvedere").size
    return [parse(record.entry).tag.partition("/")[0] for record in shell.ledger.read("belvedere", 0, size)]


@STOPS
async def test_a_tenant_writes_down_what_stopped_the_node_before_it_decides_anything(
    shell: Any, stop: Any, go_on: Any, code: Code, said: str
) -> None:
    supervisor = await supervising(shell)
    assert isinstance(await told(supervisor, stop), Done)
    refused = await shell.ask(shell.proposal("k1", run="r1"), "ada")
    assert isinstance(refused, Refusal)
    assert refused.code is code
    assert f"the node is {said} by operator:otto" in refused.why
    assert [tag for tag in tags(shell) if tag != "command.refused"][-2:] == ["scope.paused", "alert.raised"]
    assert isinstance(await told(supervisor, go_on), Done)
    assert isinstance(await shell.ask(shell.proposal("k2", run="r2"), "ada"), Done)
    assert tags(shell).count("scope.paused") == tags(shell).count("scope.resumed") == 1


@STOPS
async def test_a_tenant_that_slept_through_a_stop_kills_what_it_had_granted_before(
    shell: Any, stop: Any, go_on: Any, code: Code, said: str
) -> None:
    granted = await shell.ask(shell.proposal("k1"), "ada")
    assert isinstance(granted, Done)
    supervisor = await supervising(shell)
    shell.clock.advance(SECOND)
    await told(supervisor, stop)
    await told(supervisor, go_on)
    await shell.tenant.handle([Envelope(Sweep())])
    await shell.settled()
    found = tags(shell)
    assert found[-6:] == ["scope.paused", "scope.resumed", "alert.raised", "alert.raised", "warrant.revoked", "dead_letter.opened"]
    assert not shell.tenant.state.warrants


async def test_nothing_is_granted_while_a_pause_is_on_its_way_to_the_disk(shell: Any) -> None:
    supervisor = await supervising(shell)
    shell.disk.hold()
    heard: list[Outcome] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(supervisor.handle, [Envelope[SupervisorMessage](pausing(heard.append))])
        await trio.testing.wait_all_tasks_blocked()
        refused = await shell.tell(shell.proposal("k1", run="r1"), "ada")
        shell.disk.go()
    await shell.settled()
    assert isinstance(heard[0], Done)
    assert isinstance(refused[0], Refusal)
    assert refused[0].code is Code.PAUSED
    assert "fire" in refused[0].why


@pytest.mark.parametrize(("point", "paused"), [("commit", False), ("committed", True)])
async def test_a_pause_in_doubt_is_in_force_exactly_if_it_is_on_the_log(shell: Any, point: str, paused: bool) -> None:
    supervisor = await supervising(shell)
    shell.disk.fault = point
    with trio.fail_after(60):
        doubted = await told(supervisor, pausing)
        await shell.scribe.wait_writable()
    assert isinstance(doubted, Unsettled)
    assert (supervisor.state.paused is not None) is paused
    assert isinstance(await shell.ask(shell.proposal("k1", run="r1"), "ada"), Refusal if paused else Done)


async def test_a_pause_that_could_not_be_written_leaves_a_node_that_grants(shell: Any) -> None:
    supervisor = await supervising(shell)
    shell.scribe._read_only = "the disk is full"
    assert isinstance(await told(supervisor, pausing), Refusal)
    shell.scribe._read_only = None
    assert isinstance(await shell.ask(shell.proposal("k1", run="r1"), "ada"), Done)


async def test_clocks_in_doubt_are_an_alert_once_for_each_time_and_somebody_has_it(shell: Any) -> None:
    supervisor = await supervising(shell)
    right = shell.clock.wall()
    for wrong in (0, 60, 60, 0, 60):
        shell.clock.set_wall(right + wrong * SECOND)
        await supervisor.handle([Envelope(WriteCounts())])
    found = [event.TAG for event in written(shell)]
    assert found == ["clock.doubted/1", "alert.raised/1", "clock.doubted/1"]  # within the hour it is counted
    number = supervisor.state.alerts.last
    assert number is not None
    ack = c.AcknowledgeAlert(number, "mine")
    assert isinstance(await told(supervisor, partial(AcknowledgeNode, ack, OTTO)), Done)
    again = await told(supervisor, partial(AcknowledgeNode, ack, "operator:other"))
    assert isinstance(again, Done)
    assert (again.value["by"], again.value["repeated"]) == (OTTO, True)
    unknown = await told(supervisor, partial(AcknowledgeNode, c.AcknowledgeAlert(number + 9, "x"), OTTO))
    assert isinstance(unknown, Refusal)


def aborts(heard: list[Any]) -> list[str]:
    return [item["run"] for item in heard if item.get("kind") == "abort"]


@pytest.mark.parametrize("granted", [True, False])
@STOPS
async def test_what_ran_hears_of_a_stop_that_its_tenant_slept_through(
    shell: Any, stop: Any, go_on: Any, code: Code, said: str, granted: bool
) -> None:
    heard: list[Any] = []
    shell.feed.add(MEMBER + "ada", heard.append)
    if granted:
        await shell.ask(shell.proposal("k0"), "ada")
    await shell.ask(shell.proposal("k1", run="r1"), "ada")
    supervisor = await supervising(shell)
    shell.clock.advance(SECOND)
    await told(supervisor, stop)
    await told(supervisor, go_on)
    await shell.sweep()
    assert aborts(heard) == ["r1"]
    assert tags(shell).count("scope.paused") == tags(shell).count("scope.resumed") == 1
    await shell.ask(shell.proposal("k2", run="r2"), "ada")
    await shell.sweep()
    assert aborts(heard) == ["r1"]


@STOPS
async def test_whoever_listened_to_nothing_when_it_was_stopped_is_told_when_it_listens_again(
    shell: Any, stop: Any, go_on: Any, code: Code, said: str
) -> None:
    await shell.ask(shell.proposal("k1", run="r1"), "ada")
    supervisor = await supervising(shell)
    shell.clock.advance(SECOND)
    await told(supervisor, stop)
    await shell.sweep()
    shell.feed = Feed()
    shell.tenant = Tenant(shell.name, shell.around, shell.feed)
    await shell.tenant.start()
    for _ in range(2):
        heard: list[Any] = []
        await shell.tenant.handle([Envelope(Listen("ada", INBOX, heard.append))])
        await shell.settled()
        assert aborts(heard) == ["r1"]
        await told(supervisor, go_on)


@STOPS
async def test_what_everybody_is_refused_for_is_no_entry_of_anybody(shell: Any, stop: Any, go_on: Any, code: Code, said: str) -> None:
    supervisor = await supervising(shell)
    await told(supervisor, stop)
    await shell.sweep()
    before = len(tags(shell))
    for _ in range(3):
        refused = await shell.ask(shell.proposal("same", run="same"), "ada")
        assert isinstance(refused, Refusal)
        assert refused.code is code
    assert len(tags(shell)) == before


@STOPS
async def test_a_stop_that_is_over_and_was_noted_is_not_noted_again(shell: Any, stop: Any, go_on: Any, code: Code, said: str) -> None:
    """Legal time stands still for a moment after a start with a clock that is behind: then what is granted is as old as the stop."""
    supervisor = await supervising(shell)
    await told(supervisor, stop)
    await shell.sweep()
    await told(supervisor, go_on)
    await shell.sweep()
    assert isinstance(await shell.ask(shell.proposal("k1"), "ada"), Done)
    shell.tenant = Tenant(shell.name, shell.around, shell.feed)
    await shell.tenant.start()
    await shell.sweep()
    assert tags(shell).count("scope.paused") == 1
    assert len(shell.tenant.state.warrants) == 1


@STOPS
async def test_a_second_stop_in_the_same_moment_is_another_one(shell: Any, stop: Any, go_on: Any, code: Code, said: str) -> None:
    supervisor = await supervising(shell)
    for number in (1, 2):
        assert isinstance(await shell.ask(shell.proposal(f"k{number}"), "ada"), Done)
        await told(supervisor, stop)
        await shell.sweep()
        await told(supervisor, go_on)
        await shell.sweep()
        assert tags(shell).count("scope.paused") == number
        assert not shell.tenant.state.warrants
