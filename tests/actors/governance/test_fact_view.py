"""What a policy would see right now is what it then does see, and what has to be said before it can be told."""

from __future__ import annotations

from typing import Any

from actors.governance import events as e
from actors.governance.declared import BreakerState, Lineage, Local
from actors.governance.fact_view import Asked, rows, says

FACTS = """
founding = "boolean"
refunds = { count = "redeemed", action = "payments.refund", by = ["params.customer"], window = "1d" }
worth = { sum = "params.amount", of = "redeemed", action = "payments.refund", by = ["agent"], window = "90m" }
quiet = { since = "failed", window = "1h" }
guard = { breaker = "agent" }
hour = { local = "hour" }
after = { lineage = "review.pass", ended = ["consistent"], same = ["resource"] }
again = { before = "redeemed" }
"""
READ = """
@id("odd") forbid (principal, action == Action::"payments.refund", resource)
when { context.facts.refunds > 9 || context.facts.worth > 99999 || context.facts.guard == "open" };
@id("late") forbid (principal, action, resource)
when { context.facts.hour > 23 || (context.facts.founding && context.facts.again && context.facts.hour > 23) };
"""
NOTHING: dict[str, Any] = {"customer": "franz", "amount": {"dec": "2.50"}}


def shown(bench: Any, **said: Any) -> dict[str, Any]:
    bundle = bench.bundles[bench.state.bundle]
    return {row["fact"]: row for row in rows(bench.state, bundle, Asked(**said), bench.now, bench.past)}


def test_what_is_shown_beforehand_is_what_the_decision_records(counted: Any) -> None:
    bench = counted(FACTS, READ)
    for number in range(2):
        case = bench.propose(action="payments.refund", resource="order/1", params=NOTHING)
        bench.done(bench.redemption(bench.warrant_of(case).warrant, f"r{number}"), "till")
    said = shown(bench, agent="ada", action="payments.refund", resource="order/1", params=NOTHING)
    bench.propose(action="payments.refund", resource="order/1", params={**NOTHING, "customer": "sisi"}, by="mallory")
    other = shown(bench, agent="mallory", action="payments.refund", resource="order/1", params={**NOTHING, "customer": "sisi"})
    assert {name: row["value"] for name, row in other.items()} == bench.last(e.CaseDecided).facts
    assert {name: said[name]["value"] for name in ("refunds", "worth", "again", "guard")} == {
        "refunds": 2, "worth": 500, "again": True, "guard": "closed",
    }  # fmt: skip


def test_what_has_not_been_said_of_the_wish_is_asked_for(counted: Any) -> None:
    bench = counted(FACTS, READ)
    needs = {name: row["needs"] for name, row in shown(bench).items()}
    assert needs == {
        "founding": [], "refunds": ["params.customer"], "worth": ["agent"], "quiet": [], "guard": ["agent"], "hour": [],
        "after": ["parent", "resource"], "again": ["action", "resource"],
    }  # fmt: skip
    assert shown(bench)["quiet"]["value"] == 3600
    assert shown(bench)["quiet"]["read_by"] == []
    assert "quiet" not in shown(bench, action="payments.refund")


def test_a_fact_that_is_not_available_says_why(counted: Any) -> None:
    bench = counted("")
    bench.put_in_force(FACTS, READ)
    row = shown(bench, params={"customer": "franz"})["refunds"]
    assert row["value"] is None
    assert row["unavailable"].startswith("it is counted since 2023-11-14 22:13:20 UTC only")


def test_every_fact_is_said_in_words(counted: Any) -> None:
    said = {name: row["is"] for name, row in shown(counted(FACTS, READ)).items()}
    assert said == {
        "founding": "the tenant is founding",
        "refunds": "redeemed of payments.refund by params.customer within 1d",
        "worth": "params.amount of what was redeemed of payments.refund by agent within 90m",
        "quiet": "seconds since the last failed within 1h",
        "guard": "the breaker of the agent",
        "hour": "hour in UTC",
        "after": "a case above did review.pass and ended consistent, about the same resource",
        "again": "exactly this was redeemed before",
    }
    assert says(BreakerState("tenant")) == "the breaker of the tenant"
    assert says(Local("minute_of_day", "Europe/Vienna")) == "minute of day in Europe/Vienna"
    lineage = Lineage(actions=frozenset({"a.b", "a.c"}), ended=frozenset({"verified"}), same=())
    assert says(lineage) == "a case above did a.b or a.c and ended verified"
