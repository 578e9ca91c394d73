"""``ledger.wait``: an answer that comes when it is so, and a refusal that says how far it is."""

from __future__ import annotations

from typing import Any

import trio

from actors.governance import commands as c
from actors.governance.refusals import Code, Refusal
from actors.messages import Done, Outcome
from actors.waiting import answer_when_so


class Asked:
    """One call of the wire, in a task of its own."""

    def __init__(self, bench: Any, ask: c.Wait, log: str = "belvedere") -> None:
        self.outcomes: list[Outcome] = []
        bench.nursery.start_soon(answer_when_so, bench.scribe, log, ask, self.outcomes.append)

    @property
    def outcome(self) -> Outcome | None:
        return self.outcomes[0] if self.outcomes else None

    @property
    def refusal(self) -> Refusal:
        assert isinstance(self.outcome, Refusal)
        return self.outcome


async def test_what_is_durable_is_answered_at_once(bench: Any) -> None:
    await bench.scribe.settled("belvedere", bench.submit("belvedere", "one", "two"))
    asked = Asked(bench, c.Wait("durable", 1000, size=2))
    await bench.settle()
    assert asked.outcome == Done({"state": "durable", "size": 2, "durable": 2, "witnessed": 0})


async def test_all_so_far_counts_what_is_queued_and_comes_with_its_commit(bench: Any) -> None:
    bench.hold()
    bench.submit("belvedere", "one", "two", "three")
    asked = Asked(bench, c.Wait("durable", 60_000))
    await bench.settle()
    assert asked.outcome is None
    bench.release()
    await bench.settle()
    assert asked.outcome == Done({"state": "durable", "size": 3, "durable": 3, "witnessed": 0})


async def test_witnessed_is_answered_when_a_quorum_has_come(bench: Any) -> None:
    bench.scribe.published.quorum = "all"
    await bench.scribe.settled("belvedere", bench.submit("belvedere", "one", "two"))
    asked = Asked(bench, c.Wait("witnessed", 60_000))
    await bench.settle()
    bench.scribe.published.raise_to("belvedere", 1)
    await bench.settle()
    assert asked.outcome is None
    bench.scribe.published.raise_to("belvedere", 2)
    await bench.settle()
    assert asked.outcome == Done({"state": "witnessed", "size": 2, "durable": 2, "witnessed": 2})


async def test_what_does_not_come_in_time_says_how_far_it_is(bench: Any, autojump_clock: trio.testing.MockClock) -> None:
    bench.scribe.published.quorum = "all"
    await bench.scribe.settled("belvedere", bench.submit("belvedere", "one"))
    witnessed, durable = Asked(bench, c.Wait("witnessed", 500)), Asked(bench, c.Wait("durable", 500, size=7))
    await trio.sleep(1)
    assert witnessed.refusal == Refusal(Code.NOT_WITNESSED, "0 entries are witnessed, 1 are waited for", 1000)
    assert durable.refusal == Refusal(Code.BUSY, "1 entries are durable, 7 are waited for", 1000)


async def test_a_ledger_that_cannot_be_read_meanwhile_is_a_refusal(bench: Any, autojump_clock: trio.testing.MockClock) -> None:
    bench.scribe.published.quorum = "all"
    await bench.scribe.settled("belvedere", bench.submit("belvedere", "one"))
    answered, late = Asked(bench, c.Wait("witnessed", 60_000)), Asked(bench, c.Wait("durable", 500, size=7))
    await bench.settle()
    bench.ledger._logs = {"": bench.ledger._logs[""]}  # as after an opening that did not find it
    bench.scribe.published.raise_to("belvedere", 1)
    await trio.sleep(1)
    assert (answered.refusal.code, late.refusal.code) == (Code.FROZEN, Code.FROZEN)


async def test_a_node_that_asks_nobody_says_so_and_lets_nobody_wait(bench: Any) -> None:
    asked = Asked(bench, c.Wait("witnessed", 60_000, size=0))
    await bench.settle()
    assert (asked.refusal.code, asked.refusal.retry_after) == (Code.NOT_WITNESSED, None)


async def test_another_state_and_two_things_at_once_are_malformed(bench: Any) -> None:
    for ask in (c.Wait("published", 1), c.Wait("durable", 1, case="case-1", size=4)):
        asked = Asked(bench, ask)
        await bench.settle()
        assert asked.refusal.code is Code.MALFORMED


async def test_of_the_node_s_own_log_all_so_far_is_what_is_durable(bench: Any) -> None:
    asked = Asked(bench, c.Wait("durable", 1000), log="")
    await bench.settle()
    assert isinstance(asked.outcome, Done)
    assert asked.outcome.value["size"] == bench.ledger.head("").size
