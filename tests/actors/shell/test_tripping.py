"""Nothing slips past a trip: on a real ledger, through the shell and the scribe, in whatever order things arrive and the disk works."""

from __future__ import annotations

import random
from typing import Any

import pytest
import trio

from actors.governance import codec
from actors.governance import events as e
from actors.governance.refusals import Code, Refusal
from actors.governance.state import scopes
from actors.kernel import Envelope
from actors.messages import Asked, Done, Outcome, Unsettled
from ledger.header import parse

FAILS = 5  # runs that end badly within ten minutes, by default


def recorded(shell: Any) -> list[e.Event]:
    found = []
    for record in shell.ledger.read(shell.name, 0, shell.ledger.head(shell.name).size):
        found.append(codec.decode(parse(record.entry).tag, shell.ledger.open_body(shell.name, record)))
    return found


async def crowd(shell: Any, seed: int) -> dict[str, list[Outcome]]:
    """Reports of failure among proposals with runs of ``ada`` and ``ben``, in portions; what each is answered, by run."""
    chance = random.Random(seed)  # a test's
    running = [await shell.ask(shell.proposal(f"f{number}", run=f"f{number}"), "ada") for number in range(FAILS)]
    asks = [(f"report {number}", shell.report(granted, "ada", "failed"), "ada") for number, granted in enumerate(running)]
    asks += [(f"{by} {number}", shell.proposal(f"{by}{number}", run=f"{by}-{number}"), by) for by in ("ada", "ben") for number in range(24)]
    chance.shuffle(asks)
    heard: dict[str, list[Outcome]] = {name: [] for name, _, _ in asks}
    shell.disk.hold()
    while asks:
        part, asks = asks[: (many := chance.randint(1, 20))], asks[many:]
        await shell.tenant.handle([Envelope(Asked(ask, by, False, heard[name].append)) for name, ask, by in part])
        if chance.random() < 0.3:
            shell.disk.go()
            await trio.testing.wait_all_tasks_blocked()
            shell.disk.hold()
    shell.disk.go()
    await shell.settled()
    return heard


def slipped(events: list[e.Event]) -> tuple[set[str], list[e.Event]]:
    """The scopes that tripped, and what was granted or opened in one of them after its trip."""
    shut: set[str] = set()
    agents: dict[str, str] = {}
    found = []
    for event in events:
        if isinstance(event, e.BreakerTripped):
            shut.add(event.scope)
        elif isinstance(event, e.IntentProposed):
            agents[event.case] = event.agent
        elif isinstance(event, (e.WarrantIssued, e.RunOpened)) and shut.intersection(scopes(agents[event.case], "notes.read")):
            found.append(event)
    return shut, found


@pytest.mark.parametrize("seed", range(8))
async def test_nothing_is_granted_or_opened_after_the_entry_that_trips(shell: Any, seed: int) -> None:
    heard = await crowd(shell, seed)
    events = recorded(shell)
    shut, found = slipped(events)
    assert "agent:ada" in shut
    assert found == []
    opened = {event.run for event in events if isinstance(event, e.RunOpened)}
    for name, (outcome,) in heard.items():
        by, _, number = name.partition(" ")
        if by != "report":
            assert isinstance(outcome, Done) is (f"{by}-{number}" in opened), name
        assert isinstance(outcome, Done) or (isinstance(outcome, Refusal) and outcome.code is Code.BREAKER_OPEN)


@pytest.mark.parametrize("point", ["commit", "committed"])
async def test_a_trip_whose_commit_failed_is_in_force_exactly_if_it_is_on_the_log(shell: Any, point: str) -> None:
    running = [await shell.ask(shell.proposal(f"f{number}", run=f"f{number}"), "ada") for number in range(FAILS)]
    heard: list[Outcome] = []
    shell.disk.fault = point
    reports = [shell.report(granted, "ada", "failed") for granted in running]
    asks = [*reports, shell.proposal("late", run="late")]
    await shell.tenant.handle([Envelope(Asked(ask, "ada", False, heard.append)) for ask in asks])
    with trio.fail_after(60):
        await shell.settled()
        await shell.scribe.wait_writable()
    assert all(isinstance(outcome, Unsettled) for outcome in heard)
    tripped = "agent:ada" in slipped(recorded(shell))[0]
    assert tripped is (point == "committed")
    again = await shell.ask(shell.proposal("more", run="more"), "ada")
    assert isinstance(again, Refusal if tripped else Done)
    assert not any(isinstance(event, e.RunOpened) and event.run == "late" for event in recorded(shell))
