"""Each detector on what the law itself recorded: a scenario that it must catch, and one that looks alike and is none.

A catch is looked for twice: the breaker of the scope trips in the batch, and a simulation over the recorded log says the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from actors.governance import breaker, intent, watching
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.aborting import aborted
from actors.governance.breaker_limits import BreakerLimits
from actors.governance.bundle import Bundle, Source, recall
from actors.governance.codec import encode_state
from actors.governance.decision import Decided
from actors.governance.detectors import novelty, rate, spend
from actors.governance.ids import DAY, HOUR, MINUTE, SECOND, Instant
from actors.governance.refusals import Code, Refusal
from actors.governance.signals import Signals
from actors.governance.state import State, epoch, scopes
from tests.actors.governance.conftest import MANIFEST, POLICIES, Bench
from tests.actors.governance.test_envelopes import sign
from vienna_runtime.replay.breakers import Simulation, Trip

UNIT = 1_000_000
SETTINGS = """
[breaker.spend]
most = "60"
window = "30m"
[breaker.novelty]
of = ["action", "kind"]
known = 40
[tenant]
zone = "Europe/Vienna"
"""
SHOP = MANIFEST + SETTINGS
NINE = 9 * HOUR


@pytest.fixture(scope="module")
def shop() -> Bundle:
    loaded = recall(Source({"bundle.toml": SHOP.encode(), "all.cedar": POLICIES.encode()}))
    assert isinstance(loaded, Bundle), [str(item) for item in loaded.items]
    return loaded


@pytest.fixture
def watched(shop: Bundle) -> Bench:
    return Bench("belvedere", shop).found()


def simulated(bench: Bench, limits: BreakerLimits | None = None) -> list[Trip]:
    """What a simulation says of the log as it was recorded."""
    simulation = Simulation(bench.tenant, limits or bench.bundle.settings.breaker)
    found = [trip for seq, at, event, _ in bench.log for trip in simulation.entry(seq, at, event)]
    return [*found, *simulation.end()]


def tripped(bench: Bench, detector: str) -> set[str]:
    """The scopes that it shut, as the log has them; and the simulation agrees about the first of each."""
    found = {event.scope: event for _, _, event, _ in bench.log if isinstance(event, e.BreakerTripped) and event.detector == detector}
    assert set(found) <= {trip.scope for trip in simulated(bench) if trip.detector == detector}
    for event in found.values():
        assert event.counts["limit"] > 0
        assert event.why
    return set(found)


def read(bench: Bench, number: int, resource: str = "book/one", by: str = "ada") -> None:
    bench.done(bench.wish("notes.read", resource, key=f"read-{by}-{number}", run=f"run-{by}-{number}"), by)
    bench.done(bench.report(f"run-{by}-{number}", by), by)


def append(bench: Bench, number: int, text: str, by: str = "ada") -> Any:
    return bench.ask(bench.wish("notes.append", key=f"append-{by}-{number}", params={"text": text}), by)


def at_hour(bench: Bench, day: int, hour: int) -> None:
    """Goes on to that hour of Vienna's clocks, so many days after the bench began."""
    began = 1_700_006_400 * SECOND - 2 * HOUR  # 2023-11-14, midnight in Vienna is 23:00 UTC of the day before
    bench.pass_time(max(0, began - began % DAY - HOUR + (day + 1) * DAY + hour * HOUR - bench.now))


# --- failures


def ended(bench: Bench, outcomes: str, by: str = "ada", action: str = "notes.append") -> None:
    for number, outcome in enumerate(outcomes):
        run = f"{by}-{action}-{len(bench.log)}-{number}"
        bench.done(bench.report(bench.running(action, by=by, run=run), outcome="failed" if outcome == "x" else "succeeded"), "till")


def test_failures_catches_a_target_that_is_down(watched: Bench) -> None:
    ended(watched, "..xxx")
    assert tripped(watched, "failures") == {"agent:ada", "action:notes.append", "tenant"}


def test_failures_lets_a_few_among_many_pass(watched: Bench) -> None:
    ended(watched, "..x..x..x..")
    assert tripped(watched, "failures") == set()


def test_failures_of_one_agent_by_one_action_can_shut_out_just_that(watched: Bench) -> None:
    narrow = attrs.evolve(watched.bundle.settings.breaker, failures=2, scopes=("agent_action",))
    ended(watched, ".x")
    ended(watched, "x", by="ben")
    assert [trip for trip in simulated(watched, narrow) if trip.detector == "failures"] == []
    ended(watched, "x")
    assert [trip.scope for trip in simulated(watched, narrow)] == ["agent:ada action:notes.append"]


# --- mismatches


def test_mismatches_catches_one_contradiction_and_stays(watched: Bench) -> None:
    watched.running()
    watched.done(watched.report("r1", resource="book/other"), "till")
    assert tripped(watched, "mismatches") == {"agent:ada"}
    watched.pass_time(3 * DAY)
    assert watched.refused(watched.wish(key="later"), "ada") == "breaker_open"


def test_mismatches_is_not_about_a_run_that_says_it_failed(watched: Bench) -> None:
    ended(watched, "x")
    assert tripped(watched, "mismatches") == set()


@pytest.mark.parametrize("said", [1, 10, 500, 1_000])
def test_no_setting_turns_the_mismatch_detector_off(said: int) -> None:
    loaded = recall(Source({"bundle.toml": f"[breaker]\nscopes = []\nmismatches = {said}\n".encode()}))
    assert isinstance(loaded, Bundle)
    assert 1 <= loaded.settings.breaker.mismatches <= 10


# --- unknowns


def vanish(bench: Bench, count: int, apart: int) -> None:
    for number in range(count):
        bench.running("files.write", by="ben", run=f"gone-{number}", resource=f"book/{number}")
        for other in range(4):
            read(bench, 10 * number + other, f"book/{other}", by="ben")  # most of what it does goes well
        bench.pass_time(apart)


def test_unknowns_catches_an_executor_that_keeps_dying_although_most_goes_well(watched: Bench) -> None:
    vanish(watched, 5, 10 * MINUTE)
    watched.pass_time(10 * MINUTE)
    assert tripped(watched, "unknowns") == {"agent:ben", "action:files.write"}
    assert tripped(watched, "failures") == {"action:files.write"} or tripped(watched, "failures") == set()


def test_unknowns_lets_a_lost_connection_now_and_then_pass(watched: Bench) -> None:
    vanish(watched, 6, 40 * MINUTE)
    assert tripped(watched, "unknowns") == set()


# --- denials


def denied(bench: Bench, number: int) -> None:
    bench.ask(bench.wish("orders.wipe", f"book/{number}", key=f"wipe-{number}"), "ada")


def test_denials_catches_an_agent_that_tries_every_door(watched: Bench) -> None:
    for number in range(20):
        denied(watched, number)
        watched.pass_time(10 * SECOND)
    assert tripped(watched, "denials") == {"agent:ada"}


def test_denials_lets_one_pass_that_is_denied_often_beside_much_that_is_permitted(watched: Bench) -> None:
    for number in range(30):
        denied(watched, number)
        read(watched, number, f"book/{number % 5}")
        watched.pass_time(10 * SECOND)
    assert tripped(watched, "denials") == set()


# --- repetition


def test_repetition_catches_a_loop_whatever_story_it_tells(watched: Bench) -> None:
    for number in range(20):
        wish = attrs.evolve(watched.wish("notes.append", key=f"k{number}"), purpose=f"I try it once more, for the {number}th time")
        assert not isinstance(watched.ask(wish, "ada"), Refusal)
        watched.pass_time(20 * SECOND)
    assert tripped(watched, "repetition") == {"agent:ada action:notes.append"}
    assert isinstance(append(watched, 99, "x"), Refusal)
    assert not isinstance(append(watched, 100, "x", by="mallory"), Refusal)


def test_repetition_lets_a_batch_of_different_things_and_patient_waiting_pass(watched: Bench) -> None:
    for number in range(60):
        assert not isinstance(append(watched, number, f"line {number}"), Refusal)
        read(watched, number)  # the same every time: it waits
        watched.pass_time(8 * SECOND)
    assert tripped(watched, "repetition") == set()


# --- rate


def work(bench: Bench, intervals: int, each: int, start: int = 0) -> int:
    """So many intents in each five minutes; how many there were."""
    number = start
    for _ in range(intervals):
        bench.pass_time(5 * MINUTE - bench.now % (5 * MINUTE))
        for _ in range(each):
            bench.ask(bench.wish("notes.read", f"book/{number}", key=f"w-{number}"), "ada")
            number += 1
    return number


def test_rate_catches_an_agent_that_suddenly_asks_for_far_more_than_it_does(watched: Bench) -> None:
    done = work(watched, 26, 8)
    assert tripped(watched, "rate") == set()
    work(watched, 1, 70, done)
    assert tripped(watched, "rate") == {"agent:ada"}


def test_rate_lets_a_morning_after_a_silent_night_and_a_growing_team_pass(watched: Bench) -> None:
    done = work(watched, 26, 40)
    watched.pass_time(14 * HOUR)
    for each in (45, 50, 56, 63, 70, 78, 88, 98):  # an eighth more each time
        done = work(watched, 2, each, done)
    assert tripped(watched, "rate") == set()


def test_a_burst_does_not_become_the_custom_by_happening() -> None:
    signals = Signals("agent:ada")
    for interval in range(100):
        for _ in range(10):
            rate.note(signals, Instant(interval * rate.INTERVAL))
    for _ in range(100_000):
        rate.note(signals, Instant(100 * rate.INTERVAL))
    rate.note(signals, Instant(101 * rate.INTERVAL))
    assert signals.pace is not None
    assert signals.pace.mean < 20_000


# --- spend


def pays(bench: Bench, number: int, cost: int) -> None:
    run = bench.running("files.write", run=f"pay-{number}", resource=f"book/{number}")
    bench.done(bench.report(run, cost=cost), "till")


def test_spend_catches_money_that_goes_too_fast(watched: Bench) -> None:
    for number in range(3):
        pays(watched, number, 8)
        watched.pass_time(MINUTE)
    assert tripped(watched, "spend") == set()  # micro-units are next to nothing
    for number in range(3, 11):
        pays(watched, number, 8 * UNIT)
        watched.pass_time(MINUTE)
    assert tripped(watched, "spend") == {"agent:ada"}


def test_spend_lets_the_same_money_pass_over_a_morning(watched: Bench) -> None:
    for number in range(11):
        pays(watched, number, 8 * UNIT)
        watched.pass_time(20 * MINUTE)
    assert tripped(watched, "spend") == set()


def test_spend_sums_by_minutes_and_forgets_none_within_its_hour() -> None:
    signals = Signals("tenant")
    for second in range(3_600):
        spend.note(signals, Instant(DAY + second * SECOND), 10)
    assert len(signals.spent) == 60
    assert spend.total(signals, Instant(DAY + HOUR - SECOND), HOUR, Instant(0)) == 36_000


# --- novelty


def office(bench: Bench, days: int) -> int:
    number = 0
    for day in range(days):
        for hour in range(9, 17):
            at_hour(bench, day, hour)
            for _ in range(2):
                read(bench, number, f"book/{number % 9}")
                number += 1
    return number


def test_novelty_catches_something_never_done_at_an_hour_at_which_nobody_works(watched: Bench) -> None:
    office(watched, 4)
    at_hour(watched, 4, 3)
    append(watched, 1, "at night")
    assert tripped(watched, "novelty") == {"agent:ada"}


def test_novelty_lets_new_things_at_work_and_known_things_at_night_pass(watched: Bench) -> None:
    done = office(watched, 4)
    at_hour(watched, 4, 3)
    read(watched, done, "book/1000")  # a new book, as every day: a resource of a known kind
    at_hour(watched, 4, 11)
    append(watched, 1, "at work")
    assert tripped(watched, "novelty") == set()


def test_novelty_counts_hours_where_the_tenant_is(watched: Bench) -> None:
    """Nine in Vienna is eight in Greenwich in winter; by the clock in Greenwich the early hour would be another one."""
    office(watched, 4)
    habits = watched.state.signals["agent:ada"].habits
    assert habits is not None
    assert [hour for hour, count in enumerate(habits.hours) if count] == list(range(9, 17))


# --- what holds for all of them


def almost(bench: Bench, detector: str) -> str:
    """So much that the next thing which ``ada`` asks for trips it; the resource to ask for."""
    if detector == "novelty":
        office(bench, 4)
        at_hour(bench, 4, 3)
        return "shelf/1"
    if detector == "rate":
        work(bench, 26, 8)
        bench.pass_time(5 * MINUTE - bench.now % (5 * MINUTE))
    for number in range(59 if detector == "rate" else 19):
        read(bench, number, f"page/{number}" if detector == "rate" else "book/one")
    return "book/one"


def test_what_is_denied_at_once_counts_for_the_same_detectors_as_in_a_simulation(watched: Bench) -> None:
    for number in range(25):
        watched.ask(watched.wish("orders.wipe", key=f"k{number}"), "ada")
    assert tripped(watched, "repetition") == {"agent:ada action:orders.wipe"}
    assert {trip.scope for trip in simulated(watched)} == {
        event.scope for _, _, event, _ in watched.log if isinstance(event, e.BreakerTripped)
    }


@pytest.mark.parametrize("run", ["r", None])
@pytest.mark.parametrize("detector", ["rate", "repetition", "novelty"])
def test_the_intent_that_trips_is_granted_nothing(detector: str, run: str | None) -> None:
    """It is on record, for that is what trips; its warrant would be worthless by the end of the batch, a run told to abort."""
    loaded = recall(Source({"bundle.toml": (SHOP + "[breaker.repetition]\nreads = true\n").encode(), "all.cedar": POLICIES.encode()}))
    assert isinstance(loaded, Bundle), [str(item) for item in loaded.items]
    bench = Bench("belvedere", loaded).found()
    resource = almost(bench, detector)
    assert tripped(bench, detector) == set()
    before = len(bench.log)
    decision = bench.ask(bench.wish("notes.read", resource, key="k", run=run), "ada")
    assert tripped(bench, detector)
    recorded = [type(event) for _, _, event, _ in bench.log[before:]]
    assert recorded == [e.IntentProposed, e.CaseDecided, e.CaseExpired, e.DeadLetterOpened, e.BreakerTripped, e.AlertRaised]
    assert not bench.state.cases.keys() & {event.case for _, _, event, _ in bench.log[before:] if isinstance(event, e.IntentProposed)}
    assert isinstance(decision, Decided)
    assert decision.refusal is not None
    assert (decision.refusal.code, detector in decision.refusal.why) == (Code.BREAKER_OPEN, True)
    assert all(live.epoch != epoch(bench.state, live.agent, live.action) for live in bench.state.warrants.values())


def test_whoever_tries_a_letter_again_hears_that_it_tripped() -> None:
    toml = SHOP + "[breaker.repetition]\nreads = true\ncount = 3\n"
    loaded = recall(Source({"bundle.toml": toml.encode(), "all.cedar": POLICIES.encode()}))
    assert isinstance(loaded, Bundle), [str(item) for item in loaded.items]
    bench = Bench("belvedere", loaded).found()
    for number in range(3):
        bench.ask(bench.wish("notes.read", "book/one", key=f"k{number}"), "ada")
    letter = bench.last(e.DeadLetterOpened).letter
    bench.pass_time(SECOND)
    bench.done(c.ResetBreaker("agent:ada action:notes.read", "seen"), "greta")
    bench.pass_time(SECOND)
    for number in range(2):
        bench.done(bench.wish("notes.read", "book/one", key=f"l{number}"), "ada")
    decision = bench.ask(c.RetryLetter(letter, "again"), "greta")
    assert isinstance(decision, Decided)
    assert isinstance(decision.events[0], e.DeadLetterResolved)
    assert decision.refusal is not None
    assert decision.refusal.code is Code.BREAKER_OPEN


def test_what_was_approved_in_advance_was_not_approved_for_a_burst(watched: Bench) -> None:
    sign(watched, count=50, total=None)
    cases = [watched.propose("orders.refund", key=f"k{number}") for number in range(20)]
    assert [case.status for case in cases] == ["warranted"] * 19 + ["held"]
    assert tripped(watched, "repetition") == {"agent:ada action:orders.refund"}


def test_nothing_is_granted_or_redeemed_from_a_trip_to_the_reset_or_the_probe(watched: Bench) -> None:
    live = watched.warrant_of(watched.propose())
    ended(watched, "xxx")
    for number in range(5):
        append(watched, number, f"after {number}")
        watched.ask(watched.redemption(live.warrant, f"late-{number}"), "till")
    none_slips_between(watched)
    assert any(isinstance(event, e.BreakerTripped) for _, _, event, _ in watched.log)


def none_slips_between(bench: Bench) -> None:
    """Walks the log as it stands: what is issued or opened, and which scopes are shut at that position."""
    shut: set[str] = set()
    agents: dict[str, tuple[str, str]] = {}
    for _, _, event, _ in bench.log:
        match event:
            case e.BreakerTripped():
                shut.add(event.scope)
            case e.BreakerReset() | e.BreakerProbed():
                shut.discard(event.scope)
            case e.IntentProposed():
                agents[event.case] = event.agent, intent.unpack_own(event.intent).action
            case e.WarrantIssued() | e.RunOpened():
                assert not shut.intersection(scopes(*agents[event.case]))
            case _:
                pass


@pytest.mark.parametrize("scope", ["agent:ada action:notes.append", "agent:ada", "action:notes.append", "tenant"])
def test_what_runs_in_a_scope_of_any_kind_is_told_to_abort_and_nothing_else(watched: Bench, scope: str) -> None:
    watched.running(run="hers")
    watched.running(run="his", by="ben", resource="book/two")
    watched.running("files.write", run="other", by="ben")
    assert list(aborted(watched.state)) == []
    watched.done(c.TripBreaker(scope, "halt"), "greta")
    told = {"agent:ada action:notes.append": {"hers"}, "agent:ada": {"hers"}, "action:notes.append": {"hers", "his"}}
    assert {run.run for run in aborted(watched.state)} == told.get(scope, {"hers", "his", "other"})


def test_revocations_follow_and_are_owed_again_after_a_crash_midway(watched: Bench) -> None:
    lives = [watched.warrant_of(watched.propose(params={"text": f"{number}"})).warrant for number in range(6)]
    watched.done(c.TripBreaker("agent:ada", "halt"), "greta")
    for _ in range(2):  # two of six, then it crashes
        owed = due_once(watched)
        watched.record(*owed)
    watched.state = watched.refold()
    rest = watched.pass_time(0)
    revoked = [event.warrant for _, _, event, _ in watched.log if isinstance(event, e.WarrantRevoked)]
    assert sorted(revoked) == sorted(lives)
    assert sum(isinstance(event, e.WarrantRevoked) for event in rest) == 4


def due_once(bench: Bench) -> tuple[e.Event, ...]:
    from actors.governance.due import due

    return due(bench.state, bench.moment(), bench.bundle, bench.past, bench.canary_of)


def test_what_a_reset_forgave_counts_for_no_detector(watched: Bench) -> None:
    ended(watched, "xxx")
    for scope in ("agent:ada", "action:notes.append", "tenant"):
        watched.done(c.ResetBreaker(scope, "looked"), "greta")
    watched.pass_time(SECOND)
    ended(watched, "xx")
    assert breaker.seen(watched.state, "agent:ada").status == "closed"
    ended(watched, "x")
    assert breaker.seen(watched.state, "agent:ada").status == "open"


def flooded(note: Callable[[State, int], None], number: int) -> State:
    state = State("belvedere")  # type: ignore[arg-type]  # a TenantId
    for step in range(number):
        state.size = step
        note(state, step)
    return state


def test_a_flood_of_scopes_leaves_the_state_small_and_forgets_what_is_longest_ago() -> None:
    state = flooded(lambda state, step: setattr(watching._signals(state, f"agent:a{step}"), "unknowns", ()), 20_000)
    assert len(state.signals) <= watching.MOST_SIGNALS
    assert "agent:a19999" in state.signals
    assert "agent:a0" not in state.signals


def test_a_million_marks_leave_one_scope_as_large_as_the_first_hundred_did() -> None:
    signals = Signals("agent:ada")
    state = State("belvedere", signals={"agent:ada": signals})  # type: ignore[arg-type]
    wish = novelty_wish()
    sizes = []
    for step in range(20_000):
        at = Instant(step * 50 * SECOND)
        rate.note(signals, at)
        spend.note(signals, at, 7)
        novelty.note(signals, at, attrs.evolve(wish, resource=f"order/{step}"), "UTC")
        if step in (200, 19_999):
            sizes.append(len(encode_state(state)))
    assert sizes[1] - sizes[0] < 200  # numbers have a few more digits


def novelty_wish() -> Any:
    from actors.governance.ids import Cost
    from actors.governance.intent import Intent

    return Intent("payments.refund", "order/1", {}, "", Cost(0), None, None, None)


def test_a_simulation_tells_right_from_false(watched: Bench) -> None:
    twice = attrs.evolve(watched.bundle.settings.breaker, failures=1)
    ended(watched, "x")
    watched.pass_time(2 * MINUTE)
    ended(watched, "x")
    watched.pass_time(HOUR)
    ended(watched, "x....")
    watched.pass_time(HOUR)
    ended(watched, ".")
    verdicts = [(trip.scope, trip.verdict) for trip in simulated(watched, twice) if trip.scope == "agent:ada"]
    assert verdicts == [("agent:ada", "right"), ("agent:ada", "false")]
