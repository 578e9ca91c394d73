"""Scripts of falling children, on a clock that jumps: what is stopped, what is started, in which order and when."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.errors import IntensityExceeded, StartFailed
from actors.kernel import Backoff, Child, Intensity, Notice, Overran, Restart, Strategy, Supervision, supervise
from actors.kernel.spec import Down, When


@attrs.define
class Stage:
    """Children that fall when pushed, and everything they and their supervision did."""

    told: list[str] = attrs.Factory(list)
    notices: list[Notice] = attrs.Factory(list)
    falls: dict[str, list[Exception | None]] = attrs.Factory(dict)
    pushes: dict[str, trio.Event] = attrs.Factory(dict)
    at: list[tuple[str, float]] = attrs.Factory(list)

    def child(self, name: str, restart: Restart = Restart.PERMANENT, last_words: float = 0.0, shutdown: float = 5.0) -> Child:
        async def start(*, task_status: Any) -> None:
            self.told.append(f"+{name}")
            self.at.append((name, trio.current_time()))
            self.pushes[name] = trio.Event()
            await trio.lowlevel.checkpoint()
            self.told.append(f"{name} ready")
            task_status.started()
            try:
                await self.pushes[name].wait()
                if (fall := self.falls[name].pop(0)) is not None:
                    raise fall
            finally:
                with trio.CancelScope(shield=True):
                    await trio.sleep(last_words)
                self.told.append(f"-{name}")

        return Child(name=name, start=start, restart=restart, shutdown=shutdown)

    async def push(self, *names: str, error: Exception | None = None) -> None:
        for name in names:
            self.falls.setdefault(name, []).append(error)
            self.pushes[name].set()
        await wait_all_tasks_blocked()

    def run(self, *children: Child, strategy: Strategy = Strategy.ONE_FOR_ONE, **options: Any) -> Callable[..., Any]:
        return partial(supervise, children, strategy=strategy, jitter=lambda: 0.0, report=self.notices.append, **options)

    def heard(self) -> list[str]:
        heard, self.told = self.told, []
        return heard


async def opened(nursery: trio.Nursery, run: Callable[..., Any]) -> Supervision:
    supervision = await nursery.start(run)
    assert isinstance(supervision, Supervision)
    return supervision


POISON = ValueError("poison")


async def test_starts_in_order_when_the_one_before_is_ready_and_stops_in_reverse() -> None:
    stage = Stage()
    async with trio.open_nursery() as nursery:
        supervision = await opened(nursery, stage.run(*map(stage.child, "abc")))
        assert stage.heard() == ["+a", "a ready", "+b", "b ready", "+c", "c ready"]
        assert [(child.name, child.state) for child in supervision.statistics()] == [("a", "running"), ("b", "running"), ("c", "running")]
        nursery.cancel_scope.cancel()
    assert stage.heard() == ["-c", "-b", "-a"]
    assert stage.notices == []


async def test_one_stops_only_when_the_one_after_it_has_ended(autojump_clock: MockClock) -> None:
    stage = Stage()
    async with trio.open_nursery() as nursery:
        await opened(nursery, stage.run(*(stage.child(name, last_words=1.0) for name in "abc")))
        nursery.cancel_scope.cancel()
    assert stage.heard()[-3:] == ["-c", "-b", "-a"]
    assert trio.current_time() == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("strategy", "stopped", "started"),
    [
        (Strategy.ONE_FOR_ONE, ["-b"], ["+b", "b ready"]),
        (Strategy.REST_FOR_ONE, ["-b", "-c"], ["+b", "b ready", "+c", "c ready"]),
        (Strategy.ONE_FOR_ALL, ["-b", "-c", "-a"], ["+a", "a ready", "+b", "b ready", "+c", "c ready"]),
    ],
)
async def test_who_shares_the_fate_of_the_fallen(
    strategy: Strategy, stopped: list[str], started: list[str], autojump_clock: MockClock
) -> None:
    stage = Stage()
    async with trio.open_nursery() as nursery:
        await opened(nursery, stage.run(*map(stage.child, "abc"), strategy=strategy))
        stage.heard()
        await stage.push("b", error=POISON)
        assert stage.heard() == stopped
        await trio.sleep(0.2)
        assert stage.heard() == started
        nursery.cancel_scope.cancel()
    assert stage.notices == [Down(child="b", crash=POISON, when=When.RUNNING, restarts_in=0.1)]


@pytest.mark.parametrize("strategy", list(Strategy))
async def test_two_who_fall_in_the_same_instant_both_come_back_in_order(strategy: Strategy, autojump_clock: MockClock) -> None:
    stage = Stage()
    async with trio.open_nursery() as nursery:
        supervision = await opened(nursery, stage.run(*map(stage.child, "abc"), strategy=strategy))
        await stage.push("a", "c", error=POISON)
        await trio.sleep(1)
        assert [child.state for child in supervision.statistics()] == ["running"] * 3
        assert sorted(notice.child for notice in stage.notices if isinstance(notice, Down)) == ["a", "c"]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("restart", "error", "back"),
    [
        (Restart.PERMANENT, None, True),
        (Restart.PERMANENT, POISON, True),
        (Restart.TRANSIENT, None, False),
        (Restart.TRANSIENT, POISON, True),
        (Restart.TEMPORARY, None, False),
        (Restart.TEMPORARY, POISON, False),
    ],
)
async def test_who_comes_back(restart: Restart, error: Exception | None, back: bool, autojump_clock: MockClock) -> None:
    stage = Stage()
    async with trio.open_nursery() as nursery:
        supervision = await opened(nursery, stage.run(stage.child("a", restart)))
        await stage.push("a", error=error)
        await trio.sleep(1)
        assert [(child.state, child.restarts) for child in supervision.statistics()] == [("running", 1) if back else ("ended", 0)]
        nursery.cancel_scope.cancel()
    assert stage.notices == [Down(child="a", crash=error, when=When.RUNNING, restarts_in=0.1 if back else None)]


async def test_the_wait_before_a_restart_doubles_up_to_its_limit_and_is_jittered(autojump_clock: MockClock) -> None:
    backoff = Backoff(first=1.0, limit=4.0)
    assert [backoff.delay(nth, 0.0) for nth in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, 4.0]
    assert backoff.delay(2, 0.5) == 1.5
    stage = Stage()
    async with trio.open_nursery() as nursery:
        await opened(nursery, stage.run(stage.child("a"), backoff=backoff))
        for _ in range(4):
            await stage.push("a", error=POISON)
            await trio.sleep(5.0)
        nursery.cancel_scope.cancel()
    begun = [time for _, time in stage.at]
    assert begun == pytest.approx([0.0, 0 + 1.0, 5 + 2.0, 10 + 4.0, 15 + 4.0])


async def test_falling_too_often_stops_all_and_goes_upwards(autojump_clock: MockClock) -> None:
    stage = Stage()

    async def pushing() -> None:
        for _ in range(3):
            await stage.push("a", error=POISON)
            await trio.sleep(1)

    with pytest.RaisesGroup(pytest.RaisesExc(IntensityExceeded, match="a fell: more than 2 restarts within 60 s")) as caught:
        async with trio.open_nursery() as nursery:
            await opened(nursery, stage.run(stage.child("a"), stage.child("b"), intensity=Intensity(restarts=2, period=60)))
            nursery.start_soon(pushing)
    [exceeded] = caught.value.exceptions
    assert isinstance(exceeded, IntensityExceeded)
    assert (exceeded.child, exceeded.__cause__) == ("a", POISON)
    assert stage.told[-2:] == ["-a", "-b"]
    assert [notice.restarts_in for notice in stage.notices if isinstance(notice, Down)] == [0.1, 0.2, None]


async def test_falls_spread_over_more_than_the_period_are_forgiven(autojump_clock: MockClock) -> None:
    stage = Stage()
    async with trio.open_nursery() as nursery:
        supervision = await opened(nursery, stage.run(stage.child("a"), intensity=Intensity(restarts=1, period=10)))
        for _ in range(5):
            await stage.push("a", error=POISON)
            await trio.sleep(11)
        assert [child.restarts for child in supervision.statistics()] == [5]
        nursery.cancel_scope.cancel()


async def test_a_first_start_that_fails_is_not_retried_and_takes_the_others_down() -> None:
    stage = Stage()

    async def broken(*, task_status: Any) -> None:
        raise POISON

    with pytest.raises(StartFailed, match="b ended before it was ready") as caught:
        await stage.run(stage.child("a"), Child(name="b", start=broken), stage.child("c"))()
    assert caught.value.__cause__ is POISON
    assert stage.told == ["+a", "a ready", "-a"]


async def test_a_restart_that_fails_while_starting_is_tried_again_and_counted(autojump_clock: MockClock) -> None:
    stage = Stage()
    lives: list[int] = []

    async def shaky(*, task_status: Any) -> None:
        lives.append(len(lives))
        if len(lives) in (2, 3):
            raise POISON
        task_status.started()
        if len(lives) == 1:
            raise POISON
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        supervision = await opened(nursery, stage.run(Child(name="a", start=shaky), stage.child("b"), strategy=Strategy.REST_FOR_ONE))
        await trio.sleep(5)
        assert next((child.state, child.restarts) for child in supervision.statistics()) == ("running", 3)
        nursery.cancel_scope.cancel()
    assert [notice.when for notice in stage.notices if isinstance(notice, Down)] == [When.RUNNING, When.STARTING, When.STARTING]
    assert stage.told == ["+b", "b ready", "-b", "+b", "b ready", "-b"]  # b waited until a had come back for good


async def test_a_crash_while_being_stopped_is_told_and_the_cancellation_goes_through() -> None:
    notices: list[Notice] = []

    async def stumbles(*, task_status: Any) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                raise POISON

    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            run = partial(
                supervise, [Child(name="a", start=stumbles)], strategy=Strategy.ONE_FOR_ONE, jitter=lambda: 0.0, report=notices.append
            )
            await nursery.start(run)
            scope.cancel()
    assert scope.cancelled_caught
    [notice] = notices
    assert isinstance(notice, Down)
    assert (notice.crash, notice.when) == (POISON, When.STOPPING)


async def test_a_child_that_overruns_its_deadline_is_told_and_waited_for(autojump_clock: MockClock) -> None:
    stage = Stage()
    async with trio.open_nursery() as nursery:
        await opened(nursery, stage.run(stage.child("a"), stage.child("b", last_words=9.0, shutdown=2.0)))
        nursery.cancel_scope.cancel()
    assert stage.notices == [Overran(child="b", shutdown=2.0)]
    assert stage.told[-2:] == ["-b", "-a"]


async def test_children_come_and_go_at_run_time() -> None:
    stage = Stage()

    async def broken(*, task_status: Any) -> None:
        raise POISON

    async with trio.open_nursery() as nursery:
        supervision = await opened(nursery, stage.run())
        await supervision.add(stage.child("belvedere"))
        await supervision.add(stage.child("schoenbrunn"))
        with pytest.raises(ValueError, match="a child named belvedere already"):
            await supervision.add(stage.child("belvedere"))
        with pytest.raises(StartFailed):
            await supervision.add(Child(name="broken", start=broken))
        await supervision.remove("belvedere")
        with pytest.raises(KeyError):
            await supervision.remove("belvedere")
        assert [child.name for child in supervision.statistics()] == ["schoenbrunn"]
        await supervision.add(stage.child("belvedere"))
        nursery.cancel_scope.cancel()
    assert stage.told[-2:] == ["-belvedere", "-schoenbrunn"]
    with pytest.raises(RuntimeError, match="has ended"):
        await supervision.add(stage.child("belvedere"))


async def test_a_child_removed_while_it_waits_for_its_restart_stays_away(autojump_clock: MockClock) -> None:
    stage = Stage()
    async with trio.open_nursery() as nursery:
        supervision = await opened(nursery, stage.run(stage.child("a"), stage.child("b")))
        await stage.push("a", error=POISON)
        assert [child.state for child in supervision.statistics()] == ["waiting", "running"]
        await supervision.remove("a")
        await trio.sleep(10)
        assert stage.told.count("+a") == 1
        nursery.cancel_scope.cancel()


async def test_an_add_that_is_cancelled_leaves_nothing_behind() -> None:
    stage = Stage()

    async def never_ready(*, task_status: Any) -> None:
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        supervision = await opened(nursery, stage.run())
        async with trio.open_nursery() as adding:
            adding.start_soon(supervision.add, Child(name="a", start=never_ready))
            await wait_all_tasks_blocked()
            assert [child.state for child in supervision.statistics()] == ["starting"]
            adding.cancel_scope.cancel()
        assert supervision.statistics() == ()
        nursery.cancel_scope.cancel()


async def test_bound_fates_admit_no_one_at_run_time() -> None:
    stage = Stage()
    async with trio.open_nursery() as nursery:
        supervision = await opened(nursery, stage.run(stage.child("a"), strategy=Strategy.REST_FOR_ONE))
        with pytest.raises(RuntimeError, match="ONE_FOR_ONE"):
            await supervision.add(stage.child("b"))
        nursery.cancel_scope.cancel()


async def test_a_supervision_is_a_child_whose_exceeded_intensity_is_a_crash_to_its_parent(autojump_clock: MockClock) -> None:
    stage = Stage()
    inner = Child(name="tenant", start=stage.run(stage.child("a"), intensity=Intensity(restarts=0)), restart=Restart.TEMPORARY)
    async with trio.open_nursery() as nursery:
        supervision = await opened(nursery, stage.run(inner, stage.child("b")))
        await stage.push("a", error=POISON)
        assert [(child.name, child.state) for child in supervision.statistics()] == [("tenant", "ended"), ("b", "running")]
        nursery.cancel_scope.cancel()
    [below, above] = stage.notices
    assert isinstance(below, Down)
    assert isinstance(above, Down)
    assert (below.child, below.crash, above.child) == ("a", POISON, "tenant")
    assert isinstance(above.crash, IntensityExceeded)


async def test_the_type_of_the_last_crash_is_remembered_over_all_lives_and_not_what_it_said(autojump_clock: MockClock) -> None:
    stage = Stage()
    async with trio.open_nursery() as nursery:
        supervision = await opened(nursery, stage.run(stage.child("a"), stage.child("b")))
        await stage.push("a", error=ValueError("a secret"))
        await trio.sleep(1)
        await stage.push("a")  # it returned: no crash
        await trio.sleep(1)
        assert [(child.name, child.crash, child.restarts) for child in supervision.statistics()] == [("a", "ValueError", 2), ("b", "", 0)]
        nursery.cancel_scope.cancel()
