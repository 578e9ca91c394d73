"""What is acknowledged, when, and in how many commits."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors.errors import StaleEpoch, StalePosition
from actors.scribe import Discarded, Durable, Full, Pending, Reservation, Scribe, Worker
from ledger import LogExists, UnknownLog, WritingStopped

B, S = "belvedere", "schoenbrunn"


async def test_nothing_is_acknowledged_before_it_is_durable(bench: Any) -> None:
    heard: list[object] = []

    async def wait(number: int) -> None:
        heard.append(await bench.scribe.settled(B, number))

    bench.hold()
    number = bench.submit(B, "one")
    bench.nursery.start_soon(wait, number)
    await bench.settle()
    assert bench.scribe.outcome(B, number) == Pending()
    assert (heard, bench.scribe.durable, bench.words(B)) == ([], 0, [])
    bench.release()
    await bench.settle()
    assert bench.scribe.outcome(B, number) == Durable()
    assert (heard, bench.scribe.durable, bench.words(B)) == ([Durable()], number, ["one"])


async def test_what_queues_during_one_commit_is_the_next_commit(bench: Any) -> None:
    bench.hold()
    bench.submit(B, "one")
    await bench.settle()
    for log in (B, S, B, S):
        bench.submit(log, "more", "and more")
    bench.disk.passed.clear()
    bench.release()
    await bench.settle()
    assert bench.disk.passed.count("committed") == 2
    assert bench.words(B) == ["one", *["more", "and more"] * 2]
    assert bench.words(S) == ["more", "and more"] * 2


async def test_one_waiter_hears_of_a_whole_commit(bench: Any) -> None:
    marks: list[int] = []

    async def watch() -> None:
        while True:
            marks.append(await bench.scribe.wait_beyond(marks[-1] if marks else 0))

    bench.nursery.start_soon(watch)
    bench.hold()
    bench.submit(B, "one")
    await bench.settle()
    for _ in range(5):
        bench.submit(B, "more")
    bench.release()
    await bench.settle()
    assert marks == [1, 6]


async def test_a_position_that_is_not_the_next_queues_nothing(bench: Any) -> None:
    bench.submit(B, "one")
    room = bench.scribe.reserve(B, 1)
    draft = bench.said("two")
    with pytest.raises(StalePosition, match="next position of log 'belvedere' is 1, not 7"):
        bench.scribe.submit(B, bench.scribe.epoch(B), 7, draft, room)
    with pytest.raises(StaleEpoch):
        bench.scribe.submit(B, 99, 1, draft, bench.scribe.reserve(B, 1))
    assert bench.scribe.statistics().submissions == 1
    assert bench.scribe.statistics().entries == 1  # the stale ones gave their room back


async def test_more_than_was_reserved_is_a_bug_and_a_reservation_serves_once(bench: Any) -> None:
    room = bench.scribe.reserve(B, 1)
    with pytest.raises(ValueError, match="do not fit"):
        bench.scribe.submit(B, 1, 0, bench.said("one", "two"), room)
    with pytest.raises(ValueError, match="do not fit"):
        bench.scribe.submit(S, 1, 0, bench.said("one"), room)
    bench.scribe.submit(B, 1, 0, bench.said("one"), room)
    with pytest.raises(RuntimeError, match="used or released"):
        bench.scribe.submit(B, 1, 1, bench.said("one"), room)


async def test_full_for_ordinary_load_still_takes_what_is_urgent(bench: Any) -> None:
    bench.hold()
    for log in (B, S):
        for _ in range(8):  # half of sixteen
            bench.submit(log, "load")
    answer = bench.scribe.reserve(B, 1)
    assert isinstance(answer, Full)
    assert 5 <= answer.retry_after <= 1000
    urgent = bench.submit(B, "revoked", urgent=True)
    bench.release()
    assert await bench.scribe.settled(B, urgent) == Durable()
    assert isinstance(bench.scribe.reserve(B, 1), Reservation)


async def test_a_log_of_its_own_name_is_wanted(bench: Any) -> None:
    for ask in (bench.scribe.epoch, bench.scribe.position, partial(bench.scribe.reserve, entries=1)):
        with pytest.raises(UnknownLog):
            ask("hofreitschule")


async def test_a_log_admitted_at_run_time_is_written_to_like_any_other(bench: Any) -> None:
    await bench.scribe.admit("hofreitschule", public=b"", actor="operator")
    number = bench.submit("hofreitschule", "one")
    assert await bench.scribe.settled("hofreitschule", number) == Durable()
    with pytest.raises(LogExists):
        await bench.scribe.admit("hofreitschule", public=b"", actor="operator")
    assert await bench.scribe.settled(B, bench.submit(B, "goes on")) == Durable()


async def test_an_errand_runs_between_commits_and_its_bug_is_its_askers(bench: Any) -> None:
    def buggy() -> int:
        raise TypeError("bug")

    with pytest.raises(TypeError, match="bug"):
        await bench.scribe.errand(buggy)
    assert await bench.scribe.errand(lambda: 7) == 7
    assert bench.scribe.statistics().failures == 0


async def test_the_heads_are_committed_to_once_a_second_while_anything_changes_and_when_closing(
    bench: Any, autojump_clock: MockClock
) -> None:
    def heads() -> int:
        return sum(b"log.heads/1" in entry for entry in bench.tags())

    before = heads()
    for _ in range(30):  # three seconds of work
        bench.submit(B, "word")
        await trio.sleep(0.1)
    assert heads() - before == 3 - 1 or heads() - before == 3
    await trio.sleep(5)
    assert heads() - before == 3
    await trio.sleep(60)
    assert heads() - before == 3
    bench.submit(S, "last")
    await bench.stop()
    assert bench.words(S) == ["last"]
    assert heads() - before == 4


async def test_the_heads_are_committed_to_as_often_as_asked(bench: Any, autojump_clock: MockClock) -> None:
    await bench.stop()
    scribe = Scribe(bench.ledger, runner=bench.runner, now=lambda: 7, heads_period=60.0)
    before = bench.tags()
    async with trio.open_nursery() as nursery:
        await nursery.start(scribe.run)
        room = scribe.reserve(B, 1)
        assert isinstance(room, Reservation)
        scribe.submit(B, scribe.epoch(B), scribe.position(B), bench.said("word"), room)
        await trio.sleep(59)
        assert bench.tags() == before
        await trio.sleep(2)
        assert len(bench.tags()) == len(before) + 1
        nursery.cancel_scope.cancel()


async def test_the_heads_come_after_what_was_queued_for_the_nodes_log_before_them(bench: Any, autojump_clock: MockClock) -> None:
    start = bench.ledger.head("").size
    bench.submit(B, "word")
    await bench.settle()
    bench.hold()
    bench.submit(B, "held up")  # a commit that takes long
    await bench.settle()
    bench.scribe.submit("", bench.scribe.epoch(""), None, bench.said("said meanwhile"), bench.scribe.reserve("", 1))
    await trio.sleep(3)  # and the heads are due
    bench.release()
    await trio.sleep(1)
    assert [b"log.heads/1" in entry for entry in bench.tags()[start:]] == [False, True]


async def test_the_nodes_log_has_several_writers_and_each_finds_its_place(bench: Any, autojump_clock: MockClock) -> None:
    start = bench.ledger.head("").size
    epoch = bench.scribe.epoch("")
    for _ in range(3):
        for word in ("one", "two"):
            bench.scribe.submit("", epoch, None, bench.said(word), bench.scribe.reserve("", 1))
        bench.submit(B, "word")
        await trio.sleep(2)  # the heads come between
    tags = bench.tags()[start:]
    assert [b"log.heads/1" in entry for entry in tags] == [False, False, True] * 3
    with pytest.raises(ValueError, match="but the node's"):
        bench.scribe.submit("", epoch, 5, bench.said("one"), bench.scribe.reserve("", 1))
    with pytest.raises(ValueError, match="but the node's"):
        bench.scribe.submit(B, bench.scribe.epoch(B), None, bench.said("one"), bench.scribe.reserve(B, 1))


async def test_what_is_queued_when_the_scribe_is_stopped_is_written(bench: Any) -> None:
    bench.hold()
    first = bench.submit(B, "one")
    await bench.settle()
    second = bench.submit(B, "two")
    bench.release()
    await bench.stop()
    assert bench.scribe.outcome(B, first) == bench.scribe.outcome(B, second) == Durable()
    assert bench.words(B) == ["one", "two"]
    assert not isinstance(bench.scribe.reserve(B, 1), Reservation)
    room = Reservation(B, 1, False, None)
    with pytest.raises(StaleEpoch):
        bench.scribe.submit(B, bench.scribe.epoch(B), 2, bench.said("three"), room)


async def test_a_later_life_begins_with_new_epochs_at_the_durable_position(ledger: Any, said: Any) -> None:
    async def runner(function: Any) -> Any:
        if broken:
            raise broken.pop()
        return function()

    broken: list[Exception] = []
    scribe = Scribe(ledger, runner=runner, now=lambda: 7)
    with pytest.RaisesGroup(TypeError, flatten_subgroups=True):
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(scribe.run))
            room = scribe.reserve(B, 1)
            assert isinstance(room, Reservation)
            await scribe.settled(B, scribe.submit(B, 1, 0, said("one"), room))
            broken.append(TypeError("a bug under the commit"))
            lost = scribe.submit(B, 1, 1, said("two"), _reserved(scribe))
            with trio.CancelScope(shield=True):
                assert await scribe.settled(B, lost) == Discarded()  # a crash leaves nobody waiting
                with pytest.raises(WritingStopped, match="not running"):
                    await _ask_the_dead(scribe)
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(scribe.run))
        assert (scribe.epoch(B), scribe.position(B)) == (2, 1)
        number = scribe.submit(B, 2, 1, said("two again"), _reserved(scribe))
        assert await scribe.settled(B, number) == Durable()
        nursery.cancel_scope.cancel()


def _reserved(scribe: Scribe) -> Reservation:
    room = scribe.reserve(B, 1)
    assert isinstance(room, Reservation)
    return room


async def _ask_the_dead(scribe: Scribe) -> None:
    await scribe.errand(lambda: 7)


async def test_256_callers_each_get_their_own_acknowledgement_from_the_real_thread(ledger: Any, said: Any) -> None:
    async def call(scribe: Scribe, log: str, caller: int) -> None:
        for turn in range(4):
            room = scribe.reserve(log, 1)
            assert isinstance(room, Reservation)
            number = scribe.submit(log, scribe.epoch(log), scribe.position(log), said(f"{caller}.{turn}"), room)
            assert await scribe.settled(log, number) == Durable()
            written[log].append(f"{caller}.{turn}")

    written: dict[str, list[str]] = {B: [], S: []}
    async with Worker() as worker:
        scribe = Scribe(ledger, runner=worker, now=lambda: 7)
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(scribe.run))
            async with trio.open_nursery() as calling:
                for caller in range(256):
                    calling.start_soon(call, scribe, (B, S)[caller % 2], caller)
            assert scribe.statistics().commits < 128
            assert scribe.statistics().waiting == 0
            nursery.cancel_scope.cancel()
    for log in (B, S):
        records = ledger.read(log, 0, ledger.head(log).size)
        assert sorted(ledger.open_body(log, record).decode() for record in records) == sorted(written[log])


async def test_what_was_reserved_and_not_used_is_room_again_before_the_commit(bench: Any, said: Any) -> None:
    bench.hold()
    room = bench.scribe.reserve(B, 2, urgent=True)
    bench.scribe.submit(B, bench.scribe.epoch(B), bench.scribe.position(B), said("one"), room)
    assert bench.scribe.statistics().urgent_entries == 1
    bench.release()
    await bench.settle()
    assert bench.scribe.statistics().urgent_entries == 0
    assert bench.words(B) == ["one"]
