from __future__ import annotations

from typing import Any

import attrs
import pytest

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.codec import decode_state, encode_state
from actors.governance.decision import Decided
from actors.governance.ids import HOUR, MINUTE
from actors.governance.refusals import Refusal

A, B = b"a" * 32, b"b" * 32


def stale(bench: Any, case: str, found: bytes, run: str = "r-stale") -> Decided:
    """Redeems on a target that has become ``found``."""
    decided = bench.ask(bench.redemption(bench.warrant_of(case).warrant, run, state_digest=found), "till")
    assert isinstance(decided, Decided)
    assert decided.refusal is not None
    assert decided.refusal.code.value == "stale"
    return decided


def test_redeeming_opens_a_run_and_burns_one_use(bench: Any) -> None:
    live = bench.warrant_of(bench.propose())
    answer = bench.done(bench.redemption(live.warrant, "r1"), "till").answer
    assert answer == {"case": live.case, "run": "r1", "effect": live.terms.effect}
    assert (live.uses_left, bench.state.cases[live.case].live) == (2, 2)


def test_repeating_a_redemption_gives_the_same_answer_and_burns_nothing(bench: Any) -> None:
    live = bench.warrant_of(bench.propose("files.write"))
    first = bench.done(bench.redemption(live.warrant, "r1"), "till").answer
    assert bench.done(bench.redemption(live.warrant, "r1"), "till").answer == {**first, "repeated": True}
    bench.done(bench.report("r1"), "till")
    bench.done(bench.attest("r1"), "emil")
    assert live.case not in bench.state.cases
    assert bench.done(bench.redemption(live.warrant, "r1"), "till").answer == {**first, "repeated": True}
    assert bench.tags().count("run.opened") == 1


def test_a_run_id_means_one_run_for_ever(bench: Any) -> None:
    bench.running("files.write", run="r1")
    other = bench.warrant_of(bench.propose())
    assert bench.refused(bench.redemption(other.warrant, "r1"), "till") == "run_reused"
    assert bench.refused(bench.redemption(other.warrant, "r1", args_digest=b"a" * 32), "till") == "run_reused"
    assert bench.refused(bench.wish("notes.read", key="p", run="r1"), "ada") == "run_reused"


def test_a_t0_case_of_the_agents_own_is_granted_and_redeemed_in_one(bench: Any) -> None:
    answer = bench.done(bench.wish("notes.read", key="one", run="r1"), "ada").answer
    assert answer["run"] == "r1"
    assert bench.tags(answer["case"]) == ["intent.proposed", "case.decided", "warrant.issued", "run.opened"]
    bench.done(bench.report("r1", "ada"), "ada")
    assert answer["case"] not in bench.state.cases


def test_only_t0_can_be_redeemed_with_its_proposal(bench: Any) -> None:
    assert bench.refused(bench.wish("orders.refund", key="one", run="r1"), "ada") == "not_allowed"
    answer = bench.done(bench.wish("notes.append", key="two", run="r1"), "ada").answer
    assert "run" not in answer  # granted, but to another executor


@pytest.mark.parametrize("clock", ["redeem", "propose", "approve"])
def test_nothing_is_granted_or_redeemed_while_the_clock_is_in_doubt(bench: Any, clock: str) -> None:
    live, held = bench.warrant_of(bench.propose()), bench.propose("orders.refund")
    ask = {
        "redeem": (bench.redemption(live.warrant), "till"),
        "propose": (bench.wish(key="new"), "ada"),
        "approve": (bench.vote(held, "clara"), "clara"),
    }[clock]
    assert bench.refused(*ask, clock_ok=False) == "clock_in_doubt"
    bench.done(*ask)


def test_a_stale_t0_warrant_is_replaced_at_once_and_its_burnt_uses_stay_burnt(bench: Any) -> None:
    case = bench.propose(state_digest=A)
    old = bench.warrant_of(case).warrant
    bench.done(bench.redemption(old, "r1"), "till")
    stale(bench, case.case, B)
    new = bench.warrant_of(case)
    assert new.warrant != old
    assert (new.terms.state_digest, new.terms.uses) == (B, 2)
    assert bench.refused(bench.redemption(old, "r2"), "till") == "warrant_over"
    bench.done(bench.redemption(new.warrant, "r2"), "till")


def test_a_stale_t1_warrant_needs_fresh_approvals(bench: Any) -> None:
    case = bench.propose("orders.refund", state_digest=A)
    vote = bench.vote(case, "clara")
    bench.done(vote, "clara")
    stale(bench, case.case, B)
    assert (case.status, case.given) == ("held", ())
    assert not bench.state.warrants
    assert bench.refused(vote, "clara") == "statement_mismatch"  # it was about the other card
    bench.done(bench.vote(case, "clara"), "clara")
    assert bench.warrant_of(case).terms.state_digest == B


def test_a_target_that_never_stands_still_ends_the_case(bench: Any) -> None:
    case = bench.propose("files.write", state_digest=A)
    for found in (B, A, B):
        stale(bench, case.case, found)
    stale(bench, case.case, A)
    assert case.case not in bench.state.cases
    assert bench.tags(case.case)[-3:] == ["warrant.stale", "case.expired", "dead_letter.opened"]
    assert bench.steps[case.case][-1][1]


def test_a_redeemer_that_names_no_state_burns_nothing(bench: Any) -> None:
    case = bench.propose(state_digest=A)
    live = bench.warrant_of(case)
    assert bench.refused(bench.redemption(live.warrant, state_digest=None), "till") == "stale"
    bench.done(bench.redemption(live.warrant), "till")


def test_a_stale_case_with_an_open_run_stays_until_the_run_is_over(bench: Any) -> None:
    case = bench.propose("orders.refund", state_digest=A)
    bench.done(bench.vote(case, "clara"), "clara")
    bench.done(bench.redemption(bench.warrant_of(case).warrant, "r1"), "till")
    stale(bench, case.case, B)
    bench.done(bench.vote(case, "dora", "deny"), "dora")  # held again, and denied, while r1 is still running
    assert case.case in bench.state.cases
    bench.done(bench.report("r1"), "till")
    assert case.case not in bench.state.cases
    assert [closes for _, closes in bench.steps[case.case]].count(True) == 1


def test_a_held_case_is_not_closed_by_the_end_of_an_earlier_run(bench: Any) -> None:
    case = bench.propose("orders.refund", state_digest=A)
    bench.done(bench.vote(case, "clara"), "clara")
    bench.done(bench.redemption(bench.warrant_of(case).warrant, "r1"), "till")
    stale(bench, case.case, B)
    bench.done(bench.report("r1"), "till")
    assert case.status == "held"
    bench.done(bench.vote(case, "clara"), "clara")
    assert bench.warrant_of(case).terms.uses == 1


def test_revoking_a_warrant_lets_its_open_run_report(bench: Any) -> None:
    bench.running()
    live = bench.warrant_of(bench.state.runs["r1"].case)
    bench.done(c.RevokeWarrant(live.warrant, "no more"), "greta")
    assert bench.refused(bench.redemption(live.warrant, "r2"), "till") == "warrant_over"
    bench.done(bench.report("r1"), "till")
    assert not bench.state.cases


def test_a_warrant_ends_with_its_agent_even_across_a_restart(bench: Any) -> None:
    live = bench.warrant_of(bench.propose())
    bench.done(c.RevokeMember("ada", "left", "k"), "greta")
    assert bench.refused(bench.redemption(live.warrant), "till") == "warrant_over"

    bench.state = decode_state(encode_state(bench.state))
    assert isinstance(bench.pass_time(0)[0], e.WarrantRevoked)
    assert not bench.state.cases


def test_policy_is_asked_again_at_redemption_and_both_bundles_must_permit(bench: Any) -> None:
    live = bench.warrant_of(bench.propose())
    assert bench.refused(bench.redemption(live.warrant), "till", bundle_of=lambda _: None) == "no_policy"
    assert bench.refused(bench.redemption(live.warrant), "till", active=None) == "no_policy"
    without = attrs.evolve(bench.bundle, digest=b"d" * 32, catalogue={})
    assert bench.refused(bench.redemption(live.warrant), "till", active=without) == "policy_forbids"
    bench.done(bench.redemption(live.warrant), "till")


def test_only_what_waits_for_people_can_be_withdrawn_and_only_by_its_own_agent(bench: Any) -> None:
    held, granted = bench.propose("orders.refund"), bench.propose()
    assert bench.refused(c.Cancel(held.case, "no"), "ben") == "unknown"
    assert bench.refused(c.Cancel("c0", "no"), "ben") == "unknown"
    assert bench.refused(c.Cancel(granted.case, "no"), "ada") == "not_held"
    bench.done(c.Cancel(held.case, "no"), "ada")
    assert bench.refused(bench.vote(held, "clara"), "clara") == "unknown"


@pytest.mark.parametrize("past", [MINUTE, 6 * MINUTE, HOUR])
def test_an_unredeemed_warrant_ends_as_a_dead_letter_and_a_redeemed_one_does_not(bench: Any, past: int) -> None:
    unredeemed = bench.propose()
    bench.done(bench.report(bench.running()), "till")
    bench.pass_time(past)
    ended = past > 5 * MINUTE
    assert ("dead_letter.opened" in bench.tags(unredeemed.case)) == ended
    assert (not bench.state.cases) == ended
    assert bench.tags().count("dead_letter.opened") == ended


def test_refusals_name_no_more_than_was_given(bench: Any) -> None:
    refusal = bench.ask(c.RevokeWarrant("w" * 64, "x"), "greta")
    assert isinstance(refusal, Refusal)
    assert refusal.why == "there is no such live warrant for you"


@pytest.mark.parametrize("end", ["deadline", "cancel"])
def test_a_held_case_that_ends_while_a_run_is_open_is_closed_by_the_run(bench: Any, end: str) -> None:
    case = bench.propose("orders.refund", state_digest=A, deadline=bench.now + 2 * MINUTE)
    bench.done(bench.vote(case, "clara"), "clara")
    bench.done(bench.redemption(bench.warrant_of(case).warrant, "r1"), "till")
    stale(bench, case.case, B)
    if end == "cancel":
        bench.done(c.Cancel(case.case, "no more"), "ada")
    bench.pass_time(2 * MINUTE)
    assert (case.status, case.live) == ("over", 1)
    bench.done(bench.report("r1"), "till")
    assert case.case not in bench.state.cases
    assert [closes for _, closes in bench.steps[case.case]].count(True) == 1


def test_a_warrant_does_not_pass_to_a_successor_of_its_executors_name(bench: Any) -> None:
    live = bench.warrant_of(bench.propose())
    bench.done(c.RevokeMember("till", "broken", "k1"), "greta")
    bench.done(c.Invite("till", "executor", "dora", (), "i-new", b"t" * 32, bench.now + HOUR, "k2"), "greta")
    bench.enrol("till", "i-new")
    bench.confirm("till", "k3")
    assert bench.refused(bench.redemption(live.warrant), "till") == "not_yours"
