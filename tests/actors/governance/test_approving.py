from __future__ import annotations

from typing import Any

import msgpack
import pytest

from actors.governance import canonical
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.decision import Operator
from actors.governance.ids import HOUR, MINUTE, Instant


def test_one_approval_makes_a_t1_warrant_whose_clock_starts_then(bench: Any) -> None:
    case = bench.propose("orders.refund")
    bench.pass_time(30 * MINUTE)
    bench.done(bench.vote(case, "clara"), "clara")
    terms = bench.warrant_of(case).terms
    assert (terms.not_before, terms.expires_at) == (bench.now, bench.now + 10 * MINUTE)
    assert (terms.approvals, terms.tier, terms.intent) == (("clara",), "T1", case.intent_digest)


@pytest.mark.parametrize(
    ("narrowing", "expected"),
    [
        ({}, (10 * MINUTE, 1, 100_000_000)), ({"ttl": MINUTE}, (MINUTE, 1, 100_000_000)), ({"ttl": HOUR}, (10 * MINUTE, 1, 100_000_000)),
        ({"uses": 99}, (10 * MINUTE, 1, 100_000_000)), ({"cost_cap": 0}, (10 * MINUTE, 1, 0)),
        ({"cost_cap": 2**62}, (10 * MINUTE, 1, 100_000_000)),
    ],
)  # fmt: skip
def test_narrowing_can_only_narrow(bench: Any, narrowing: dict[str, int], expected: tuple[int, int, int]) -> None:
    case = bench.propose("orders.payout")
    bench.done(bench.vote(case, "clara", narrowing=narrowing), "clara")
    bench.done(bench.vote(case, "dora"), "dora")
    terms = bench.warrant_of(case).terms
    assert (terms.expires_at - terms.not_before, terms.uses, terms.cost_cap) == expected


@pytest.mark.parametrize(("cap", "expected"), [(None, None), (0, 0), (7, 7)])
def test_a_cap_where_policy_names_none_is_the_approvers_and_zero_is_a_cap(bench: Any, cap: int | None, expected: int | None) -> None:
    case = bench.propose("orders.refund")
    bench.done(bench.vote(case, "clara", narrowing={} if cap is None else {"cost_cap": cap}), "clara")
    assert bench.warrant_of(case).terms.cost_cap == expected


def test_all_narrowings_hold_together(bench: Any) -> None:
    case = bench.propose("orders.payout")
    bench.done(bench.vote(case, "clara", narrowing={"ttl": MINUTE, "cost_cap": 9}), "clara")
    bench.done(bench.vote(case, "dora", narrowing={"ttl": 2 * MINUTE, "cost_cap": 8}), "dora")
    terms = bench.warrant_of(case).terms
    assert (terms.expires_at - terms.not_before, terms.cost_cap) == (MINUTE, 8)


@pytest.mark.parametrize(
    "narrowing", [{"ttl": 0}, {"uses": 0}, {"uses": True}, {"cost_cap": -1}, {"resource": "x"}, {"ttl": "1m"}, {"uses": None}]
)
def test_a_narrowing_that_says_nothing_sensible_is_refused(bench: Any, narrowing: dict[str, Any]) -> None:
    case = bench.propose("orders.refund")
    assert bench.refused(bench.vote(case, "clara", narrowing=narrowing), "clara") == "statement_mismatch"


@pytest.mark.parametrize(
    "changed", [{"intent": b"i" * 32}, {"bundle": b"b" * 32}, {"tier": "T0"}, {"card": b"c" * 32}, {"nonce": b"short"}]
)
def test_a_statement_about_anything_else_is_refused(bench: Any, changed: dict[str, Any]) -> None:
    case = bench.propose("orders.refund")
    assert bench.refused(bench.vote(case, "clara", **changed), "clara") == "statement_mismatch"


def test_who_has_approved_may_still_deny_while_the_case_is_held(bench: Any) -> None:
    case = bench.propose("orders.payout")
    bench.done(bench.vote(case, "clara"), "clara")
    assert bench.refused(bench.vote(case, "clara", nonce=b"m" * 16), "clara") == "already_voted"
    bench.done(bench.vote(case, "clara", "deny"), "clara")
    assert bench.tags(case.case)[-3:] == ["approval.given", "approval.denied", "dead_letter.opened"]
    assert bench.refused(bench.vote(case, "dora"), "dora") == "unknown"
    assert not bench.state.warrants


def test_a_role_without_a_seat_and_an_admin_count_for_nothing(bench: Any) -> None:
    case = bench.propose("orders.payout", by="ben")
    assert bench.refused(bench.vote(case, "greta"), "greta") == "no_seat"
    assert bench.refused(bench.vote(case, "greta", "deny"), "greta") == "no_seat"


def test_an_approval_of_somebody_who_has_left_does_not_count(bench: Any) -> None:
    case = bench.propose("orders.payout")
    bench.done(bench.vote(case, "clara"), "clara")
    bench.done(c.RevokeMember("clara", "left", "k"), "greta")
    bench.done(bench.vote(case, "dora"), "dora")
    assert not bench.state.warrants
    bench.done(bench.vote(case, "hugo"), "hugo")
    assert bench.warrant_of(case).terms.approvals == ("dora", "hugo")


def test_the_card_can_be_made_again_and_shows_what_is_signed(bench: Any) -> None:
    bench.done(bench.report(bench.running()), "till")
    case = bench.propose("orders.refund", cost=3)
    shown = msgpack.unpackb(case.card_bytes)
    assert canonical.digest(case.card_bytes) == case.card
    assert shown["intent"] == case.intent
    assert shown["facts"] == {
        "recent_runs": 1, "recent_good": 1, "mismatches": 0, "other_open_cases": 1, "breaker": "closed",
        "reversible": "", "on_failure": "", "left": [],
    }  # fmt: skip
    assert shown["expires_at"] == case.expires_at == bench.last(e.ApprovalRequested).expires_at


def test_a_breaker_that_tripped_while_people_thought_stops_the_last_approval(bench: Any) -> None:
    case = bench.propose("orders.refund")
    bench.done(c.TripBreaker("action:orders.refund", "halt"), "greta")
    assert bench.refused(bench.vote(case, "clara"), "clara") == "breaker_open"
    bench.done(c.ResetBreaker("action:orders.refund", "looked"), "greta")
    bench.done(bench.vote(case, "clara"), "clara")


def test_a_denial_and_reports_are_taken_in_while_the_tenant_is_suspended(bench: Any) -> None:

    case, run = bench.propose("orders.refund"), bench.running()
    bench.done(c.Pause("tenant", "halt"), Operator("otto"))
    assert bench.refused(bench.vote(case, "clara"), "clara") == "paused"
    assert bench.refused(bench.wish(key="new"), "ada") == "paused"
    bench.done(bench.vote(case, "clara", "deny"), "clara")
    bench.done(bench.report(run), "till")
    bench.done(c.Resume("tenant", "on", "k"), Operator("otto"))
    bench.propose()


def test_a_held_case_expires_at_its_deadline_or_its_wishes_whichever_comes_first(bench: Any) -> None:
    late, soon = bench.propose("orders.refund"), bench.propose("orders.refund", deadline=bench.now + MINUTE)
    assert soon.expires_at == bench.now + MINUTE
    assert late.expires_at == bench.now + HOUR
    bench.pass_time(MINUTE)
    assert set(bench.state.cases) == {late.case}
    assert bench.last(e.DeadLetterOpened).kind == "expired"
    assert bench.refused(bench.wish(key="past", deadline=Instant(bench.now)), "ada") == "malformed"
