"""Budgets, against what the log itself says was spent, promised and unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actors.governance import budgets
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.bundle import Bundle, load
from actors.governance.ids import HOUR, MINUTE, SECOND, Instant
from actors.governance.refusals import Refusal
from actors.governance.source import Source
from actors.governance.state import Budget

MANIFEST = """
[bundle]
name = "spending"
[tenant]
zone = "Europe/Vienna"
[breaker]
failures = 500
mismatches = 500
[actions."pay.small"]
executor = "till"
cost = { param = "amount" }
params = { amount = "integer" }
[actions."pay.held"]
executor = "till"
cost = { param = "amount" }
params = { amount = "integer" }
[actions."pay.often"]
executor = "till"
cost = "1"
params = { amount = "integer" }
[budgets.tenant]
cost_per_month = "400"
[budgets.each_agent]
cost_per_day = "100"
count_per_hour = 12
[budgets.agent.ben]
cost_per_day = "150"
[budgets.action."pay.often"]
count_per_day = 9
[budgets.each_agent_action."pay.held"]
cost_per_hour = "60"
warn_at = 50
"""
POLICIES = """
@id("small") @tier("T0") permit (principal, action == Action::"pay.small", resource);
@id("often") @tier("T0") @uses("3") permit (principal, action == Action::"pay.often", resource);
@id("held") @tier("T1") @uses("2") @cost_cap("25") permit (principal, action == Action::"pay.held", resource);
"""
UNIT = 1_000_000


def loaded(manifest: str = MANIFEST) -> Bundle:
    found = load(Source({"bundle.toml": manifest.encode(), "p.cedar": POLICIES.encode()}))
    assert isinstance(found, Bundle), [str(item) for item in found]
    return found


BUNDLE = loaded()
LARGER = loaded(MANIFEST.replace('cost_per_day = "100"', 'cost_per_day = "120"'))
WEST = loaded(MANIFEST.replace("Europe/Vienna", "America/New_York"))


@pytest.fixture
def spending(founded: Callable[[], Any]) -> Any:
    return begin(founded)


def begin(founded: Callable[[], Any]) -> Any:
    bench = founded()
    bench.bundle = BUNDLE
    bench.bundles[BUNDLE.digest] = BUNDLE
    bench.bundles.update({LARGER.digest: LARGER, WEST.digest: WEST})
    bench.done(c.ActivateBundle(BUNDLE.digest, "spending"), "greta")
    return bench


def pay(bench: Any, amount: int = 5, action: str = "pay.small", by: str = "ada", **more: Any) -> Any:
    return bench.ask(bench.wish(action, key=f"k{len(bench.log)}", params={"amount": amount}, **more), by)


def code(decision: Any) -> str:
    assert isinstance(decision, Refusal), decision
    return decision.code.value


def redeemed(bench: Any, run: str) -> str:
    """A run of the newest warrant."""
    bench.done(bench.redemption(bench.last(e.WarrantIssued).warrant, run), "till")
    return run


def line(bench: Any, scope: str, what: str, per: str) -> Any:
    return next(x for x in budgets.lines(bench.state, bench.now) if (x["scope"], x["what"], x["per"]) == (scope, what, per))


def test_a_grant_reserves_its_worst_and_what_would_be_too_much_is_refused_with_what_is_left(spending: Any) -> None:
    pay(spending, 60)
    refusal = pay(spending, 41)
    assert code(refusal) == "budget_exceeded"
    assert refusal.why == "the budget of agent ada is 100 a day; 60 of it are spent or promised, and this needs 41"
    assert refusal.retry_after is None  # another day does not help while the first is outstanding
    assert not isinstance(pay(spending, 40), Refusal)
    assert line(spending, "agent:ada", "cost", "day") | {"ends": 0} == {
        "scope": "agent:ada", "what": "cost", "per": "day", "most": 100 * UNIT, "spent": 0, "outstanding": 100 * UNIT, "unknown": 0,
        "left": 0, "ends": 0,
    }  # fmt: skip


def test_many_small_ones_add_up(spending: Any) -> None:
    granted = 0
    while not isinstance(pay(spending, 9), Refusal):
        granted += 9
    assert granted == 99


def test_a_report_settles_what_was_reserved_and_the_next_day_begins_anew(spending: Any) -> None:
    pay(spending, 80)
    run = redeemed(spending, "r1")
    assert line(spending, "agent:ada", "cost", "day")["spent"] == 80 * UNIT  # at its worst, until somebody says
    spending.done(spending.report(run, cost=30 * UNIT), "till")
    assert line(spending, "agent:ada", "cost", "day")["spent"] == 30 * UNIT
    refusal = pay(spending, 71)
    assert code(refusal) == "budget_exceeded"
    assert refusal.retry_after is not None
    spending.pass_time(refusal.retry_after * 1000)
    assert not isinstance(pay(spending, 71), Refusal)


def test_what_costs_more_than_its_cap_is_charged_in_full_and_is_a_mismatch(spending: Any) -> None:
    pay(spending, 10)
    spending.done(spending.report(redeemed(spending, "r1"), cost=95 * UNIT), "till")
    assert spending.last(e.RunVerified).verdict == "mismatched"
    assert line(spending, "agent:ada", "cost", "day")["spent"] == 95 * UNIT
    assert code(pay(spending, 6)) == "budget_exceeded"


def test_a_receipt_with_a_negative_cost_gives_back_nothing_that_others_spent(spending: Any) -> None:
    pay(spending, 80)
    spending.done(spending.report(redeemed(spending, "r1"), cost=80 * UNIT), "till")
    pay(spending, 5)
    spending.done(spending.report(redeemed(spending, "r2"), cost=-1_000 * UNIT), "till")
    assert spending.last(e.RunVerified).verdict == "mismatched"
    assert line(spending, "agent:ada", "cost", "day")["spent"] == 85 * UNIT  # what it may have cost at worst


def test_what_a_late_receipt_says_above_the_cap_is_held_and_charged_in_full(spending: Any) -> None:
    pay(spending, 10)
    redeemed(spending, "r1")
    spending.pass_time(11 * MINUTE)
    spending.done(spending.report("r1", cost=90 * UNIT), "till")
    assert line(spending, "agent:ada", "cost", "day")["unknown"] == 90 * UNIT
    spending.done(c.SettleEffect("r1", True, "looked"), "greta")
    found = line(spending, "agent:ada", "cost", "day")
    assert (found["unknown"], found["spent"]) == (0, 90 * UNIT)


def test_a_late_receipt_that_says_less_than_the_worst_frees_nothing(spending: Any) -> None:
    pay(spending, 70)
    redeemed(spending, "r1")
    spending.pass_time(11 * MINUTE)
    spending.done(spending.report("r1", cost=-5 * UNIT), "till")
    assert line(spending, "agent:ada", "cost", "day")["unknown"] == 70 * UNIT


def test_an_estimate_can_only_raise_the_worst_and_a_negative_one_is_no_cost(spending: Any) -> None:
    pay(spending, 10, cost=70 * UNIT)
    assert line(spending, "agent:ada", "cost", "day")["outstanding"] == 70 * UNIT
    pay(spending, 10, cost=1)
    assert line(spending, "agent:ada", "cost", "day")["outstanding"] == 80 * UNIT
    pay(spending, -500)
    assert line(spending, "agent:ada", "cost", "day")["outstanding"] == 80 * UNIT


def test_unredeemed_uses_come_back_when_the_warrant_is_over_and_only_they(spending: Any) -> None:
    case = spending.propose("pay.held", params={"amount": 20})
    spending.done(spending.vote(case, "clara"), "clara")
    assert line(spending, "agent:ada action:pay.held", "cost", "hour")["outstanding"] == 50 * UNIT  # two uses of the cap
    redeemed(spending, "r1")
    spending.done(c.RevokeWarrant(spending.last(e.WarrantIssued).warrant, "no more"), "greta")
    found = line(spending, "agent:ada action:pay.held", "cost", "hour")
    assert (found["outstanding"], found["spent"]) == (0, 25 * UNIT)


def test_an_unknown_outcome_holds_its_worst_in_every_window_until_it_is_settled(spending: Any) -> None:
    pay(spending, 70)
    redeemed(spending, "r1")
    spending.pass_time(11 * MINUTE)
    assert line(spending, "agent:ada", "cost", "day")["unknown"] == 70 * UNIT
    spending.pass_time(30 * HOUR)
    refusal = pay(spending, 31)
    assert code(refusal) == "budget_exceeded"
    assert refusal.retry_after is None
    spending.done(c.SettleEffect("r1", False, "looked"), "greta")
    assert not isinstance(pay(spending, 31), Refusal)


def test_what_happened_after_all_is_spent_in_the_window_of_its_redemption(spending: Any) -> None:
    pay(spending, 70)
    redeemed(spending, "r1")
    spending.pass_time(11 * MINUTE)
    spending.done(c.SettleEffect("r1", True, "looked"), "greta")
    found = line(spending, "agent:ada", "cost", "day")
    assert (found["unknown"], found["spent"]) == (0, 70 * UNIT)


def test_a_held_case_reserves_nothing_and_is_measured_at_its_last_vote(spending: Any) -> None:
    first, second = (spending.propose("pay.held", params={"amount": 20}) for _ in range(2))
    spending.done(spending.vote(first, "clara"), "clara")
    assert spending.refused(spending.vote(second, "clara"), "clara") == "budget_exceeded"
    assert spending.state.cases[second.case].status == "held"  # it can be voted on when there is room
    assert not spending.state.cases[second.case].given


def test_an_agents_own_budget_stands_in_place_of_each_agents(spending: Any) -> None:
    assert not isinstance(pay(spending, 140, by="ben"), Refusal)
    assert code(pay(spending, 11, by="ben")) == "budget_exceeded"


def test_uses_are_limited_too_and_each_use_of_a_warrant_counts(spending: Any) -> None:
    for _ in range(3):
        assert not isinstance(pay(spending, 1, "pay.often"), Refusal)  # three uses each
    refusal = pay(spending, 1, "pay.often")
    assert code(refusal) == "budget_exceeded"
    assert "9 uses a day" in refusal.why


def test_a_mark_that_is_passed_is_told_once_in_a_window_and_again_in_the_next(spending: Any) -> None:
    pay(spending, 79)
    assert not [event for _, _, event, _ in spending.log if isinstance(event, e.BudgetWarned)]
    pay(spending, 1)
    pay(spending, 1)
    (warned,) = [event for _, _, event, _ in spending.log if isinstance(event, e.BudgetWarned) and event.what == "cost"]
    assert (warned.scope, warned.exposure, warned.most) == ("agent:ada", 80 * UNIT, 100 * UNIT)
    spending.pass_time(30 * HOUR)
    pay(spending, 90)
    assert (
        sum(isinstance(event, e.BudgetWarned) and event.scope == "agent:ada" and event.what == "cost" for _, _, event, _ in spending.log)
        == 2
    )


def test_another_bundle_moves_the_limit_and_keeps_what_was_spent(spending: Any) -> None:
    pay(spending, 60)
    spending.done(spending.report(redeemed(spending, "r1"), cost=60 * UNIT), "till")
    pay(spending, 40)
    spending.done(c.ActivateBundle(LARGER.digest, "larger"), "greta")
    found = line(spending, "agent:ada", "cost", "day")
    assert (found["spent"], found["outstanding"], found["left"]) == (60 * UNIT, 40 * UNIT, 20 * UNIT)


@pytest.mark.parametrize(("first", "second"), [(BUNDLE, WEST), (WEST, BUNDLE)], ids=["westwards", "eastwards"])
def test_another_time_zone_gives_back_nothing_and_what_is_spent_after_it_counts(spending: Any, first: Bundle, second: Bundle) -> None:
    spending.done(c.ActivateBundle(first.digest, "here"), "greta") if first is not BUNDLE else None
    pay(spending, 40)
    spending.done(spending.report(redeemed(spending, "r1"), cost=40 * UNIT), "till")
    spending.done(c.ActivateBundle(second.digest, "there"), "greta")
    assert line(spending, "agent:ada", "cost", "day")["spent"] == line(spending, "tenant", "cost", "month")["spent"] == 40 * UNIT
    pay(spending, 60)
    spending.done(spending.report(redeemed(spending, "r2"), cost=60 * UNIT), "till")
    assert line(spending, "tenant", "cost", "month")["spent"] == 100 * UNIT
    assert code(pay(spending, 1)) == "budget_exceeded"


def test_what_runs_while_the_zone_changes_is_settled_in_the_window_it_moved_to(spending: Any) -> None:
    spending.done(c.ActivateBundle(WEST.digest, "west"), "greta")
    spending.now = Instant(1_709_256_600 * SECOND)  # 2024-03-01 01:30 UTC: still February in New York, March in Vienna
    pay(spending, 40)
    redeemed(spending, "r1")
    spending.done(c.ActivateBundle(BUNDLE.digest, "east"), "greta")
    assert line(spending, "tenant", "cost", "month")["spent"] == 40 * UNIT
    spending.done(spending.report("r1", cost=30 * UNIT), "till")
    assert line(spending, "tenant", "cost", "month")["spent"] == 30 * UNIT


def test_a_stale_warrant_makes_room_for_the_one_that_replaces_it(spending: Any) -> None:
    pay(spending, 60, state_digest=b"a" * 32)
    stale = spending.last(e.WarrantIssued).warrant
    asked = spending.ask(spending.redemption(stale, "r1", state_digest=b"b" * 32), "till")
    assert asked.refusal.code.value == "stale"
    assert spending.last(e.WarrantIssued).warrant != stale
    assert line(spending, "agent:ada", "cost", "day")["outstanding"] == 60 * UNIT
    assert code(pay(spending, 41)) == "budget_exceeded"


def test_a_stale_warrant_is_not_replaced_while_others_have_overspent(spending: Any) -> None:
    pay(spending, 60, state_digest=b"a" * 32)
    stale = spending.last(e.WarrantIssued).warrant
    pay(spending, 10)
    spending.done(spending.report(redeemed(spending, "r1"), cost=95 * UNIT), "till")
    asked = spending.ask(spending.redemption(stale, "r2", state_digest=b"b" * 32), "till")
    assert code(asked) == "budget_exceeded"
    assert asked.why == "the budget of agent ada is 100 a day; 95 of it are spent or promised, and this needs 60"


def test_the_day_ends_at_the_tenants_midnight_also_when_the_clocks_change(spending: Any) -> None:
    spending.now = Instant(1_792_850_400 * SECOND)  # 2026-10-24 10:00 UTC, noon in Vienna; that night the clocks go back
    pay(spending, 100)
    redeemed(spending, "r1")
    refusal = pay(spending, 1)
    assert refusal.retry_after is not None
    assert spending.now // 1000 + refusal.retry_after == 1_792_879_200_000 + 1  # 22:00 UTC
    spending.pass_time(12 * HOUR + SECOND)  # the run is unknown by then
    spending.done(c.SettleEffect("r1", True, "looked"), "greta")
    pay(spending, 99)
    redeemed(spending, "r2")
    refusal = pay(spending, 2)
    assert spending.now // 1000 + refusal.retry_after == 1_792_969_200_000 + 1  # 23:00 UTC: the day has 25 hours


def test_the_memory_of_scopes_is_bounded_by_what_counts(spending: Any) -> None:
    state = spending.state
    for number in range(3 * budgets.MOST_SCOPES):
        budgets._budgets(state, f"agent-{number}", "pay.small")
    assert len(state.budgets) <= budgets.MOST_SCOPES + 8


def test_a_budget_that_was_never_touched_is_empty() -> None:
    assert Budget() == Budget(0, 0, 0, 0, {})
