from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors.governance import commands as c
from actors.governance.codec import encode_state
from actors.governance.decision import Operator
from actors.governance.refusals import Code, Refusal
from actors.kernel import Envelope
from actors.messages import Asked, Done, Listen, Unsettled
from actors.tenant import INBOX, Tenant

if TYPE_CHECKING:
    Shell = Any  # the fixture of this directory's conftest


async def test_a_whole_case_leaves_six_durable_entries_and_no_open_state(shell: Shell) -> None:
    before = shell.ledger.head("belvedere").size
    outcome = await shell.whole_case("k1")
    assert isinstance(outcome, Done)
    assert outcome.value["status"] == "consistent"
    assert shell.ledger.head("belvedere").size == before + 6
    assert not shell.tenant.state.cases
    assert not shell.tenant.state.runs


async def test_nothing_leaves_before_what_it_rests_on_is_durable(shell: Shell) -> None:
    shell.disk.hold()
    granted = await shell.tell(shell.proposal("k1", run="r1"), "ada")
    read = await shell.tell(c.Read("status"), "anna")
    refused = await shell.tell(c.Cancel("c0", "no"), "ada")
    assert (granted, read, refused) == ([], [], [])
    shell.disk.go()
    await shell.settled()
    assert isinstance(granted[0], Done)
    assert isinstance(read[0], Done)
    assert read[0].value["open_runs"] == 1
    assert isinstance(refused[0], Refusal)


async def test_a_refusal_computed_on_an_unsynced_state_is_held_like_any_reply(shell: Shell) -> None:
    shell.disk.hold()
    first = await shell.tell(shell.proposal("k1", run="r1"), "ada")
    second = await shell.tell(shell.proposal("k2", run="r1"), "ada")
    assert (first, second) == ([], [])
    shell.disk.go()
    await shell.settled()
    assert isinstance(second[0], Refusal)
    assert second[0].code is Code.RUN_REUSED


async def test_a_listener_hears_of_a_warrant_only_when_it_is_durable(shell: Shell) -> None:
    heard: list[Any] = []
    await shell.tenant.handle([Envelope(Listen("clara", INBOX, heard.append))])
    shell.disk.hold()
    await shell.tell(shell.proposal("k1", action="notes.append"), "ada")
    assert heard == []
    shell.disk.go()
    await shell.settled()
    assert [item["kind"] for item in heard] == ["approval"]


@pytest.mark.parametrize(("point", "persisted"), [("begin", False), ("commit", False), ("committed", True)])
async def test_a_failed_commit_makes_answers_indeterminate_and_a_repeat_tells_what_happened(
    shell: Shell, point: str, persisted: bool
) -> None:
    before = shell.ledger.head("belvedere").size
    epoch = shell.scribe.epoch("belvedere")
    shell.disk.fault = point
    first = await shell.tell(shell.proposal("k1", run="r1"), "ada")
    with trio.fail_after(60):
        await shell.scribe.wait_epoch("belvedere", epoch)
        await shell.scribe.wait_writable()
    assert isinstance(first[0], Unsettled)
    assert shell.ledger.head("belvedere").size == before + (4 if persisted else 0)
    again = await shell.ask(shell.proposal("k1", run="r1"), "ada")
    assert isinstance(again, Done)
    assert again.value["status"] == "running"
    assert again.value.get("repeated", False) is persisted
    assert shell.ledger.head("belvedere").size == before + 4  # nothing of the discarded epoch came back, and nothing twice
    assert shell.tenant.state.size == before + 4


async def test_a_trip_of_the_node_between_decision_and_queue_refuses_and_the_state_is_folded_again(shell: Shell) -> None:
    shell.scribe.raise_scope("", "node")
    refused = await shell.ask(shell.proposal("k1", run="r1"), "ada")
    assert isinstance(refused, Refusal)
    assert refused.code is Code.BREAKER_OPEN
    shell.around.standing.epoch = 1
    granted = await shell.ask(shell.proposal("k1", run="r1"), "ada")
    assert isinstance(granted, Done)
    assert granted.value["status"] == "running"


async def test_commands_are_refused_before_decision_while_the_disk_does_not_work(shell: Shell) -> None:
    shell.scribe._read_only = "the disk is full"
    outcome = await shell.ask(shell.proposal("k1"), "ada")
    assert isinstance(outcome, Refusal)
    assert outcome.code is Code.READ_ONLY
    assert outcome.retry_after is not None
    read = await shell.ask(c.Read("status"), "anna")
    assert isinstance(read, Done)
    shell.scribe._read_only = None


async def test_a_second_life_folds_to_the_same_state_and_still_knows_old_keys_and_runs(shell: Shell) -> None:
    for number in range(5):
        await shell.whole_case(f"k{number}")
    await shell.ask(shell.proposal("held", action="notes.append"), "ada")
    before = encode_state(shell.tenant.state)
    second = Tenant("belvedere", shell.around, shell.feed)
    await second.start()
    assert encode_state(second.state) == before
    shell.tenant = second
    repeated = await shell.ask(shell.proposal("k3", run="r-k3"), "ada")
    assert isinstance(repeated, Done)
    assert repeated.value["repeated"] is True
    assert repeated.value["status"] == "consistent"
    reused = await shell.ask(shell.proposal("k9", run="r-k3"), "ada")
    assert isinstance(reused, Refusal)
    assert reused.code is Code.RUN_REUSED


async def test_the_name_of_an_ended_member_is_nobody(shell: Shell) -> None:
    revoked = await shell.ask(c.RevokeMember("ada", "left", "k"), "anna")
    assert isinstance(revoked, Done)
    outcome = await shell.ask(shell.proposal("k1"), "ada")
    assert isinstance(outcome, Refusal)
    assert outcome.code is Code.NOT_ALLOWED


async def test_a_refusal_by_decision_is_an_entry_and_one_before_it_is_not(shell: Shell) -> None:
    before = shell.ledger.head("belvedere").size
    await shell.ask(c.Cancel("c-of-nobody", "no"), "ada")
    assert shell.ledger.head("belvedere").size == before + 1
    assert shell.tenant.state.tally.refused == 1


async def test_what_is_overdue_is_settled_by_a_sweep_and_becomes_a_dead_letter(shell: Shell) -> None:
    held = await shell.ask(shell.proposal("k1", action="notes.append"), "ada")
    assert isinstance(held, Done)
    assert held.value["status"] == "held"
    shell.clock.advance(5 * 3_600_000_000)
    await shell.sweep()
    letters = await shell.ask(c.ListLetters(), "anna")
    assert isinstance(letters, Done)
    assert [letter["kind"] for letter in letters.value["letters"]] == ["expired"]
    assert not shell.tenant.state.cases


async def test_a_suspended_tenant_takes_reports_and_refuses_proposals(shell: Shell) -> None:
    granted = await shell.ask(shell.proposal("k1", run="r1"), "ada")
    await shell.ask(c.Pause("tenant", "an incident"), Operator("otto"))
    refused = await shell.ask(shell.proposal("k2"), "ada")
    assert isinstance(refused, Refusal)
    assert refused.code is Code.PAUSED
    reported = await shell.ask(shell.report(granted, "ada"), "ada")
    assert isinstance(reported, Done)


async def test_a_batch_of_commands_is_answered_each_once_and_in_order(shell: Shell) -> None:
    heard: list[tuple[int, Any]] = []
    batch = [
        Envelope(Asked(shell.proposal(f"k{n}", run=f"r{n}"), "ada", False, lambda outcome, n=n: heard.append((n, outcome))))
        for n in range(20)
    ]
    await shell.tenant.handle(batch)
    await shell.settled()
    assert [n for n, _ in heard] == list(range(20))
    assert all(isinstance(outcome, Done) for _, outcome in heard)


async def test_an_entry_that_cannot_be_decoded_freezes_the_tenant_with_its_place(shell: Shell) -> None:
    from ledger import Batch, Draft

    size = shell.ledger.head("belvedere").size
    await shell.scribe.errand(
        lambda: shell.ledger.append_many([Batch("belvedere", size, (Draft(tag="intent.proposed/1", time=1, actor="x", body=b"\x80"),))])
    )
    frozen = Tenant("belvedere", shell.around, shell.feed)
    await frozen.start()
    assert f"entry {size}" in frozen.frozen
    shell.tenant = frozen
    outcome = await shell.ask(shell.proposal("k1"), "ada")
    assert isinstance(outcome, Refusal)
    assert outcome.code is Code.FROZEN
