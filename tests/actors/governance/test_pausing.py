from __future__ import annotations

from typing import Any

import pytest

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import pauses, views
from actors.governance.aborting import aborted
from actors.governance.codec import decode_state, encode_state
from actors.governance.decision import Operator
from actors.governance.halt import Pause
from actors.governance.ids import MINUTE, SECOND, Instant, Person

OTTO = Operator("otto")
ADA = c.Pause("agent:ada", "it deletes")
DRAFT = {"path": "drafts/a", "text": "x", "amount": {"dec": "1.00"}}


def refusal(bench: Any, command: c.Command, by: str) -> Any:
    return bench.ask(command, by)


def test_a_paused_agent_is_told_who_paused_it_since_when_and_why(bench: Any) -> None:
    bench.done(ADA, "greta")
    no = refusal(bench, bench.wish(key="new"), "ada")
    assert (no.code.value, no.why) == ("paused", "agent ada is paused by greta since 2023-11-14 22:13:20 UTC: it deletes")
    bench.propose(by="ben")  # nobody else is concerned


def test_a_warrant_of_before_is_worthless_also_when_the_agent_goes_on(bench: Any) -> None:
    live = bench.warrant_of(bench.propose("notes.append"))
    bench.done(ADA, "greta")
    no = refusal(bench, bench.redemption(live.warrant), "till")
    assert no.code.value == "paused"
    assert "it deletes" in no.why
    bench.done(c.Resume("agent:ada", "fixed", "k"), "greta")
    no = refusal(bench, bench.redemption(live.warrant), "till")
    assert no.why == "the warrant was revoked: agent ada was paused by greta at 2023-11-14 22:13:20 UTC: it deletes"
    owed = bench.pass_time(0)
    assert [event.warrant for event in owed if isinstance(event, e.WarrantRevoked)] == [live.warrant]
    assert refusal(bench, bench.redemption(live.warrant), "till").code.value == "warrant_over"


def test_a_held_case_goes_on_waiting_and_may_be_denied_and_nothing_is_granted(bench: Any) -> None:
    first, second = bench.propose("orders.refund"), bench.propose("orders.refund")
    bench.done(ADA, "greta")
    assert bench.refused(bench.vote(first, "clara"), "clara") == "paused"
    bench.done(bench.vote(second, "clara", "deny"), "clara")
    bench.done(c.Resume("agent:ada", "fixed", "k"), "greta")
    bench.done(bench.vote(first, "clara"), "clara")
    assert bench.warrant_of(first).uses_left == 2


def test_what_runs_is_told_to_abort_and_its_report_is_taken_in(bench: Any) -> None:
    run, other = bench.running(run="r1"), bench.running(by="ben", run="r2")
    bench.done(ADA, "greta")
    assert [open_run.run for open_run in aborted(bench.state)] == ["r1"]
    bench.done(c.Pause("tenant", "all of it"), "greta")
    assert {open_run.run for open_run in aborted(bench.state)} == {"r1", "r2"}
    bench.done(bench.report(run, outcome="failed"), "till")
    bench.done(bench.report(other, outcome="failed"), "till")


def test_a_further_use_and_the_same_run_again_are_refused(bench: Any) -> None:
    case = bench.propose("notes.append")
    warrant = bench.warrant_of(case).warrant
    bench.done(bench.redemption(warrant, "r1"), "till")
    bench.done(ADA, "greta")
    assert bench.refused(c.UseWarrant(warrant, "again"), "ada") == "paused"
    assert bench.refused(bench.redemption(warrant, "r1"), "till") == "paused"  # an executor that began and fell does not begin anew


def test_an_agent_pauses_and_resumes_nobody(bench: Any) -> None:
    from actors.governance.calls import CALLS

    for tag in ("pause", "resume", "alert.ack"):
        assert "agent" not in CALLS[tag].who
        assert "executor" not in CALLS[tag].who
    assert CALLS["pause"].urgent


def test_pausing_twice_is_once_and_the_first_reason_stands(bench: Any) -> None:
    bench.done(ADA, "greta")
    bench.now = Instant(bench.now + MINUTE)
    again = bench.done(c.Pause("agent:ada", "something else"), "greta").answer
    assert (again["repeated"], again["reason"], again["since"]) == (True, "it deletes", bench.now - MINUTE)
    bench.done(c.Resume("agent:ada", "on", "k"), "greta")
    assert bench.done(c.Resume("agent:ada", "on", "k"), "greta").answer["repeated"]


@pytest.mark.parametrize("scope", ["", "agent:", "agent:nobody", "agent:clara", "action:notes.append", "node", "tenant:x", "Tenant"])
def test_what_cannot_be_paused_by_a_tenant_is_unknown(bench: Any, scope: str) -> None:
    assert bench.refused(c.Pause(scope, "x"), "greta") == "unknown"
    assert bench.refused(c.Resume(scope, "x", "k"), "greta") == "unknown"


def test_operators_and_admins_lift_only_their_own(bench: Any) -> None:
    bench.done(c.Pause("tenant", "an incident"), OTTO)
    bench.done(c.Pause("tenant", "us too"), "greta")  # heard although an operator has stopped the tenant
    assert bench.refused(c.Resume("tenant", "on", "k"), "greta") == "paused"
    bench.done(c.Resume("tenant", "over", "k"), OTTO)
    assert bench.refused(bench.wish(key="new"), "ada") == "paused"
    no = bench.ask(c.Resume("tenant", "over", "k"), OTTO)
    assert no.code.value == "not_allowed"
    assert "us too" in no.why
    bench.done(c.Resume("tenant", "on", "k"), "greta")
    bench.propose()
    assert bench.ask(c.Pause("agent:ada", "x"), OTTO).code.value == "not_allowed"


def test_while_the_tenants_own_pause_lasts_its_people_can_repair_it(bench: Any) -> None:
    bench.done(c.Pause("tenant", "which one is it"), "greta")
    bench.done(c.RevokeMember("mallory", "that one", "k"), "greta")
    bench.activate("strict")


def seal(bench: Any) -> None:
    for name, person in (("frida", "frida"), ("gustav", "gustav")):
        bench.joins(name, "admin", person)
    bench.done(c.Seal(), "greta")


def test_who_answers_for_an_agent_lets_it_go_on_only_with_two_others_once_the_tenant_is_sealed(bench: Any) -> None:
    bench.done(ADA, "greta")
    bench.done(c.Resume("agent:ada", "while founding", "k"), "greta")
    seal(bench)
    bench.done(ADA, "frida")
    asked = bench.done(c.Resume("agent:ada", "nothing was wrong", "k2"), "greta").answer  # ada is hers
    assert asked["applied"] is False
    case = bench.state.cases[asked["case"]]
    assert b"agent ada is paused by frida since 2023-11-14 22:13:20 UTC: it deletes" in case.card_bytes
    assert bench.state.pauses
    assert bench.refused(bench.vote(case, "greta"), "greta") == "self_approval"
    bench.done(bench.vote(case, "clara"), "clara")
    bench.done(bench.vote(case, "frida"), "frida")
    assert not bench.state.pauses
    bench.done(ADA, "greta")
    bench.done(c.Resume("agent:ada", "looked at it", "k3"), "frida")  # who has nothing to do with it needs nobody
    assert not bench.state.pauses


def test_nobody_behind_any_agent_lets_the_tenant_go_on_alone(bench: Any) -> None:
    seal(bench)
    bench.done(c.Pause("tenant", "halt"), "greta")
    assert bench.done(c.Resume("tenant", "on", "k"), "greta").answer["applied"] is False
    bench.done(c.Resume("tenant", "on", "k"), "frida")
    asked = next(case for case in bench.state.cases.values() if case.status == "held")
    bench.done(bench.vote(asked, "clara"), "clara")
    no = bench.ask(bench.vote(asked, "dora"), "dora")
    assert "not paused any more" in no.why


def test_the_nodes_pause_is_written_down_once_and_kills_what_it_saw(bench: Any) -> None:
    live = bench.warrant_of(bench.propose("notes.append"))
    bench.now = Instant(bench.now + MINUTE)
    pause = Pause("node", "operator", "operator:otto", Person(""), "fire", bench.now)
    bench.record(*pauses.of_node(bench.state, pauses.OPERATORS, pause, pause))
    assert pauses.of_node(bench.state, pauses.OPERATORS, pause, pause) == ()
    assert "the node is paused by operator:otto" in refusal(bench, bench.wish(key="new"), "ada").why
    bench.record(*pauses.of_node(bench.state, pauses.OPERATORS, None, pause))
    assert pauses.of_node(bench.state, pauses.OPERATORS, None, pause) == ()
    assert "the node was paused" in refusal(bench, bench.redemption(live.warrant), "till").why
    bench.propose("notes.append")


def test_a_pause_of_the_node_that_a_tenant_slept_through_counts_for_the_warrants_of_before_alone(bench: Any) -> None:
    pause = Pause("node", "operator", "operator:otto", Person(""), "fire", bench.now)
    assert pauses.of_node(bench.state, pauses.OPERATORS, None, pause) == ()  # nothing was out
    before = bench.warrant_of(bench.propose("notes.append"))
    later = Pause("node", "operator", "operator:otto", Person(""), "fire", Instant(bench.now + MINUTE))
    events = pauses.of_node(bench.state, pauses.OPERATORS, None, later)
    assert [event.TAG for event in events] == ["scope.paused/1", "scope.resumed/1"]
    bench.now = Instant(bench.now + 2 * MINUTE)
    bench.record(*events)
    after = bench.warrant_of(bench.propose("notes.append"))
    assert bench.state.warrants[before.warrant].revoked
    assert not after.revoked


def test_pauses_survive_a_snapshot_and_an_older_suspension_is_an_operators_pause(bench: Any) -> None:
    bench.done(ADA, "greta")
    bench.record(e.TenantSuspended("otto", "an older log"))
    assert decode_state(encode_state(bench.state)).pauses == bench.state.pauses
    assert bench.refused(c.Seal(), "greta") == "paused"
    assert "an older log" in refusal(bench, bench.wish(key="n"), "ben").why
    bench.record(e.TenantResumed("otto", "on"))
    bench.propose(by="ben")
    assert bench.refold() == bench.state


def test_a_paused_agent_hands_nothing_on_and_what_went_through_its_hands_is_stopped(bench: Any) -> None:
    live = bench.warrant_of(bench.propose("drafts.write", by="ben", params=DRAFT))
    chain = bench.handed_on(live, ("till", "ada", {}), ("ada", "ben", {}))
    bench.done(bench.redemption(live.warrant, "r1", chain=chain), "ben")
    bench.done(ADA, "greta")
    assert [run.run for run in aborted(bench.state)] == ["r1"]
    for number, to in enumerate(("mallory", "mill")):
        later = bench.handed_on(live, ("till", "ada", {}), ("ada", to, {}))
        assert bench.refused(bench.redemption(live.warrant, f"p{number}", chain=later), to) == "paused"
    bench.done(bench.redemption(live.warrant, "r2"), "till")  # ben's warrant itself is nobody's fault


def test_an_agent_that_its_breaker_shuts_out_acts_by_nobody_elses_warrant(bench: Any) -> None:
    live = bench.warrant_of(bench.propose("drafts.write", by="ben", params=DRAFT))
    ends, passes = bench.handed_on(live, ("till", "ada", {})), bench.handed_on(live, ("till", "ada", {}), ("ada", "mill", {}))
    bench.done(bench.redemption(live.warrant, "r1", chain=ends), "ada")
    for scope in ("agent:ada", "agent:ada action:drafts.write"):
        bench.done(c.TripBreaker(scope, "it lies"), "greta")
        assert [run.run for run in aborted(bench.state)] == ["r1"]
        no = bench.ask(bench.redemption(live.warrant, "r2", chain=ends), "ada")
        assert (no.code.value, no.why) == (
            "breaker_open", f"it was handed on by way of ada, and the breaker of {scope} is open: it lies",
        )  # fmt: skip
        assert bench.refused(bench.redemption(live.warrant, "r2", chain=passes), "mill") == "breaker_open"
        bench.done(c.ResetBreaker(scope, "looked"), "greta")
    bench.pass_time(SECOND)
    bench.done(bench.redemption(live.warrant, "r2"), "till")


def stopped_and_let_go_on(bench: Any, how: str) -> None:
    if how == "pause":
        bench.done(ADA, "greta")
        bench.done(c.Resume("agent:ada", "looked", "k"), "greta")
    else:
        bench.done(c.TripBreaker(how, "it lies"), "greta")
        bench.done(c.ResetBreaker(how, "looked"), "greta")
    bench.pass_time(SECOND)


@pytest.mark.parametrize("how", ["pause", "agent:ada", "agent:ada action:drafts.write"])
def test_what_was_handed_to_somebody_who_was_stopped_since_stays_worthless_in_those_hands(bench: Any, how: str) -> None:
    before = bench.warrant_of(bench.propose("drafts.write", by="ben", params=DRAFT))
    old = bench.handed_on(before, ("till", "ada", {}), ("ada", "mill", {}))
    bench.pass_time(SECOND)
    stopped_and_let_go_on(bench, how)
    assert bench.refused(bench.redemption(before.warrant, "r1", chain=old), "mill") == "warrant_over"
    assert decode_state(encode_state(bench.state)).breakers == bench.state.breakers
    bench.done(bench.redemption(before.warrant, "r2"), "till")  # through nobody's hands
    bench.done(bench.redemption(before.warrant, "r3", chain=bench.handed_on(before, ("till", "mill", {}))), "mill")  # through others
    after = bench.warrant_of(bench.propose("drafts.write", by="ben", key="later", params={**DRAFT, "text": "later"}))
    bench.done(bench.redemption(after.warrant, "r4", chain=bench.handed_on(after, ("till", "ada", {}), ("ada", "mill", {}))), "mill")


def test_the_end_of_one_pause_that_people_approved_is_not_the_end_of_a_later_one(bench: Any) -> None:
    seal(bench)
    bench.done(ADA, "frida")
    asked = bench.done(c.Resume("agent:ada", "nothing was wrong", "k2"), "greta").answer
    case = bench.state.cases[asked["case"]]
    bench.done(bench.vote(case, "clara"), "clara")
    bench.done(c.Resume("agent:ada", "looked at it", "k3"), "frida")
    bench.pass_time(MINUTE)
    bench.done(c.Pause("agent:ada", "now it really deletes"), "frida")
    no = bench.ask(bench.vote(case, "dora"), "dora")
    assert "another pause than the one it was asked for" in no.why
    assert bench.state.pauses


def test_whoever_a_pause_stops_is_shown_with_its_scope_and_stays_a_member(bench: Any) -> None:
    def stopped() -> dict[str, Any]:
        rows: Any = views.members(bench.state)
        assert {row["status"] for row in rows} == {"active"}
        return {row["member"]: row["paused"] for row in rows if row["paused"]}

    agents = {member.member for member in bench.state.active("agent")}
    assert stopped() == {}
    bench.done(ADA, "greta")
    assert stopped() == {"ada": "agent:ada"}
    bench.done(c.Pause("tenant", "all of it"), "greta")
    assert stopped() == dict.fromkeys(agents, "tenant")
    bench.done(c.Pause("tenant", "the whole of it"), OTTO)
    assert stopped() == {member.member: "tenant" for member in bench.state.active()}
