"""A commit that fails: at each write point, persisted and not; what is given up, what begins, who goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lmdb
import pytest
import trio
from trio.testing import MockClock

from actors.errors import StaleEpoch
from actors.scribe import Discarded, Durable, LogFrozen, Pending, ReadOnly, Reservation
from ledger import Batch, Draft

B, S = "belvedere", "schoenbrunn"

POINTS = [("begin", False), ("commit", False), ("committed", True)]  # and whether it is on the disk all the same


@pytest.mark.parametrize(("point", "persisted"), POINTS)
async def test_a_failed_commit_discards_the_queue_and_begins_new_epochs(bench: Any, point: str, persisted: bool) -> None:
    assert await bench.scribe.settled(B, bench.submit(B, "kept")) == Durable()
    bench.hold()
    flying = bench.submit(B, "flying")
    await bench.settle()
    queued = bench.submit(B, "queued")
    other = bench.submit(S, "other")
    bench.disk.broken[point] = 1
    bench.release()
    for log, number in ((B, flying), (B, queued), (S, other)):
        assert await bench.scribe.settled(log, number) == Discarded()
    assert bench.scribe.outcome(B, 1) == Durable()
    assert await bench.scribe.wait_epoch(B, 1) == 2
    assert await bench.scribe.wait_epoch(S, 1) == 2
    await bench.scribe.wait_writable()
    durable = ["kept", "flying"] if persisted else ["kept"]
    assert (bench.words(B), bench.scribe.position(B)) == (durable, len(durable))
    with pytest.raises(StaleEpoch, match="in epoch 2, not 1"):
        bench.scribe.submit(B, 1, len(durable), bench.said("late"), Reservation(B, 1, False, None))
    assert await bench.scribe.settled(B, bench.submit(B, "next")) == Durable()
    assert await bench.scribe.settled(S, bench.submit(S, "next")) == Durable()
    assert (bench.words(B), bench.words(S)) == ([*durable, "next"], ["next"])
    assert bench.scribe.statistics().entries == 0
    assert bench.scribe.outcome(B, flying) == Discarded()  # and stays so when later ones are durable


async def test_while_writing_does_not_work_the_node_reads_and_comes_back_by_itself(bench: Any, autojump_clock: MockClock) -> None:
    await bench.scribe.settled(B, bench.submit(B, "kept"))
    bench.disk.broken["begin"] = 5  # the commit and four probes: at 0, 0.1, 0.3 and 0.7 s
    begun = trio.current_time()
    assert await bench.scribe.settled(B, bench.submit(B, "lost")) == Discarded()
    answer = bench.scribe.reserve(B, 1, urgent=True)
    assert isinstance(answer, ReadOnly)
    assert answer.why.startswith("CommitFailed")
    assert answer.retry_after == 100
    assert bench.words(B) == ["kept"]
    await trio.sleep(1.4)
    assert isinstance(bench.scribe.reserve(B, 1), ReadOnly)
    await trio.sleep(0.2)
    assert await bench.scribe.settled(B, bench.submit(B, "again")) == Durable()
    assert bench.words(B) == ["kept", "again"]
    assert trio.current_time() - begun < 3
    assert bench.scribe.statistics().failures == 1


async def test_the_wait_between_probes_grows_to_five_seconds_and_no_further(bench: Any, autojump_clock: MockClock) -> None:
    bench.disk.broken["begin"] = 1_000_000
    await bench.scribe.settled(B, bench.submit(B, "lost"))
    await trio.sleep(100)
    bench.disk.passed.clear()
    await trio.sleep(100)
    assert 19 <= bench.disk.passed.count("begin") <= 21
    assert bench.scribe.reserve(B, 1).retry_after == 5000
    bench.disk.broken.clear()
    await trio.sleep(5.1)
    assert isinstance(bench.scribe.reserve(B, 1), Reservation)


async def test_epochs_begin_only_when_the_ledger_could_be_reopened(bench: Any, autojump_clock: MockClock) -> None:
    bench.disk.broken.update(commit=1, reopen=2)
    assert await bench.scribe.settled(B, bench.submit(B, "lost")) == Discarded()
    assert bench.scribe.epoch(B) == 1
    with pytest.raises(StaleEpoch):
        bench.scribe.submit(B, 1, 0, bench.said("early"), Reservation(B, 1, False, None))
    assert await bench.scribe.wait_epoch(B, 1) == 2
    assert bench.words(B) == []


async def test_a_conflict_costs_its_own_log_its_queue_and_nobody_else(bench: Any) -> None:
    await bench.scribe.settled(B, bench.submit(B, "kept"))
    bench.ledger.append_many([Batch(B, 1, (Draft("word.said/1", 5, "mallory", b"stranger"),))])  # behind the scribe's back
    bench.hold()
    flying, other = bench.submit(B, "flying"), bench.submit(S, "other")
    await bench.settle()
    queued = bench.submit(B, "queued")
    bench.release()
    assert await bench.scribe.settled(B, queued) == Discarded()
    assert bench.scribe.outcome(B, flying) == Discarded()
    assert bench.scribe.outcome(S, other) == Durable()
    assert (bench.scribe.epoch(B), bench.scribe.epoch(S)) == (2, 1)
    assert await bench.scribe.settled(B, bench.submit(B, "next")) == Durable()
    assert (bench.words(B), bench.words(S)) == (["kept", "stranger", "next"], ["other"])
    assert bench.scribe.statistics().failures == 0


async def test_a_draft_that_cannot_be_an_entry_costs_only_its_own_log(bench: Any) -> None:
    before = bench.submit(B, "before")
    room = bench.scribe.reserve(B, 1)
    bad = bench.scribe.submit(B, 1, 1, (Draft("word.said/1", 5, "ada", b"", case="x" * 5000),), room)
    after, other = bench.submit(B, "after"), bench.submit(S, "other")
    assert await bench.scribe.settled(B, bad) == Discarded()
    assert bench.scribe.outcome(B, before) == Durable()
    assert bench.scribe.outcome(B, after) == Discarded()
    assert bench.scribe.outcome(S, other) == Durable()
    assert await bench.scribe.settled(B, bench.submit(B, "next")) == Durable()
    assert (bench.words(B), bench.words(S)) == (["before", "next"], ["other"])


async def test_a_frozen_log_takes_nothing_and_the_others_go_on(bench: Any, tmp_path: Path) -> None:
    await bench.scribe.settled(B, bench.submit(B, "kept"))
    bench.ledger._env.close()  # what a disk does to a ledger between a commit and its reopening
    with lmdb.open(str(tmp_path / "ledger"), max_dbs=8, lib_version=0) as env, env.begin(write=True) as txn:
        table = env.open_db(b"entries", txn)
        cursor = txn.cursor(table)
        assert cursor.set_range((1).to_bytes(4, "big"))  # the first log after the node's own
        txn.put(bytes(cursor.key()), bytes(cursor.value())[:-1] + b"?", db=table)
    lost = bench.submit(B, "lost")
    assert await bench.scribe.settled(B, lost) == Discarded()
    await bench.scribe.wait_epoch(B, 1)
    await bench.scribe.wait_writable()
    answer = bench.scribe.reserve(B, 1)
    assert isinstance(answer, LogFrozen)
    assert answer.why
    assert await bench.scribe.settled(S, bench.submit(S, "goes on")) == Durable()


async def test_a_failed_errand_is_a_failed_commit_and_its_asker_is_told(bench: Any) -> None:
    bench.disk.broken["commit"] = 1
    with pytest.raises(Exception, match="nothing is written until"):
        await bench.scribe.admit("hofreitschule", public=b"", actor="operator")
    assert await bench.scribe.wait_epoch(B, 1) == 2
    await bench.scribe.wait_writable()
    await bench.scribe.admit("hofreitschule", public=b"", actor="operator")


async def test_an_outcome_is_pending_until_the_watermark_says_otherwise(bench: Any) -> None:
    bench.hold()
    number = bench.submit(B, "one")
    assert bench.scribe.outcome(B, 0) == Durable()
    assert bench.scribe.outcome(B, number) == Pending()
    assert bench.scribe.outcome(B, number + 1) == Pending()


async def test_failing_while_closing_discards_and_ends(bench: Any) -> None:
    bench.hold()
    flying = bench.submit(B, "flying")
    await bench.settle()
    queued = bench.submit(B, "queued")
    bench.disk.broken["begin"] = 100
    bench.release()
    await bench.stop()
    assert bench.scribe.outcome(B, flying) == bench.scribe.outcome(B, queued) == Discarded()
