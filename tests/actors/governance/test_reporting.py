from __future__ import annotations

from typing import Any

import attrs
import pytest

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.ids import HOUR, MINUTE


def test_a_receipt_that_agrees_closes_the_run_as_consistent(bench: Any) -> None:
    bench.done(bench.report(bench.running("orders.refund")), "till")
    verdict = bench.last(e.RunVerified)
    assert (verdict.verdict, verdict.basis, verdict.closes) == ("consistent", "receipt", False)  # one use is left
    bench.pass_time(HOUR)
    assert not bench.state.cases


def test_the_last_use_reported_closes_the_case(bench: Any) -> None:
    answer = bench.done(bench.wish("notes.read", run="r1"), "ada").answer
    bench.done(bench.report("r1", "ada"), "ada")
    assert bench.last(e.RunVerified).closes
    assert bench.steps[answer["case"]] == [(0, False), (1, False), (2, False), (3, False), (4, False), (5, True)]


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("action", {"action": "orders.wipe"}), ("resource", {"resource": "book/two"}), ("arguments", {"args_digest": b"x" * 32}),
        ("cost", {"cost": 100_000_001}), ("cost", {"cost": -1}),
    ],
)  # fmt: skip
def test_a_receipt_that_tells_of_something_else_is_a_mismatch_and_shuts_the_agent_out(bench: Any, name: str, changed: Any) -> None:
    other = bench.warrant_of(bench.propose())
    bench.done(bench.report(bench.running("orders.payout"), **changed), "till")
    verdict = bench.last(e.RunVerified)
    assert (verdict.verdict, verdict.checks[0][0]) == ("mismatched", name)
    assert bench.last(e.DeadLetterOpened).kind == "mismatched"
    tripped = bench.last(e.BreakerTripped)
    assert (tripped.scope, tripped.until) == ("agent:ada", None)
    assert bench.refused(bench.redemption(other.warrant, "r2"), "till") == "breaker_open"
    assert bench.refused(bench.wish(key="more"), "ada") == "breaker_open"
    assert [event.warrant for event in bench.pass_time(0) if isinstance(event, e.WarrantRevoked)] == [other.warrant]
    bench.propose(by="mallory")  # others go on


@pytest.mark.parametrize(
    ("started", "verdict"), [(-30, "consistent"), (0, "consistent"), (-61, "mismatched"), (-HOUR // 10**6, "mismatched")]
)
def test_whoever_acted_before_redeeming_did_not_act_under_the_warrant(bench: Any, started: int, verdict: str) -> None:
    bench.running("orders.refund")
    bench.done(bench.report("r1", started=bench.now + started * 10**6), "till")
    assert bench.last(e.RunVerified).verdict == verdict


def test_what_began_between_warrant_and_redemption_was_not_redeemed_yet(bench: Any) -> None:
    live, began = bench.warrant_of(bench.propose()), bench.now
    bench.pass_time(2 * MINUTE)
    bench.done(bench.redemption(live.warrant), "till")
    bench.done(bench.report("r1", started=began), "till")
    verdict = bench.last(e.RunVerified)
    assert (verdict.verdict, verdict.checks[0][0]) == ("mismatched", "window")


def test_a_receipt_from_the_future_is_refused_and_can_be_signed_again(bench: Any) -> None:
    bench.running()
    assert bench.refused(bench.report("r1", ended=bench.now + 61 * 10**6), "till") == "time_skewed"
    bench.done(bench.report("r1"), "till")


def test_a_late_report_within_its_deadline_counts_after_the_warrant_is_over(bench: Any) -> None:
    bench.running("files.write")
    started = bench.now
    bench.pass_time(9 * MINUTE)
    bench.done(bench.report("r1", started=started, ended=started + MINUTE), "till")
    assert bench.state.runs["r1"].status == "reported"


def test_the_same_report_again_is_the_same_answer_and_another_is_refused(bench: Any) -> None:
    report = bench.report(bench.running("files.write"))
    first = bench.done(report, "till").answer
    assert bench.done(report, "till").answer == {**first, "repeated": True}
    assert bench.refused(bench.report("r1", cost=1), "till") == "run_closed"
    bench.done(bench.attest("r1"), "emil")
    assert bench.refused(report, "till") == "run_closed"
    assert bench.refused(bench.report("r1", "mill"), "mill") == "unknown"


def test_an_observation_that_never_comes_is_inconclusive(bench: Any) -> None:
    bench.done(bench.report(bench.running("files.write")), "till")
    bench.pass_time(11 * MINUTE)
    assert bench.last(e.RunVerified).verdict == "inconclusive"
    assert bench.last(e.DeadLetterOpened).closes
    assert bench.refused(c.SettleEffect("r1", True, "?"), "greta") == "unknown"


def test_an_executor_that_does_not_know_leaves_an_unknown_outcome(bench: Any) -> None:
    bench.done(bench.report(bench.running("files.write"), outcome="unknown"), "till")
    assert bench.state.blocked
    assert len(bench.state.cases) == 1
    bench.pass_time(100 * HOUR)
    assert len(bench.state.cases) == 1  # it waits for a person
    bench.done(c.SettleEffect("r1", True, "the file is there"), "greta")
    assert not bench.state.cases
    assert not bench.state.blocked
    assert bench.last(e.EffectSettled).closes


def test_a_verifier_that_finds_the_target_otherwise_makes_a_mismatch(bench: Any) -> None:
    bench.done(bench.report(bench.running("files.write")), "till")
    bench.done(bench.attest("r1", agrees=False), "emil")
    assert bench.last(e.RunVerified).basis == "observed"
    assert bench.state.breakers["agent:ada"].status == "open"
    assert bench.refused(c.Attest(b"\x80", b"s" * 64), "emil") == "malformed"


def test_a_failed_run_is_a_dead_letter_and_three_of_them_trip_the_breaker(bench: Any) -> None:
    for number in range(3):
        bench.done(bench.report(bench.running(run=f"r{number}"), outcome="failed"), "till")
        assert bench.last(e.DeadLetterOpened).kind == "failed"
    assert {guard.scope for guard in bench.state.breakers.values() if guard.status == "open"} == {
        "agent:ada",
        "action:notes.append",
        "tenant",
    }
    assert bench.refused(bench.wish(key="more"), "ben") == "breaker_open"


def test_dead_letters_are_a_chain(bench: Any) -> None:
    for number in range(3):
        bench.done(bench.report(bench.running(run=f"r{number}"), outcome="failed"), "till")
    letters = [(seq, event) for seq, _, event, _ in bench.log if isinstance(event, e.DeadLetterOpened)]
    assert [event.previous for _, event in letters] == [None, letters[0][0], letters[1][0]]
    assert bench.state.last_letter == letters[2][0]
    assert attrs.asdict(bench.state.tally)["dead_letters"] == 3
