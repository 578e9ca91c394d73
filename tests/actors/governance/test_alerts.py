from __future__ import annotations

from typing import Any

import pytest

from actors.governance import alerts, codec, views
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import node_law as law
from actors.governance.alert_kinds import KINDS, NODE, SEVERITIES, TENANT
from actors.governance.codec import decode_state, encode_state
from actors.governance.ids import HOUR, MINUTE, Instant


def raised(bench: Any, kind: str) -> list[e.AlertRaised]:
    return [event for _, _, event, _ in bench.log if isinstance(event, e.AlertRaised) and event.kind == kind]


def paused(bench: Any, agent: str = "ada", minutes: int = 0) -> None:
    bench.now = Instant(bench.now + minutes * MINUTE)
    bench.done(c.Pause(f"agent:{agent}", "it deletes"), "greta")
    bench.done(c.Resume(f"agent:{agent}", "on", "k"), "greta")


def test_an_alert_stands_in_the_batch_of_its_cause(bench: Any) -> None:
    paused(bench)
    assert bench.tags()[-4:] == ["scope.paused", "alert.raised", "scope.resumed", "alert.raised"]
    first, last = raised(bench, "scope.paused")[0], raised(bench, "scope.resumed")[0]
    assert (first.severity, first.about, first.count, first.previous) == ("warning", "agent:ada", 1, None)
    assert first.text == "agent ada is paused by greta: it deletes"
    assert last.previous == len(bench.log) - 3


def test_the_same_again_within_its_window_is_counted_and_said_with_the_next(bench: Any) -> None:
    for minutes in (0, 20, 20):
        paused(bench, minutes=minutes)
    (known,) = (known for known in bench.state.alerts.known.values() if known.kind == "scope.paused")
    assert len(raised(bench, "scope.paused")) == 1
    assert (known.since, known.last) == (2, bench.now)
    paused(bench, minutes=20)  # an hour after the first
    assert [one.count for one in raised(bench, "scope.paused")] == [1, 3]
    paused(bench, "ben")
    assert len(raised(bench, "scope.paused")) == 3  # another agent is another thing
    assert bench.refold() == bench.state
    assert decode_state(encode_state(bench.state)).alerts == bench.state.alerts


def test_a_mismatch_and_an_unknown_outcome_name_their_case(bench: Any) -> None:
    run = bench.running("files.write")
    case = bench.state.runs[run].case
    bench.done(bench.report(run), "till")
    bench.done(bench.attest(run, agrees=False), "emil")
    (alert,) = raised(bench, "run.mismatched")
    assert (alert.severity, alert.about, alert.concerns) == ("critical", "agent:ada", case)
    assert alert.text.startswith("files.write by ada is not what its warrant allowed")


def test_an_overdue_report_is_an_alert_in_the_same_batch(bench: Any) -> None:
    case = bench.state.runs[bench.running()].case
    bench.pass_time(HOUR)
    (alert,) = raised(bench, "run.unknown")
    assert alert.concerns == case


def test_whoever_hears_of_it_first_has_it(bench: Any) -> None:
    bench.done(c.Pause("agent:ada", "x"), "greta")
    number = len(bench.log) - 1
    assert views.status(bench.state)["alerts"] == 1
    bench.done(c.AcknowledgeAlert(number, "mine"), "clara")
    again = bench.done(c.AcknowledgeAlert(number, "no, mine"), "dora").answer
    assert (again["by"], again["note"], again["repeated"]) == ("clara", "mine", True)
    assert views.status(bench.state)["alerts"] == 0
    assert bench.refused(c.AcknowledgeAlert(number + 1, "x"), "clara") == "unknown"


def test_what_is_remembered_is_bounded_and_what_nobody_has_heard_of_stays_longest(bench: Any) -> None:
    book = bench.state.alerts
    for number in range(2 * alerts.MOST):
        found = alerts.Cause("run.unknown", f"agent:{number}", "x" * 10_000)
        assert alerts.is_news(book, found, bench.now)
        alerts.folded(book, alerts.raised(book, found), Instant(bench.now + number), number)
        if number == 3:
            alerts.folded(book, e.AlertAcknowledged(3, "clara", "clara", ""), bench.now, number)  # type: ignore[arg-type]
    assert len(book.known) == alerts.MOST
    assert all(len(known.text) <= alerts.LONGEST for known in book.known.values())
    assert min(known.number for known in book.known.values()) == alerts.MOST
    grave = alerts.Cause("run.mismatched", "agent:ada", "x")
    alerts.folded(book, alerts.raised(book, grave), bench.now, 0)
    for number in range(alerts.MOST):
        found = alerts.Cause("run.unknown", f"agent:{number}", "x")
        alerts.folded(book, alerts.raised(book, found), Instant(bench.now + HOUR + number), number)
    assert grave.same in book.known  # many small things do not hide a grave one


def test_every_kind_has_its_meaning_and_every_cause_its_kind() -> None:
    assert all(kind.severity in SEVERITIES and kind.log in (TENANT, NODE) and kind.means and kind.do for kind in KINDS.values())
    assert all(tag in codec.EVENTS for tag in (kind.TAG for kind in alerts.CAUSES))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (law.NodeTripped(1, "otto", "fire"), "node.tripped"),
        (law.NodePaused(1, "operator:otto", "fire", Instant(5)), "node.paused"),
        (law.NodeResumed("operator:otto", "out"), "node.resumed"),
        (law.TenantFrozen("belvedere", "it fell"), "tenant.frozen"),
        (law.ClockDoubted("5 s"), "clock.in_doubt"),
        (law.WitnessRefused("w", "belvedere", "forked", 3, b"", 5), "witness.refused"),
    ],
)
def test_the_nodes_own_alerts_are_raised_once_an_hour(event: law.NodeEvent, kind: str) -> None:
    state, seen = law.NodeState(), []
    for minute in (0, 10, 70):
        at = Instant(minute * MINUTE)
        cause = law.cause(event)
        assert cause is not None
        batch = [event, *([alerts.raised(state.alerts, cause)] if alerts.is_news(state.alerts, cause, at) else [])]
        for one in batch:
            law.evolve_node(state, one, at, len(seen))
            seen.append(one)
    found = [(one.kind, one.count) for one in seen if isinstance(one, e.AlertRaised)]
    assert found == [(kind, 1), (kind, 2)]


def test_a_budget_that_refuses_is_said_once_an_hour_for_each_scope(bench: Any) -> None:
    for scope in ("agent:ada", "agent:ada", "tenant"):
        bench.record(e.CommandRefused("Propose", "ada", "budget_exceeded", "the budget of agent ada is 100 a day", scope))
    bench.record(e.CommandRefused("Propose", "ada", "no_policy", "x", "tenant"))
    assert [(one.about, one.severity) for one in raised(bench, "budget.exhausted")] == [("agent:ada", "critical"), ("tenant", "critical")]
    bench.record(e.BudgetWarned("agent:ada", "cost", "day", bench.now, 81_000_000, 100_000_000, "c1"))
    (soft,) = raised(bench, "budget.warned")
    assert (soft.text, soft.concerns) == ("81 of 100 a day of agent ada are spent or promised", "c1")
