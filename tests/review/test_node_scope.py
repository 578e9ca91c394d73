"""What is the node's: its breaker is shut at once and never wedged, and founding a tenant can be tried again."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

import pytest
import trio

from actors.governance import commands as c
from actors.governance.codec import decode_node
from actors.governance.ids import HOUR
from actors.governance.node_law import MessageQuarantined
from actors.governance.refusals import Code, Refusal
from actors.kernel import Envelope
from actors.messages import Done, Outcome, Unsettled
from actors.supervisor import CreateTenant, Refused, ResetNode, Supervisor, SupervisorMessage, TripNode, WriteCounts
from ledger import WritingStopped
from transport.answers import Reply
from transport.errors import Unauthenticated
from vienna_runtime import config
from vienna_runtime.admission import public_part
from vienna_runtime.keystore import Keystore
from vienna_runtime.keystore_opener import opener_for


async def _fails(error: Exception, *_: object) -> None:
    raise error


async def _supervisor(shell: Any, error: Exception | None = None) -> Supervisor:
    admit = partial(_fails, error or WritingStopped("the disk is full"))
    made = Supervisor(shell.scribe, shell.time, shell.around.standing, Refused(), admit)
    await made.start()
    return made


async def _tell(supervisor: Supervisor, kind: Any) -> list[Outcome]:
    heard: list[Outcome] = []
    await supervisor.handle([Envelope(kind(heard.append))])
    return heard


def _trip(respond: Any) -> TripNode:
    return TripNode("fire", "otto", respond)


async def test_a_trip_that_could_not_be_written_leaves_a_node_that_grants_when_writing_works_again(shell: Any) -> None:
    supervisor = await _supervisor(shell)
    shell.scribe._read_only = "the disk is full"
    (refused,) = await _tell(supervisor, _trip)
    assert isinstance(refused, Refusal)
    shell.scribe._read_only = None
    assert isinstance(await shell.ask(shell.proposal("k1", run="r1"), "ada"), Done)


async def test_nothing_is_granted_while_a_trip_is_on_its_way_to_the_disk_and_the_refusal_says_why(shell: Any) -> None:
    supervisor = await _supervisor(shell)
    shell.disk.hold()
    heard: list[Outcome] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(supervisor.handle, [Envelope[SupervisorMessage](_trip(heard.append))])
        await trio.testing.wait_all_tasks_blocked()
        refused = await shell.tell(shell.proposal("k1", run="r1"), "ada")
        shell.disk.go()
    await shell.settled()
    assert isinstance(heard[0], Done)
    assert isinstance(refused[0], Refusal)
    assert refused[0].code is Code.BREAKER_OPEN
    assert "fire" in refused[0].why
    (reset,) = await _tell(supervisor, lambda respond: ResetNode("out", "otto", respond))
    assert isinstance(reset, Done)
    assert isinstance(await shell.ask(shell.proposal("k2", run="r2"), "ada"), Done)


@pytest.mark.parametrize(("point", "tripped"), [("commit", False), ("committed", True)])
async def test_a_trip_in_doubt_is_in_force_exactly_if_it_is_on_the_log(shell: Any, point: str, tripped: bool) -> None:
    supervisor = await _supervisor(shell)
    shell.disk.fault = point
    with trio.fail_after(60):
        (doubted,) = await _tell(supervisor, _trip)
        await shell.scribe.wait_writable()
    assert isinstance(doubted, Unsettled)
    assert (supervisor.state.tripped is not None) is tripped
    outcome = await shell.ask(shell.proposal("k1", run="r1"), "ada")
    assert isinstance(outcome, Refusal if tripped else Done)


@pytest.mark.parametrize("error", [WritingStopped("the disk is full"), OSError(28, "no space left")])
async def test_a_founding_that_could_not_be_written_is_an_answer_and_no_fall(shell: Any, error: Exception) -> None:
    supervisor = await _supervisor(shell, error)
    command = c.Found("schoenbrunn", "anna", "anna", "i", bytes(32), 0)
    (outcome,) = await _tell(supervisor, partial(CreateTenant, command, "otto"))
    assert isinstance(outcome, Unsettled)


async def test_a_tenant_named_as_a_file_of_the_nodes_export_is_refused_and_its_admin_may_be_named_so(shell: Any) -> None:
    supervisor = await _supervisor(shell)
    (refused,) = await _tell(supervisor, partial(CreateTenant, c.Found("heads", "anna", "anna", "i", bytes(32), 0), "otto"))
    assert isinstance(refused, Refusal)
    assert (refused.code, "the tenant's name cannot be 'heads'" in refused.why) == (Code.MALFORMED, True)
    (other,) = await _tell(supervisor, partial(CreateTenant, c.Found("schoenbrunn", "heads", "anna", "i", bytes(32), 0), "otto"))
    assert isinstance(other, Unsettled)  # it came as far as the disk, which is full here


def test_a_founding_that_a_crash_interrupted_can_be_asked_for_again(fresh: Any) -> None:
    """Keys and log are there and the first entry is not: as after a kill between the steps."""
    settings = config.load(fresh.home, environ={})
    keystore = Keystore.open(settings.keystore, opener_for(settings.keystore, key_file=settings.key_file, ask=None))  # type: ignore[arg-type]
    keystore.admit_tenant("schoenbrunn")
    ledger = fresh.ledger()
    ledger.create("schoenbrunn", public=public_part(keystore.issuer_public("schoenbrunn")), time=fresh.now(), actor="operator:otto")
    ledger.close()
    fresh.serve()

    async def play() -> None:
        await fresh.found_tenant("schoenbrunn", cast=[("ada", "agent", "ada", ("reader",), "anna")])
        async with fresh.cast("ada", tenant="schoenbrunn") as (ada,):
            assert (await ada.propose("notes.read", run=secrets.token_hex(8)))["status"] == "running"
        async with fresh.as_operator() as operator:
            again = {"admin": "anna", "person": "anna", "invitation": "i", "token_hash": bytes(32), "expires_at": fresh.now() + 10**9}
            assert await operator.refused("tenant.create", tenant="schoenbrunn", **again) == "name_taken"

    trio.run(play)
    assert fresh.end() == 0


def test_a_tenant_whose_first_admin_lost_its_invitation_is_given_another_and_the_lost_one_is_worthless(fresh: Any) -> None:
    fresh.serve()

    async def play() -> None:
        async with fresh.as_operator() as operator:
            lost, found = (operator.member.make("schoenbrunn", name, "admin") for name in ("anna", "rosa"))
            for member in (lost, found):
                assert (await operator.done("tenant.create", **_first(fresh, member)))["tenant"] == "schoenbrunn"
            with pytest.raises(Unauthenticated):
                await fresh.enrol(lost)
            assert isinstance(await fresh.enrol(found), Reply)
            assert await operator.refused("tenant.create", **_first(fresh, lost)) == "name_taken"

    trio.run(play)


def _first(fresh: Any, member: Any) -> dict[str, Any]:
    invitation = member.invitation
    return {
        "tenant": member.tenant, "admin": member.name, "person": member.name,
        "invitation": invitation.id, "token_hash": invitation.digest(), "expires_at": fresh.now() + HOUR,
    }  # fmt: skip


async def test_what_the_supervisor_fell_over_twice_is_set_aside_and_noted_on_the_nodes_log(shell: Any) -> None:
    supervisor = await _supervisor(shell, RuntimeError("nobody thought of this"))
    command = c.Found("hofburg", "greta", "Greta", "i1", bytes(32), HOUR)  # type: ignore[arg-type]
    heard: list[Outcome] = []

    def batch() -> list[Envelope[SupervisorMessage]]:
        return [Envelope(CreateTenant(command, "otto", heard.append)), Envelope(ResetNode("out", "otto", heard.append))]

    for _ in range(2):
        with pytest.raises(RuntimeError):
            await supervisor.handle(batch())
    await supervisor.handle(batch())
    assert [type(outcome) for outcome in heard] == [Unsettled, Refusal] * 2 + [Refusal, Refusal]
    assert [outcome.code for outcome in heard if isinstance(outcome, Refusal)] == [Code.BUSY, Code.BUSY, Code.QUARANTINED, Code.UNKNOWN]
    await supervisor.handle([Envelope(WriteCounts())])
    ledger = shell.ledger
    (record, _alert) = ledger.read("", ledger.head("").size - 2, ledger.head("").size)
    noted = decode_node("message.quarantined/1", ledger.open_body("", record))
    assert isinstance(noted, MessageQuarantined)
    assert (noted.message, noted.by, noted.fall) == ("CreateTenant", "otto", "RuntimeError")
