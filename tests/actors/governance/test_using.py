"""A further use: asked for by the agent, never more than the warrant allows, and burnt by nobody but the executor."""

from __future__ import annotations

from typing import Any

import pytest

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import intent
from actors.governance.ids import MINUTE, Instant
from actors.governance.using import MOST_ASKED

PROPOSED: Any = {"path": "drafts/a", "text": "x", "amount": {"dec": "1.00"}}


@pytest.fixture
def live(bench: Any) -> Any:
    return bench.warrant_of(bench.propose("drafts.write", params=PROPOSED))


def asking(live: Any, key: str = "u1", **changed: Any) -> c.UseWarrant:
    return c.UseWarrant(live.warrant, key, {**PROPOSED, **changed} if changed else None)


def test_a_use_is_asked_for_and_waits_until_the_executor_redeems_it(bench: Any, live: Any) -> None:
    assert bench.done(asking(live, path="drafts/b"), "ada").answer["use"] == 2
    assert live.uses_left == 5
    assert [(asked.use, asked.redeemed) for asked in live.asks] == [(2, False)]
    params = {**PROPOSED, "path": "drafts/b"}
    args = intent.args_digest("drafts.write", live.terms.resource, params)
    bench.done(bench.redemption(live.warrant, params=params, args_digest=args, use=2), "till")
    assert live.waiting == ()
    assert live.uses_left == 4
    assert bench.last(e.RunOpened).use == 2


def test_the_same_key_asks_once_also_after_the_use_is_done(bench: Any, live: Any) -> None:
    bench.done(asking(live), "ada")
    bench.done(bench.redemption(live.warrant, use=2), "till")
    assert bench.done(asking(live), "ada").answer == {"case": live.case, "use": 2, "repeated": True}
    assert bench.refused(asking(live, path="drafts/b"), "ada") == "key_reused"


def test_no_more_uses_are_asked_for_than_the_warrant_has_left(bench: Any, live: Any) -> None:
    for number in range(4):  # the fifth is the one proposed
        bench.done(asking(live, f"u{number}"), "ada")
    assert bench.refused(asking(live, "u9"), "ada") == "warrant_over"
    bench.done(bench.redemption(live.warrant), "till")
    assert bench.refused(asking(live, "u9"), "ada") == "warrant_over"


@pytest.mark.parametrize("changed", [{"path": "other"}, {"path": 1}, {"amount": {"dec": "1.0"}}, {"text": "y"}, {"extra": "x"}])
def test_a_use_that_the_warrant_does_not_cover_is_refused_when_it_is_asked_for(bench: Any, live: Any, changed: Any) -> None:
    assert bench.refused(asking(live, **changed), "ada") == "out_of_scope"
    assert bench.refused(asking(live, amount=1.5), "ada") == "malformed"


def test_nobody_asks_for_a_use_of_anothers_warrant_or_of_one_that_is_over(bench: Any, live: Any) -> None:
    assert bench.refused(asking(live), "mallory") == "unknown"
    bench.record(e.BreakerTripped("agent:ada", 1, None, "x", "law"))
    assert bench.refused(asking(live), "ada") == "warrant_over"
    bench.pass_time(MINUTE)
    assert bench.refused(asking(live), "ada") == "unknown"


def test_an_expired_warrant_has_no_further_use_even_before_it_is_swept(bench: Any, live: Any) -> None:
    bench.now = Instant(live.expires_at)
    assert bench.refused(asking(live), "ada") == "warrant_over"


def test_what_is_the_agents_own_to_redeem_is_asked_of_nobody(bench: Any) -> None:
    live = bench.warrant_of(bench.propose("notes.read"))
    assert bench.refused(c.UseWarrant(live.warrant, "u1"), "ada") == "not_allowed"


def test_few_uses_wait_at_once_and_the_rest_may_be_asked_for_later(bench: Any) -> None:
    live = bench.warrant_of(bench.propose("drafts.write", params=PROPOSED))
    live.uses_left = 100  # more than this bundle grants
    for number in range(MOST_ASKED):
        bench.done(asking(live, f"u{number}"), "ada")
    assert bench.refused(asking(live, "more"), "ada") == "busy"


def test_uses_asked_for_survive_a_snapshot(bench: Any, live: Any) -> None:
    bench.done(asking(live, path="drafts/b"), "ada")
    assert bench.refold().warrants[live.warrant].asks == live.asks
