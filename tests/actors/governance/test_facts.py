"""What policy is shown beside the wish is taken at the moment of the decision, is exactly what it reads, and stands on the record."""

from __future__ import annotations

from typing import Any

import pytest

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.facts import read, record
from actors.governance.ids import HOUR, MINUTE
from actors.governance.question import Unavailable
from actors.governance.units import DAY

REFUNDS = """
refunds = { count = "redeemed", action = "payments.refund", by = ["params.customer"], window = "1d" }
"""
THREE = """
@id("three") @reason("three a day")
forbid (principal, action == Action::"payments.refund", resource) when { context.facts.refunds >= 3 };
"""


def refund(customer: str = "franz", amount: str = "5.00") -> dict[str, Any]:
    return {"action": "payments.refund", "resource": "order/1", "params": {"customer": customer, "amount": {"dec": amount}}}


def deploy(commit: str = "c1", **more: Any) -> dict[str, Any]:
    return {"action": "deploy.run", "resource": "prod", "params": {"commit": commit}, **more}


def test_what_is_recorded_is_read_back_as_it_was() -> None:
    shown = {"founding": True, "refunds": 3, "breaker": "closed", "spent": Unavailable("it is counted since yesterday only")}
    assert read(record(shown)) == shown


@pytest.mark.parametrize("forged", [None, 1.5, [], {}, {"unavailable": 1}, {"unavailable": "why", "and": 1}, {"else": "why"}, b"3"])
def test_what_is_recorded_in_no_known_form_is_not_available(forged: object) -> None:
    assert read({"refunds": forged}) == {"refunds": Unavailable("it is not recorded")}


def redeem(bench: Any, case: Any, run: str, customer: str = "franz") -> Any:
    return bench.ask(bench.redemption(bench.warrant_of(case).warrant, run), "till")


def test_three_refunds_a_day_are_the_hard_stop_however_many_were_granted_before(counted: Any) -> None:
    bench = counted(REFUNDS, THREE)
    cases = [bench.propose(**refund()) for _ in range(5)]
    other = bench.propose(**refund("sisi"))
    for number, case in enumerate(cases[:3]):
        redeem(bench, case, f"r{number}")
        assert bench.last(e.RunOpened).facts == {"refunds": number}
    for case in cases[3:]:
        assert redeem(bench, case, "r-late").why == "policy forbids the execution now: three forbids it: three a day"
    assert bench.denied(**refund()).facts == {"refunds": 3}
    redeem(bench, other, "r-other")
    assert bench.last(e.RunOpened).facts == {"refunds": 0}
    bench.pass_time(DAY + DAY // 64)
    redeem(bench, cases[3], "r-tomorrow")
    assert bench.last(e.RunOpened).facts == {"refunds": 0}


def test_uses_that_a_case_has_burnt_count_against_it(counted: Any) -> None:
    bench = counted(REFUNDS, THREE)
    case = bench.propose(**refund())  # its warrant has nine uses
    for number in range(3):
        redeem(bench, case, f"r{number}")
        bench.done(bench.report(f"r{number}"), "till")
    assert "three a day" in redeem(bench, case, "r4").why


def test_what_a_case_has_itself_asked_for_does_not_count_against_it(counted: Any) -> None:
    facts = """
asked = { count = "proposed", by = ["agent"], window = "1h" }
granted = { count = "warranted", by = ["agent"], window = "1h" }
worth = { sum = "cost", of = "warranted", by = ["agent"], window = "1h" }
"""
    nothing = (
        '@id("once") forbid (principal, action, resource) when { context.facts.asked + context.facts.granted + context.facts.worth > 0 };'
    )
    bench = counted(facts, nothing)
    bench.pass_time(MINUTE)  # what is counted began before, not in this very moment
    case = bench.propose(**refund())
    assert bench.last(e.CaseDecided).facts == {"asked": 0, "granted": 0, "worth": 0}
    redeem(bench, case, "r1")
    assert bench.last(e.RunOpened).facts == {"asked": 0, "granted": 0, "worth": 0}
    assert bench.denied(**refund()).facts == {"asked": 1, "granted": 1, "worth": 20_000_000}
    bench.propose(by="mallory", **refund())
    assert bench.last(e.CaseDecided).facts == {"asked": 0, "granted": 0, "worth": 0}


def test_a_policy_that_reads_an_unknown_fact_denies_and_says_since_when_it_is_counted(counted: Any) -> None:
    bench = counted("")
    bench.propose(**refund())
    bench.put_in_force(REFUNDS, THREE)
    verdict = bench.denied(**refund())
    why = "it is counted since 2023-11-14 22:13:20 UTC only, and is known from 2023-11-15 22:13:20 UTC on"
    assert verdict.why == f"the fact refunds, which policy reads, is not available: {why}"
    assert verdict.facts == {"refunds": {"unavailable": why}}
    bench.pass_time(DAY)
    bench.propose(**refund())
    assert bench.last(e.CaseDecided).facts == {"refunds": 0}


def test_a_counter_that_counts_from_the_activation_is_known_at_once(counted: Any) -> None:
    bench = counted("")
    bench.put_in_force(REFUNDS.replace("window", 'from = "activation", window'), THREE)
    bench.propose(**refund())
    assert bench.last(e.CaseDecided).facts == {"refunds": 0}


def test_an_equal_counter_of_the_next_bundle_goes_on_also_under_another_name_and_after_a_rollback(counted: Any) -> None:
    bench = counted(REFUNDS, THREE)
    for number in range(2):
        redeem(bench, bench.propose(**refund()), f"r{number}")
    bench.put_in_force(REFUNDS.replace("refunds", "today"), THREE.replace("refunds", "today"))
    bench.propose(**refund())
    assert bench.last(e.CaseDecided).facts == {"today": 2}
    bench.put_in_force("")
    redeem(bench, bench.propose(**refund()), "r-uncounted")
    assert bench.last(e.RunOpened).facts == {}
    bench.put_in_force(REFUNDS, THREE)
    assert bench.denied(**refund()).facts == {"refunds": 3}


def test_a_warrant_of_an_earlier_bundle_is_asked_on_the_facts_of_both(counted: Any) -> None:
    bench = counted(REFUNDS, THREE)
    case, late = bench.propose(**refund()), bench.propose(**refund(amount="6.00"))
    bench.put_in_force(
        'asked = { count = "redeemed", by = ["agent"], window = "1h", from = "activation" }', THREE.replace("refunds", "asked")
    )
    redeem(bench, case, "r1")
    opened = bench.last(e.RunOpened)
    assert (opened.facts, opened.older_facts) == ({"asked": 0}, {"refunds": 0})
    for number in range(2):
        redeem(bench, case, f"r-more-{number}")
    bench.pass_time(2 * HOUR)  # by the bundle in force it may, by its own it may not
    assert "three a day" in redeem(bench, late, "r-late").why


REVIEWED = 'reviewed = { lineage = "review.pass", ended = ["consistent"], same = ["params.commit"] }'
UNREVIEWED = '@id("unreviewed") forbid (principal, action == Action::"deploy.run", resource) unless { context.facts.reviewed };'


def review(bench: Any, commit: str = "c1", **more: Any) -> Any:
    case = bench.propose(action="review.pass", resource="repo", params={"commit": commit}, **more)
    redeem(bench, case, f"r-{case.case}")
    return case


def test_a_deployment_needs_a_passed_review_of_the_same_commit_above_it(counted: Any) -> None:
    bench = counted(REVIEWED, UNREVIEWED)
    case = review(bench)
    assert bench.denied(**deploy()).facts == {"reviewed": False}
    assert bench.denied(**deploy(parent=case.case)).facts == {"reviewed": False}  # it goes on still
    bench.done(bench.report(f"r-{case.case}"), "till")
    bench.propose(**deploy(parent=case.case))
    assert bench.last(e.CaseDecided).facts == {"reviewed": True}
    assert bench.denied(**deploy("c2", parent=case.case)).facts == {"reviewed": False}
    bench.propose(**deploy(parent=bench.last(e.CaseDecided).case))  # the denied one stands between, with its own review above it
    assert bench.last(e.CaseDecided).facts == {"reviewed": True}


def test_a_failed_review_is_no_review(counted: Any) -> None:
    bench = counted(REVIEWED, UNREVIEWED)
    case = review(bench)
    bench.done(bench.report(f"r-{case.case}", outcome="failed"), "till")
    assert bench.denied(**deploy(parent=case.case)).facts == {"reviewed": False}


def test_a_lineage_that_cannot_be_read_denies(counted: Any) -> None:
    bench = counted(REVIEWED, UNREVIEWED)
    case = review(bench)
    bench.done(bench.report(f"r-{case.case}"), "till")
    bench.above = lambda _: iter([Unavailable("it has been forgotten")])
    verdict = bench.denied(**deploy(parent=case.case))
    assert verdict.why == "the fact reviewed, which policy reads, is not available: it has been forgotten"


def test_the_very_same_is_known_to_have_been_redeemed_before(counted: Any) -> None:
    again = '@id("again") forbid (principal, action == Action::"deploy.run", resource) when { context.facts.again };'
    bench = counted('again = { before = "redeemed" }', again)
    case = bench.propose(**deploy())
    assert bench.last(e.CaseDecided).facts == {"again": False}
    redeem(bench, case, "r1")
    assert bench.denied(**deploy()).facts == {"again": True}
    bench.propose(**deploy("c2"))


def test_a_breaker_is_seen_as_it_stands(counted: Any) -> None:
    bench = counted(
        'guard = { breaker = "action" }', '@id("shut") forbid (principal, action, resource) when { context.facts.guard != "closed" };'
    )
    bench.propose(**deploy())
    bench.done(c.TripBreaker("action:deploy.run", "smoke"), "greta")
    assert bench.denied(**deploy()).facts == {"guard": "open"}
    bench.propose(**refund())
    assert bench.last(e.CaseDecided).facts == {"guard": "closed"}


def test_the_hour_is_told_by_the_moment_of_the_decision(counted: Any) -> None:
    night = '@id("night") forbid (principal, action, resource) when { context.facts.hour < 6 };'
    bench = counted('hour = { local = "hour" }\nday = { local = "weekday" }', night)
    case = bench.propose(**refund())
    assert bench.last(e.CaseDecided).facts == {"hour": 22}
    bench.pass_time(3 * HOUR)
    assert "night forbids it" in redeem(bench, case, "r1").why


def test_a_passback_is_one_decision_on_one_set_of_facts(counted: Any) -> None:
    permits = '@id("p") @tier("T0") @executor("agent") permit (principal, action, resource);'
    bench = counted(REFUNDS, THREE, permits)
    for number in range(3):
        bench.done(bench.wish(**refund(amount=f"{number}.00"), key=f"k{number}", run=f"r{number}"), "ada")
        assert bench.last(e.CaseDecided).facts == bench.last(e.RunOpened).facts == {"refunds": number}
    assert bench.denied(**refund()).facts == {"refunds": 3}


def test_a_held_case_is_decided_again_on_the_facts_of_that_moment(counted: Any) -> None:
    permits = (
        '@id("r") @tier("T1") permit (principal, action == Action::"payments.refund", resource) when { context.params.amount >= 100 };'
        '@id("o") @tier("T0") permit (principal, action, resource) when { !(context.params has amount) };'
    )
    small = '@id("s") @tier("T0") permit (principal, action == Action::"payments.refund", resource) when { context.params.amount < 100 };'
    bench = counted(REFUNDS, THREE, permits + small)
    held = bench.propose(**refund())
    assert held.status == "held"
    for number in range(3):
        redeem(bench, bench.propose(**refund(amount="0.50")), f"r{number}")
    bench.put_in_force(REFUNDS, THREE + " ", permits + small)
    bench.pass_time(1)
    again = bench.last(e.CaseDecided)
    assert (again.case, again.permitted, again.facts) == (held.case, False, {"refunds": 3})


def test_seconds_since_the_last_failure_and_never_are_told_apart(counted: Any) -> None:
    quiet = 'quiet = { since = "failed", by = ["agent"], window = "1h", never = 9999 }'
    bench = counted(quiet, '@id("calm") forbid (principal, action, resource) when { context.facts.quiet < 60 };')
    redeem(bench, bench.propose(**refund()), "r1")
    assert bench.last(e.RunOpened).facts == {"quiet": 9999}
    bench.done(bench.report("r1", outcome="failed"), "till")
    assert bench.denied(**refund()).facts == {"quiet": 0}
    bench.pass_time(59 * 60 * 1_000_000)
    bench.propose(**refund())
    assert bench.last(e.CaseDecided).facts == {"quiet": 59 * 60}
    bench.pass_time(MINUTE + 1)
    bench.propose(**refund())
    assert bench.last(e.CaseDecided).facts == {"quiet": 9999}
