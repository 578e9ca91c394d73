"""A whole actor: asked, stopped in order, crashed, cancelled in mid-crash."""

from __future__ import annotations

from functools import partial

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors.errors import ActorDied, AskTimeout
from actors.kernel import Child, Envelope, Mailbox, Monitor, Notice, Ref, Reply, Restart, Strategy, Supervision, run_actor, supervise
from actors.kernel.spec import Down, When


@attrs.frozen
class Greet:
    name: str
    reply: Reply[str]


@attrs.frozen
class Keep:
    """A question whose answer waits for something else."""

    reply: Reply[str]


@attrs.frozen
class Poison:
    pass


Word = Greet | Keep | Poison


class Greeter:
    def __init__(self, told: list[str]) -> None:
        self.told = told
        self.kept: list[Reply[str]] = []

    async def start(self) -> None:
        self.told.append("start")

    async def handle(self, batch: list[Envelope[Word]]) -> None:
        for envelope in batch:
            match envelope.message:
                case Greet(name, reply):
                    reply.answer(f"Servus, {name}")
                case Keep(reply):
                    self.kept.append(reply)
                case Poison():
                    raise ValueError("poison")

    async def stop(self) -> None:
        await trio.lowlevel.checkpoint()  # last words may wait
        self.told.append("stop")


class Stage:
    def __init__(self) -> None:
        self.told: list[str] = []
        self.notices: list[Notice] = []
        self.mailbox: Mailbox[Word] = Mailbox("greeter", capacity=4)
        self.ref: Ref[Word] = Ref(self.mailbox)

    async def open(self, nursery: trio.Nursery, restart: Restart = Restart.PERMANENT) -> Supervision:
        child = Child(name="greeter", start=partial(run_actor, lambda: Greeter(self.told), self.mailbox), restart=restart)
        run = partial(supervise, [child], strategy=Strategy.ONE_FOR_ONE, jitter=lambda: 0.0, report=self.notices.append)
        supervision = await nursery.start(run)
        assert isinstance(supervision, Supervision)
        return supervision


async def test_an_ask_gets_its_answer_and_a_stop_its_last_words() -> None:
    stage = Stage()
    async with trio.open_nursery() as nursery:
        await stage.open(nursery)
        assert await stage.ref.ask(partial(Greet, "Ada")) == "Servus, Ada"
        assert await stage.ref.ask(partial(Greet, "Ben"), timeout=1) == "Servus, Ben"
        nursery.cancel_scope.cancel()
    assert stage.told == ["start", "stop"]
    assert stage.notices == []
    assert isinstance(stage.mailbox.cause, trio.Cancelled)
    with pytest.raises(ActorDied):
        await stage.ref.ask(partial(Greet, "Ada"))


async def test_an_ask_that_waits_too_long_says_so_and_a_late_answer_harms_nobody(autojump_clock: trio.testing.MockClock) -> None:
    stage = Stage()
    replies: list[Reply[str]] = []

    def keep(reply: Reply[str]) -> Word:
        replies.append(reply)
        return Keep(reply)

    async with trio.open_nursery() as nursery:
        await stage.open(nursery)
        with pytest.raises(AskTimeout, match="greeter did not answer within 3 s"):
            await stage.ref.ask(keep, timeout=3)
        assert trio.current_time() == pytest.approx(3)
        assert not stage.mailbox.debts
        replies[0].answer("late")
        nursery.cancel_scope.cancel()


async def test_a_death_fails_every_answer_still_owed_also_those_held_back(autojump_clock: trio.testing.MockClock) -> None:
    stage = Stage()
    died: list[str] = []

    async def ask_and_lose(word: str) -> None:
        with pytest.raises(ActorDied):
            await stage.ref.ask(Keep if word == "held" else partial(Greet, word))
        died.append(word)

    async with trio.open_nursery() as nursery:
        await stage.open(nursery)
        async with trio.open_nursery() as asking:
            asking.start_soon(ask_and_lose, "held")
            await wait_all_tasks_blocked()
            stage.ref.tell_nowait(Poison(), urgent=True)
            asking.start_soon(ask_and_lose, "unread")
        assert sorted(died) == ["held", "unread"]
        await trio.sleep(1)
        assert await stage.ref.ask(partial(Greet, "Ada")) == "Servus, Ada"  # the same ref, the next life
        nursery.cancel_scope.cancel()
    assert stage.told == ["start", "start", "stop"]  # a crashed life has no last words
    [notice] = stage.notices
    assert isinstance(notice, Down)
    assert (str(notice.crash), notice.when, notice.restarts_in) == ("poison", When.RUNNING, 0.1)


async def test_a_temporary_actor_stays_dead_and_its_monitor_knows_why() -> None:
    stage = Stage()
    async with trio.open_nursery() as nursery:
        supervision = await stage.open(nursery, Restart.TEMPORARY)
        stage.ref.tell_nowait(Poison())
        death = await Monitor(stage.mailbox).wait_death()
        await wait_all_tasks_blocked()
        assert str(death.cause) == "poison"
        assert [child.state for child in supervision.statistics()] == ["ended"]
        nursery.cancel_scope.cancel()


async def test_an_answer_given_twice_is_a_bug() -> None:
    reply: Reply[int] = Reply(set())
    reply.answer(1)
    with pytest.raises(RuntimeError, match="answered before"):
        reply.answer(2)
    assert await reply.wait() == 1


async def test_a_cancelled_ask_owes_nothing_any_more() -> None:
    stage = Stage()
    async with trio.open_nursery() as nursery:
        await stage.open(nursery)
        async with trio.open_nursery() as asking:
            asking.start_soon(stage.ref.ask, Keep)
            await wait_all_tasks_blocked()
            assert len(stage.mailbox.debts) == 1
            asking.cancel_scope.cancel()
        assert not stage.mailbox.debts
        nursery.cancel_scope.cancel()
