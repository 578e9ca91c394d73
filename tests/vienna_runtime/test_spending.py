from __future__ import annotations

from typing import Any

import attrs

from actors.governance import events as e
from actors.governance import warrant
from vienna_runtime.spending import Ledger, total

DAY = 24 * 3_600_000_000
TERMS = warrant.Warrant(
    tenant="belvedere", warrant="w1", case="c1", agent="ada", executor="till", holder=b"h" * 32, action="pay.small", resource="order/1",  # type: ignore[arg-type]
    params={}, intent=b"i" * 32, effect="e1", state_digest=None, tier="T0", approvals=(),  # type: ignore[arg-type]
    envelopes=(), bundle=b"b" * 32, verify={}, not_before=0,  # type: ignore[arg-type]
    expires_at=DAY, uses=9, cost_cap=20, constraints={},  # type: ignore[arg-type]
)  # fmt: skip


def opened(run: str, warrant_id: str = "w1") -> Any:
    return e.RunOpened("c1", warrant_id, run, "till", "e1", b"", None, (), 0)  # type: ignore[arg-type]


def reported(run: str, cost: int, outcome: str = "succeeded") -> Any:
    return e.RunReported("c1", run, outcome, cost, b"", b"", 0)  # type: ignore[arg-type]


def issued(**changed: Any) -> Any:
    terms = attrs.evolve(TERMS, **changed)
    return e.WarrantIssued("c1", terms.warrant, warrant.pack(terms), b"", b"")  # type: ignore[arg-type]


def test_costs_are_summed_by_agent_action_and_day_and_unknown_ones_stand_apart() -> None:
    ledger = Ledger()
    for event, at in (
        (issued(), 0),
        (issued(warrant="w2", agent="ben", action="pay.large"), 0),
        (opened("r1"), 1),
        (reported("r1", 7), 2),
        (opened("r2", "w2"), DAY),
        (reported("r2", 30), DAY),
        (opened("r3"), DAY),
        (e.RunUnknown("c1", "r3", "e1", "no report"), DAY),  # type: ignore[arg-type]
        (opened("r4", "w of another log"), DAY),
    ):
        ledger.take(event, at)
    assert [attrs.astuple(line) for line in ledger.lines("agent")] == [("ben", 1, 30, 0, 0), ("ada", 2, 7, 1, 20)]
    assert [line.name for line in ledger.lines("action")] == ["pay.large", "pay.small"]
    assert [(line.name, line.cost) for line in ledger.lines("day")] == [("1970-01-01", 7), ("1970-01-02", 30)]
    assert attrs.astuple(total(ledger.lines("agent", since=DAY))) == ("total", 2, 30, 1, 20)
    ledger.take(e.EffectSettled("c1", "r3", "e1", True, "greta", "person", "looked", True), DAY)  # type: ignore[arg-type]
    assert attrs.astuple(total(ledger.lines("agent"))) == ("total", 3, 57, 0, 0)


def test_a_negative_cost_takes_nothing_off_the_sum_and_a_late_one_above_the_cap_counts_in_full() -> None:
    ledger = Ledger()
    for event in (
        issued(),
        opened("r1"),
        reported("r1", 15),
        opened("r2"),
        reported("r2", -1_000),
        opened("r3"),
        e.RunUnknown("c1", "r3", "e1", "no report"),  # type: ignore[arg-type]
        e.RunReportedLate("c1", "r3", "succeeded", 90, b"", b""),  # type: ignore[arg-type]
    ):
        ledger.take(event, 1)
    assert attrs.astuple(total(ledger.lines("agent"))) == ("total", 3, 35, 1, 90)
    ledger.take(e.EffectSettled("c1", "r3", "e1", True, "greta", "person", "looked", True), 1)  # type: ignore[arg-type]
    assert attrs.astuple(total(ledger.lines("agent"))) == ("total", 3, 125, 0, 0)


def test_a_day_is_the_one_that_budgets_count_in() -> None:
    ledger = Ledger()
    activated = e.BundleActivated(b"b" * 32, None, zone="Europe/Vienna", limits=())  # type: ignore[arg-type]
    for event, at in ((activated, 0), (issued(), 0), (opened("r1"), DAY - 1), (reported("r1", 7), DAY)):
        ledger.take(event, at)
    assert [line.name for line in ledger.lines("day")] == ["1970-01-02"]  # past midnight in Vienna, not yet in Greenwich
