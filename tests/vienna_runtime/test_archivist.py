"""An operator's archive runs beside the commits, in order, and answers whatever happens."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import trio
import trio.testing

from actors.governance import commands as c
from actors.governance.refusals import Code, Refusal
from actors.housekeeper import MOST_WAITING, Housekeeper
from actors.messages import Done, Outcome, Unsettled
from actors.scribe import Reservation, Scribe, Worker
from ledger import Batch, Draft, Ledger
from vienna_runtime.archivist import Archivist
from vienna_runtime.keystore import Keystore
from vienna_runtime.ledger_keys import LedgerKeys
from vienna_runtime.sealing import new_raw_key

SEPTEMBER, NOVEMBER = 1_788_300_000_000_000, 1_795_000_000_000_000


def drafts(start: int, stop: int, time: int) -> tuple[Draft, ...]:
    return tuple(Draft("intent.proposed/1", time + at, "ada", b"body %d" % at) for at in range(start, stop))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    keystore = Keystore.create(tmp_path / "keys.vienna", new_raw_key(), node="hofburg.example")
    keystore.admit_tenant("belvedere")
    ledger = Ledger.open(tmp_path / "ledger", node="hofburg.example", keys=LedgerKeys(keystore))
    ledger.create("belvedere", time=SEPTEMBER, actor="operator:max")
    ledger.append_many([Batch("belvedere", 0, drafts(0, 3000, SEPTEMBER))])
    ledger.append_many([Batch("belvedere", 3000, drafts(3000, 3010, NOVEMBER))])
    yield ledger
    ledger.close()


async def asked(housekeeper: Housekeeper, ask: c.Archive) -> Outcome:
    done, found = trio.Event(), list[Outcome]()

    def respond(outcome: Outcome) -> None:
        found.append(outcome)
        done.set()

    housekeeper.ask(ask, "max", respond)
    await done.wait()
    return found[0]


async def test_a_month_leaves_while_others_write(ledger: Ledger) -> None:
    async with Worker() as worker, trio.open_nursery() as nursery:
        scribe = Scribe(ledger, runner=worker, now=lambda: NOVEMBER)
        await nursery.start(scribe.run)
        housekeeper = Housekeeper({c.Archive: Archivist(scribe).archive})
        await nursery.start(housekeeper.run)
        written, stop = 0, trio.Event()

        async def write() -> None:
            nonlocal written
            while not stop.is_set():
                room = scribe.reserve("belvedere", 1)
                assert isinstance(room, Reservation)
                position = 3010 + written
                await scribe.settled(
                    "belvedere",
                    scribe.submit("belvedere", scribe.epoch("belvedere"), position, drafts(position, position + 1, NOVEMBER), room),
                )
                written += 1

        before = ledger.read("belvedere", 0, 3010)
        async with trio.open_nursery() as writers:
            writers.start_soon(write)
            outcome = await asked(housekeeper, c.Archive(NOVEMBER, "belvedere"))
            stop.set()
        assert isinstance(outcome, Done)
        assert (outcome.value["moved"], outcome.value["archived"]) == ([0, 3000], 3000)
        assert written > 0
        again = await asked(housekeeper, c.Archive(NOVEMBER, "belvedere"))
        assert isinstance(again, Done)
        assert again.value["moved"] is None
        assert ledger.read("belvedere", 0, 3010) == before
        assert [log.size for log in ledger.verify().logs] == [ledger.head("").size, 3010 + written]
        nursery.cancel_scope.cancel()


async def test_a_log_that_nobody_knows_is_refused(ledger: Ledger) -> None:
    async with Worker() as worker, trio.open_nursery() as nursery:
        scribe = Scribe(ledger, runner=worker, now=lambda: NOVEMBER)
        await nursery.start(scribe.run)
        housekeeper = Housekeeper({c.Archive: Archivist(scribe).archive})
        await nursery.start(housekeeper.run)
        outcome = await asked(housekeeper, c.Archive(NOVEMBER, "schoenbrunn"))
        assert isinstance(outcome, Refusal)
        assert outcome.code is Code.UNKNOWN
        nursery.cancel_scope.cancel()


async def test_a_disk_that_fails_is_a_refusal_and_the_next_one_goes_through(ledger: Ledger, tmp_path: Path) -> None:
    async with Worker() as worker, trio.open_nursery() as nursery:
        scribe = Scribe(ledger, runner=worker, now=lambda: NOVEMBER)
        await nursery.start(scribe.run)
        housekeeper = Housekeeper({c.Archive: Archivist(scribe).archive})
        await nursery.start(housekeeper.run)
        (tmp_path / "ledger" / "archive").write_text("in the way")
        outcome = await asked(housekeeper, c.Archive(NOVEMBER, "belvedere"))
        assert isinstance(outcome, Refusal)
        assert outcome.code is Code.READ_ONLY
        (tmp_path / "ledger" / "archive").unlink()
        assert isinstance(await asked(housekeeper, c.Archive(NOVEMBER, "belvedere")), Done)
        nursery.cancel_scope.cancel()


async def test_what_is_cut_short_is_answered_and_too_much_is_refused() -> None:
    async def hangs(ask: c.Archive, by: str) -> Outcome:
        await trio.sleep(math.inf)
        raise AssertionError

    found: list[Outcome] = []
    async with trio.open_nursery() as nursery:
        housekeeper = Housekeeper({c.Archive: hangs})
        await nursery.start(partial(housekeeper.run))
        housekeeper.ask(c.Archive(NOVEMBER), "max", found.append)
        await trio.testing.wait_all_tasks_blocked()
        for _ in range(MOST_WAITING + 1):
            housekeeper.ask(c.Archive(NOVEMBER), "max", found.append)
        assert [type(outcome) for outcome in found] == [Refusal]
        nursery.cancel_scope.cancel()
    assert type(found[1]) is Unsettled
