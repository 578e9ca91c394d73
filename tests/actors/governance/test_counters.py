"""Counters say what a count of the whole log says, at any moment, and remember no more than they may."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.governance import canonical, counters, intent, receipt
from actors.governance import events as e
from actors.governance.codec import decode, decode_state, encode, encode_state
from actors.governance.counters import MOST_CELLS, MOST_RETIRED, STEPS, Reading
from actors.governance.evolve import evolve
from actors.governance.ids import HOUR, MINUTE, SECOND, CaseId, Cost, Instant, MemberId, Micros, TenantId
from actors.governance.question import Unavailable
from actors.governance.state import Counter, State

DAY = 24 * HOUR
FACTS = """
proposed = { count = "proposed", by = ["agent"], window = "1h" }
denied = { count = "denied", by = ["agent", "action"], window = "1h" }
warranted = { sum = "cost", of = "warranted", window = "2h" }
redeemed = { count = "redeemed", action = "payments.refund", by = ["params.customer"], window = "1h" }
amount = { sum = "params.amount", of = "redeemed", action = "payments.refund", by = ["params.customer", "resource"], window = "90m" }
spent = { sum = "cost", of = "succeeded", by = ["agent"], window = "3h" }
failed = { count = "failed", by = ["action"], window = "1h" }
mismatched = { count = "mismatched", window = "5h" }
unknown = { count = "unknown", by = ["resource"], window = "3h" }
since = { since = "redeemed", by = ["agent"], window = "1h" }
"""
NEVER = '@id("never") forbid (principal, action == Action::"review.pass", resource) when { %s };'
READ = NEVER % " || ".join(f"context.facts.{name} < 0" for name in ("proposed", "denied", "warranted", "spent", "failed", "mismatched"))
DENY = '@id("no") forbid (principal, action == Action::"payments.refund", resource) when { resource.kind == "never" };'
PEOPLE = ("ada", "mallory")

steps = st.lists(
    st.tuples(
        st.sampled_from(("propose", "propose", "redeem", "succeed", "fail", "lie", "wait", "rest", "again")),
        st.sampled_from(PEOPLE),
        st.sampled_from(("franz", "sisi")),
        st.sampled_from(("order/1", "order/2", "never/1")),
        st.sampled_from(("0.01", "2.50", "40.00")),
        st.integers(1, 100),
    ),
    max_size=24,
)


def act(bench: Any, what: str, by: str, customer: str, resource: str, amount: str, number: int) -> None:
    match what:
        case "propose":
            params = {"customer": customer, "amount": {"dec": amount}}
            bench.ask(bench.wish("payments.refund", resource, f"k{len(bench.log)}", params=params, cost=number), by)
        case "redeem":
            for live in list(bench.state.warrants.values())[:1]:
                bench.ask(bench.redemption(live.warrant, f"r{len(bench.log)}"), "till")
        case "succeed" | "fail" | "lie":
            for run in [run for run in bench.state.runs.values() if run.status == "open"][:1]:
                told = {"succeed": {}, "fail": {"outcome": "failed"}, "lie": {"resource": "other"}}[what]
                bench.ask(bench.report(run.run, cost=number, **told), "till")
        case "wait":
            bench.pass_time(number * MINUTE)
        case "rest":
            bench.pass_time(number * SECOND)
        case "again":
            bench.put_in_force(FACTS + "\n" * number, READ + DENY)


def counted_by_hand(bench: Any, counter: Counter, agent: str, wish: intent.Intent, now: int, begun: int) -> int | None:
    """From the log alone: the total, or for since the newest time."""
    wishes, runs, found = {}, {}, []
    width = -(-counter.window // STEPS)
    for _, at, event, _ in bench.log:
        happened: list[tuple[str, str, int]] = []  # what, in which case, for how much
        match event:
            case e.IntentProposed():
                wishes[event.case] = (event.agent, intent.unpack(event.intent))
                happened = [("proposed", event.case, wishes[event.case][1].cost)]
            case e.CaseDecided(permitted=False):
                happened = [("denied", event.case, 0)]
            case e.WarrantIssued():
                happened = [("warranted", event.case, 20_000_000)]
            case e.RunOpened():
                happened = [("redeemed", event.case, 20_000_000)]
            case e.RunReported():
                runs[event.run] = receipt.unverified_unpack(event.receipt)
            case e.RunUnknown():
                happened = [("unknown", event.case, 20_000_000)]
            case e.RunVerified():
                told = runs[event.run]
                end = "mismatched" if event.verdict == "mismatched" else told.outcome
                happened = [(end, event.case, told.cost)]
        for what, case, cost in happened:
            who, wanted = wishes[case]
            alike = all(_of(who, wanted, name) == _of(agent, wish, name) for name in counter.by)
            timely = begun <= at and at // width >= (now - counter.window) // width
            if what == counter.of and alike and timely and (not counter.actions or wanted.action in counter.actions):
                value = {"cost": cost, "params.amount": _cents(wanted)}.get(counter.sums, 1)
                found.append(at if counter.measure == "since" else value)
    if counter.measure == "since":
        return max(found, default=None)
    return sum(found)


def _of(agent: str, wish: intent.Intent, name: str) -> object:
    return {"agent": agent, "action": wish.action, "resource": wish.resource, "params.customer": wish.params["customer"]}[name]


def _cents(wish: intent.Intent) -> int:
    return int(wish.params["amount"]["dec"].replace(".", ""))  # type: ignore[call-overload,index]  # as act() proposes


def wishes() -> Iterator[tuple[str, intent.Intent]]:
    for agent in PEOPLE:
        for customer in ("franz", "sisi", "nobody"):
            for resource in ("order/1", "order/2", "never/1"):
                params = {"customer": customer, "amount": {"dec": "1.00"}}
                yield agent, intent.Intent("payments.refund", resource, params, "why", Cost(0), None, None, None)


@settings(max_examples=25, deadline=None)
@given(script=steps)
def test_every_counter_is_what_a_count_of_the_log_says_and_a_replay_says_the_same(counted: Any, script: list[Any]) -> None:
    bench = counted(FACTS, READ + DENY)
    halfway, taken = 0, b""
    for number, line in enumerate(script):
        act(bench, *line)
        if number == len(script) // 2:
            halfway, taken = bench.state.size, encode_state(bench.state)
        for count in bench.state.counts.values():
            for agent, wish in wishes():
                told = counters.read(bench.state, Reading(counter=count.counter, never=-1), agent, wish, None, bench.now)
                by_hand = counted_by_hand(bench, count.counter, agent, wish, bench.now, count.since)
                if count.counter.measure == "since":
                    late = by_hand is None or bench.now - by_hand > count.counter.window
                    by_hand = -1 if late else (bench.now - by_hand) // SECOND  # type: ignore[operator]  # not None here
                assert told == by_hand, (count.counter, agent, wish)
    whole = State(TenantId(bench.tenant))
    rest = decode_state(taken) if taken else State(TenantId(bench.tenant))
    for seq, at, event, body in bench.log:
        evolve(whole, decode(event.TAG, body), at, seq)
        if seq >= halfway:
            evolve(rest, decode(event.TAG, body), at, seq)
    assert encode_state(whole) == encode_state(rest) == encode_state(bench.state)


def test_what_is_younger_than_the_window_counts_and_what_is_older_by_a_step_does_not(counted: Any) -> None:
    bench = counted(FACTS, READ)
    (count,) = [count for count in bench.state.counts.values() if count.counter.of == "proposed"]
    reading, wish = Reading(counter=count.counter), next(wishes())[1]
    act(bench, "propose", "ada", "franz", "order/1", "1.00", 1)
    began, width = bench.now, HOUR // STEPS
    for later, told in ((0, 1), (HOUR, 1), (HOUR + width, 0)):
        assert counters.read(bench.state, reading, "ada", wish, None, Instant(began + later)) == told


COUNTER = Counter(measure="count", of="proposed", by=("params.customer",), window=Micros(HOUR))


def flooded(state: State, number: int, *, apart: int = 1) -> None:
    """So many proposals, each about another customer."""
    for at in range(number):
        wish = intent.Intent("payments.refund", "order/1", {"customer": str(at)}, "", Cost(0), None, None, None)
        packed = intent.pack(wish)
        proposed = e.IntentProposed(CaseId("c1"), MemberId("ada"), packed, "k", None, False, ())
        counters.note(state, proposed, None, Instant(DAY + at * apart))


def reading_of(state: State, customer: str, now: int) -> int | Unavailable:
    wish = intent.Intent("payments.refund", "order/1", {"customer": customer}, "", Cost(0), None, None, None)
    return counters.read(state, Reading(counter=COUNTER), "ada", wish, None, Instant(now))


def declared(*wanted: Counter) -> State:
    state = State(TenantId("belvedere"))
    counters.declare(state, [counters.definition(counter) for counter in wanted], Instant(0))
    return state


def size_of(state: State) -> int:
    return max(sum(len(bucket.amounts) for bucket in count.buckets) for count in state.counts.values())


@pytest.mark.parametrize(
    ("number", "apart"),  # how many, and µs between them: all within one step, or over many
    [(3 * MOST_CELLS, 1), (3 * MOST_CELLS, 100_000), (200_000, 10_000)],
)
def test_a_flood_leaves_the_state_small_and_the_fact_unknown_until_its_window_has_passed(number: int, apart: int) -> None:
    state = declared(COUNTER)
    flooded(state, number, apart=apart)
    (count,) = state.counts.values()
    assert size_of(state) == count.cells <= MOST_CELLS
    assert len(count.buckets) <= STEPS + 2
    end = DAY + number * apart
    told = reading_of(state, "1", end)
    assert isinstance(told, Unavailable)
    assert told.why.startswith("more happened within its window than is remembered; it is known again from 1970-01-0")
    assert reading_of(state, "1", end + HOUR + HOUR // STEPS) == 0


def test_one_flooded_counter_leaves_the_others_as_they_are() -> None:
    other = attrs.evolve(COUNTER, by=("agent",))
    state = declared(COUNTER, other)
    flooded(state, MOST_CELLS + 1)
    wish = intent.Intent("payments.refund", "order/1", {"customer": "1"}, "", Cost(0), None, None, None)
    assert counters.read(state, Reading(counter=other), "ada", wish, None, Instant(DAY + MOST_CELLS)) == MOST_CELLS + 1


def test_counters_of_earlier_bundles_are_kept_for_a_while_and_not_for_ever() -> None:
    state = declared()
    state.bundle = b"first"
    for hours in range(1, 30):
        counters.declare(state, [counters.definition(attrs.evolve(COUNTER, window=Micros(hours * HOUR)))], Instant(hours))
    assert len(state.counts) == 1 + MOST_RETIRED
    assert sorted(count.counter.window // HOUR for count in state.counts.values()) == list(range(29 - MOST_RETIRED, 30))


def test_a_definition_reads_back_as_what_it_was() -> None:
    every = Counter(measure="sum", of="redeemed", sums="params.amount", places=2, actions=("a.b",), by=("agent",), window=Micros(HOUR))
    state = declared(every)
    assert [count.counter for count in state.counts.values()] == [every]
    assert decode_state(encode_state(state)) == state
    activated = e.BundleActivated(bytes(32), None, (counters.definition(every),))
    assert decode(activated.TAG, encode(activated)) == activated
    assert canonical.pack(counters.definition(every))


def test_what_was_let_pass_with_an_amount_that_cannot_be_read_is_not_taken_for_nothing(counted: Any) -> None:
    """Another bundle's catalogue may have other decimals: then nobody knows the sum, until the window has passed."""
    summed = Counter(measure="sum", of="redeemed", sums="params.amount", places=0, actions=("payments.refund",), window=Micros(HOUR))
    bench = counted("")
    counters.declare(bench.state, [counters.definition(summed)], bench.now)
    bench.pass_time(2 * HOUR)
    reading, wish = Reading(counter=summed), next(wishes())[1]
    act(bench, "propose", "ada", "franz", "order/1", "2.50", 1)
    assert counters.read(bench.state, reading, "ada", wish, None, bench.now) == 0
    act(bench, "redeem", "ada", "franz", "order/1", "2.50", 1)
    assert isinstance(counters.read(bench.state, reading, "ada", wish, None, bench.now), Unavailable)
    assert counters.read(bench.state, reading, "ada", wish, None, Instant(bench.now + HOUR + HOUR // STEPS)) == 0
