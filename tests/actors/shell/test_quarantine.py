"""A command that makes its tenant fall twice is set aside, on the log, and everybody else goes on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import trio

from actors import tenant as tenants
from actors.directory import Place
from actors.falling import turn_away
from actors.feed import Feed
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.refusals import Code, Refusal
from actors.kernel import Child, Mailbox, Strategy, run_actor, supervise
from actors.messages import Asked, Done, Outcome, Sweep, Unsettled
from actors.tenant import Tenant

pytestmark = pytest.mark.usefixtures("autojump_clock")
Shell = Any  # the fixture of this directory's conftest


class Bug(Exception):
    """What the test plants in the law."""


async def until(condition: Callable[[], bool]) -> None:
    """On a clock that jumps: the supervision's waits take no time."""
    with trio.fail_after(60):
        while not condition():  # noqa: ASYNC110  # what is waited for tells nobody
            await trio.sleep(0.01)


class Alive:
    """The tenant of a shell under a supervision, as a node has it."""

    def __init__(self, shell: Shell, quarantine: Any = None) -> None:
        self.shell = shell
        self.place = Place("belvedere", Mailbox("tenant belvedere", on_lost=turn_away), Feed())
        if quarantine is not None:
            self.place.quarantine = quarantine
        self.falls: list[Any] = []

    def make(self) -> Tenant:
        self.place.tenant = Tenant(self.place.name, self.shell.around, self.place.feed, self.place.quarantine)
        return self.place.tenant

    async def run(self, *, task_status: trio.TaskStatus[Any]) -> None:
        child = Child(name="belvedere", start=partial(run_actor, self.make, self.place.mailbox))
        report = self.falls.append
        await supervise([child], strategy=Strategy.ONE_FOR_ONE, jitter=lambda: 0.0, report=report, task_status=task_status)

    async def ask(self, *asks: tuple[Any, str]) -> list[Outcome]:
        """All in one batch."""
        heard: dict[int, Outcome] = {}
        await until(lambda: self.place.mailbox.is_open)
        for at, (ask, by) in enumerate(asks):
            self.place.ref.tell_nowait(Asked(ask, by, False, partial(heard.__setitem__, at)))
        await until(lambda: len(heard) == len(asks))
        return [heard[at] for at in range(len(asks))]


@pytest.fixture
def buggy(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """The law falls over proposals whose purpose is this word."""

    def plant(word: str) -> None:
        decide = tenants.decide

        def fallible(state: Any, command: Any, *rest: Any) -> Any:
            if isinstance(command, c.Propose) and command.purpose == word:
                raise Bug("nobody thought of this")
            return decide(state, command, *rest)

        monkeypatch.setattr(tenants, "decide", fallible)

    return plant


def proposal(key: str, purpose: str = "to see") -> c.Propose:
    return c.Propose(action="notes.read", resource="notes/today", params={"path": "a"}, purpose=purpose, key=key)


async def test_the_second_fall_sets_a_command_aside_on_the_log_and_the_others_of_its_batch_go_on(
    shell: Shell, buggy: Callable[[str], None]
) -> None:
    buggy("bad")
    alive = Alive(shell)
    await shell.nursery.start(alive.run)
    first = await alive.ask((proposal("k1"), "ada"), (proposal("p1", "bad"), "ada"), (proposal("k2"), "ben"))
    assert isinstance(first[0], Done)
    assert isinstance(first[1], Unsettled)  # once may be bad luck: whoever sent it asks again
    assert isinstance(first[2], Refusal)
    assert first[2].code is Code.BUSY  # nothing of it was looked at
    second = await alive.ask((proposal("p2", "bad"), "ada"), (proposal("k2"), "ben"))  # another key, and still the same wish
    assert isinstance(second[0], Refusal)
    assert second[0].code is Code.QUARANTINED
    falls = len(alive.falls)
    third = await alive.ask((proposal("p1", "bad"), "ada"), (proposal("k2"), "ben"), (proposal("p1"), "ada"))
    assert isinstance(third[0], Refusal)
    assert third[0].code is Code.QUARANTINED
    assert [type(outcome) for outcome in third[1:]] == [Done, Done]
    assert (falls, len(alive.falls)) == (2, 2)

    (listed,) = await alive.ask((c.ListLetters(None, 10), "anna"))
    assert isinstance(listed, Done)
    (letter,) = listed.value["letters"]  # type: ignore[misc]
    assert (letter["kind"], letter["case"], letter["resolved"]) == ("poison", "", False)
    assert "Propose of ada" in letter["why"]
    (shown,) = await alive.ask((c.ShowLetter(letter["letter"]), "anna"))
    assert isinstance(shown, Done)
    assert (shown.value["command"], shown.value["by"], shown.value["fall"]) == ("Propose", "ada", "Bug")
    assert shown.value["digest"].hex() in letter["why"]  # type: ignore[attr-defined]
    assert b"nobody thought of this" not in repr(shown).encode()
    (again,) = await alive.ask((c.RetryLetter(letter["letter"], "k"), "anna"))
    assert isinstance(again, Refusal)
    assert again.code is Code.NOT_ALLOWED
    assert isinstance((await alive.ask((c.ResolveLetter(letter["letter"], "mended"), "anna")))[0], Done)


async def test_a_new_process_falls_once_over_what_an_earlier_one_set_aside_and_writes_it_down_no_second_time(
    shell: Shell, buggy: Callable[[str], None]
) -> None:
    buggy("bad")
    for expected in (2, 1):  # each a process of its own: what is remembered is on the log
        alive = Alive(shell)
        with trio.CancelScope() as process:
            async with trio.open_nursery() as nursery:
                await nursery.start(alive.run)
                for number in range(3):
                    await alive.ask((proposal(f"p{number}", "bad"), "ada"))
                assert isinstance((await alive.ask((proposal("k"), "ada")))[0], Done)
                process.cancel()
        assert len(alive.falls) == expected
    state = alive.place.tenant.state  # type: ignore[union-attr]
    assert state.tally.dead_letters == 1


async def test_what_stands_on_its_way_to_the_ledger_is_never_said_to_be_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    alive = Alive(shell)
    await shell.nursery.start(alive.run)

    def broken(*_: Any) -> Any:
        raise Bug

    with monkeypatch.context() as patch:
        patch.setattr(tenants.answering, "of_command", broken)
        first = await alive.ask((proposal("k"), "ada"))
        assert isinstance(first[0], Unsettled)
    (told,) = await alive.ask((proposal("k"), "ada"))
    assert isinstance(told, Done)  # and the same key tells that it happened
    assert told.value["status"] == "warranted"


async def test_time_is_never_set_aside(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    alive = Alive(shell)
    await shell.nursery.start(alive.run)

    def broken(*_: Any) -> Any:
        raise Bug

    with monkeypatch.context() as patch:
        patch.setattr(tenants, "next_due", broken)
        for _ in range(2):
            fallen = len(alive.falls)
            alive.place.ref.tell_nowait(Sweep())
            await until(lambda fallen=fallen: len(alive.falls) > fallen and alive.place.mailbox.is_open)  # type: ignore[misc]
    assert not len(alive.place.quarantine.suspects)
    state = alive.place.tenant.state  # type: ignore[union-attr]
    assert state.tally.dead_letters == 0


def test_the_digest_is_of_the_sender_and_the_wish_and_not_of_the_key() -> None:
    from actors.governance.quarantine import digest_of

    assert digest_of(proposal("a"), "ada") == digest_of(proposal("b"), "ada")
    assert digest_of(proposal("a"), "ada") != digest_of(proposal("a"), "ben")
    assert digest_of(proposal("a"), "ada") != digest_of(proposal("a", "else"), "ada")
    strange = c.Propose(action="a", resource="r", params={"x": 1.5}, purpose="", key="k")  # type: ignore[dict-item]
    assert len(digest_of(strange, "ada")) == 32  # what has no canonical form has a digest too
    assert e.CommandQuarantined.TAG == "command.quarantined/1"
