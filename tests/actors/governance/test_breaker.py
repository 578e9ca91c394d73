from __future__ import annotations

from typing import Any

from actors.governance import breaker
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.ids import HOUR, MINUTE

COOLED = 15 * MINUTE


def failing(bench: Any, by: str, *runs: str, outcome: str = "failed") -> None:
    for run in runs:
        bench.done(bench.report(bench.running(by=by, run=run), outcome=outcome), "till")


def guards(bench: Any, scope: str = "agent:ada") -> Any:
    return breaker.seen(bench.state, scope)


def test_the_failure_that_fills_the_window_trips_in_its_own_batch(bench: Any) -> None:
    failing(bench, "ada", "r1", "r2")
    assert guards(bench).status == "closed"
    failing(bench, "ada", "r3")
    assert bench.tags()[-8:] == ["run.verified", "dead_letter.opened", *["breaker.tripped"] * 3, *["alert.raised"] * 3]
    assert (guards(bench).status, guards(bench).epoch) == ("open", 1)


def test_failures_among_many_good_runs_do_not_trip(bench: Any) -> None:
    for number in range(4):
        failing(bench, "ada", f"good{number}", outcome="succeeded")
    failing(bench, "ada", "r1", "r2", "r3")
    assert guards(bench).status == "closed"  # three of seven


def test_failures_that_are_spread_out_do_not_trip(bench: Any) -> None:
    for run in ("r1", "r2", "r3"):
        failing(bench, "ada", run)
        bench.pass_time(6 * MINUTE)
    assert guards(bench).status == "closed"


def test_after_the_cool_down_one_case_probes_and_its_success_resets(bench: Any) -> None:
    failing(bench, "ada", "r1", "r2", "r3")
    assert bench.refused(bench.wish(key="early"), "ada") == "breaker_open"
    bench.pass_time(COOLED)
    probe = bench.propose()
    assert (guards(bench).status, guards(bench).probe) == ("probing", probe.case)
    assert bench.refused(bench.wish(key="second"), "ada") == "breaker_open"
    bench.done(bench.redemption(bench.warrant_of(probe).warrant, "p1"), "till")
    bench.done(bench.report("p1"), "till")
    assert (guards(bench).status, guards(bench).since) == ("closed", bench.now)
    bench.propose()


def test_a_probe_of_several_uses_is_one_use_until_it_is_known_how_that_ended(bench: Any) -> None:
    failing(bench, "ada", "r1", "r2", "r3")
    bench.pass_time(COOLED)
    probe = bench.propose("drafts.write", params={"path": "drafts/a", "text": "x", "amount": {"dec": "1.00"}})
    live = bench.warrant_of(probe)
    assert live.uses_left > 2
    bench.done(bench.redemption(live.warrant, "p1"), "till")
    assert bench.refused(bench.redemption(live.warrant, "p2"), "till") == "breaker_open"
    bench.done(bench.report("p1"), "till")
    assert guards(bench).status == "closed"
    bench.done(bench.redemption(live.warrant, "p2"), "till")


def test_a_probe_that_ends_badly_opens_it_again(bench: Any) -> None:
    failing(bench, "ada", "r1", "r2", "r3")
    bench.pass_time(COOLED)
    failing(bench, "ada", "p1")
    assert (guards(bench).status, guards(bench).epoch, guards(bench).until) == ("open", 2, bench.now + COOLED)


def test_only_the_probes_own_outcome_counts(bench: Any) -> None:
    bench.running(run="old")  # redeemed before the trip
    failing(bench, "ada", "r1", "r2", "r3")
    bench.pass_time(9 * MINUTE)
    bench.done(bench.report("old", started=bench.now - 9 * MINUTE), "till")
    bench.pass_time(6 * MINUTE)
    bench.propose()
    assert guards(bench).status == "probing"


def test_a_probe_whose_case_ends_without_a_run_makes_room_for_another(bench: Any) -> None:
    failing(bench, "ada", "r1", "r2", "r3")
    bench.pass_time(COOLED)
    first = bench.propose()
    bench.pass_time(6 * MINUTE)  # nobody redeemed it
    assert first.case not in bench.state.cases
    second = bench.propose()
    assert guards(bench).probe == second.case


def test_a_probe_that_lies_stays_shut_until_a_person_looks(bench: Any) -> None:
    failing(bench, "ada", "r1", "r2", "r3")
    bench.pass_time(COOLED)
    bench.running(run="p1")
    bench.done(bench.report("p1", resource="book/other"), "till")
    assert (guards(bench).status, guards(bench).until) == ("open", None)
    bench.pass_time(100 * HOUR)
    assert bench.refused(bench.wish(key="later"), "ada") == "breaker_open"


def test_a_lie_found_while_it_is_open_keeps_it_shut(bench: Any) -> None:
    bench.running(run="old")
    failing(bench, "ada", "r1", "r2", "r3")
    assert guards(bench).until is not None
    bench.done(bench.report("old", resource="book/other"), "till")
    assert guards(bench).until is None


def test_a_mismatch_counts_against_its_agent_alone(bench: Any) -> None:
    bench.running()
    bench.done(bench.report("r1", resource="book/other"), "till")
    assert [guard.scope for guard in bench.state.breakers.values() if guard.status != "closed"] == ["agent:ada"]


def test_a_trip_makes_every_warrant_in_its_scope_worthless_and_no_other(bench: Any) -> None:
    hers, his, other = bench.propose(), bench.propose(by="mallory"), bench.propose("files.write", by="mallory")
    bench.done(c.TripBreaker("action:notes.append", "halt"), "greta")
    assert bench.refused(bench.redemption(bench.warrant_of(hers).warrant), "till") == "breaker_open"
    owed = [event.case for event in bench.pass_time(0) if isinstance(event, e.WarrantRevoked)]
    assert sorted(owed) == sorted((hers.case, his.case))
    bench.done(bench.redemption(bench.warrant_of(other).warrant), "till")


def test_names_of_actions_are_not_shut_out_without_end_and_agents_and_the_tenant_always(bench: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(breaker, "MOST_BREAKERS", 3)
    for number in range(3):
        bench.done(c.TripBreaker(f"action:made.up{number}", "halt"), "greta")
    assert bench.refused(c.TripBreaker("action:another.one", "halt"), "greta") == "busy"
    assert bench.refused(c.TripBreaker("agent:ada action:another.one", "halt"), "greta") == "busy"
    for scope in ("action:made.up0", "agent:ada", "tenant"):
        bench.done(c.TripBreaker(scope, "halt"), "greta")
    assert len(bench.state.breakers) == 5


def test_a_reset_does_not_bring_back_the_warrants_of_before(bench: Any) -> None:
    live = bench.warrant_of(bench.propose())
    bench.done(c.TripBreaker("tenant", "halt"), "greta")
    bench.done(c.ResetBreaker("tenant", "looked"), "greta")
    assert bench.refused(bench.redemption(live.warrant), "till") == "breaker_open"


def test_a_breaker_remembers_a_bounded_number_of_outcomes(bench: Any) -> None:
    for number in range(80):
        bench.done(bench.wish("notes.read", key=f"k{number}", run=f"r{number}"), "ada")
        bench.done(bench.report(f"r{number}", "ada"), "ada")
    assert len(bench.state.signals["agent:ada"].outcomes) == 64


def test_the_word_of_one_who_is_no_member_any_more_lets_nothing_in_again(bench: Any) -> None:
    for name in ("frida", "gustav", "heinz"):
        bench.joins(name, "admin", name)
    bench.done(c.Seal(), "greta")
    bench.running()
    bench.done(bench.report("r1", resource="book/other"), "till")
    assert bench.done(c.ResetBreaker("agent:ada", "fine"), "heinz").answer["closed"] is False
    bench.record(e.MemberRevoked("heinz", "his key was stolen"))
    assert bench.done(c.ResetBreaker("agent:ada", "looked"), "frida").answer["closed"] is False
    assert guards(bench).status == "open"
    assert bench.done(c.ResetBreaker("agent:ada", "looked"), "gustav").answer["closed"] is True


def test_a_trip_of_before_is_folded_as_one(bench: Any) -> None:
    """Its entry named no detector, and stands on the ledgers of then."""
    bench.record(e.BreakerTrippedBefore("agent:ada", 1, None, "it repeats itself", "operator:otto"))
    assert (guards(bench).status, guards(bench).epoch, guards(bench).detector) == ("open", 1, "")
    assert bench.refused(bench.wish(), "ada") == "breaker_open"
