"""What people decide about keeping and forgetting, on the bench."""

from __future__ import annotations

import attrs
import pytest

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import forgetting
from actors.governance.decide import decide
from actors.governance.decision import Decided, Decision, Facts, Moment, MonthPlan, Span
from actors.governance.halt import Pause
from actors.governance.ids import HOUR, Fresh, Instant, MemberId, Person, TenantId
from actors.governance.months import end_of
from actors.governance.refusals import Code, Refusal
from actors.governance.state import Case, Hold, Member, State

DAY = 24 * HOUR
NOW = Instant(end_of("2026-06") + DAY)
JANUARY = MonthPlan("2026-01", Instant(end_of("2026-01") + DAY), 12)
MAY = MonthPlan("2026-05", Instant(end_of("2026-05") + DAY), 3)


class Table:
    """A tenant of three persons, sealed or founding."""

    def __init__(self, phase: str) -> None:
        self.state = State(TenantId("belvedere"), phase=phase, bundle=b"\x01" * 32)
        for name, kind in (("anna", "admin"), ("clara", "approver"), ("dora", "approver")):
            self.state.members[name] = Member(MemberId(name), kind, Person(name), frozenset(), None, "active", "", public_key=name.encode())
        self.drawn = 0

    def ask(self, command: c.Command, **facts: object) -> Decision:
        self.drawn += 1
        moment = Moment(NOW, Fresh(self.drawn.to_bytes(32, "big")))
        return decide(self.state, command, self.state.members["anna"], Facts(**facts), moment)  # type: ignore[arg-type]

    def done(self, command: c.Command, **facts: object) -> Decided:
        decision = self.ask(command, **facts)
        assert isinstance(decision, Decided), decision
        return decision

    def refused(self, command: c.Command, **facts: object) -> Code:
        decision = self.ask(command, **facts)
        assert isinstance(decision, Refusal), decision
        return decision.code


@pytest.fixture
def sealed() -> Table:
    return Table("sealed")


@pytest.fixture
def founding() -> Table:
    return Table("founding")


def kinds(decision: Decided) -> list[type]:
    return [type(event) for event in decision.events]


def test_without_a_witness_a_run_is_a_case_for_two_persons_whose_card_shows_the_date(sealed: Table) -> None:
    decision = sealed.done(c.RunRetention("k"), expired=(JANUARY, MAY))
    assert kinds(decision) == [e.IntentProposed, e.CaseDecided, e.ApprovalRequested]
    assert decision.answer["months"] == ["2026-01", "2026-05"]
    (verdict,) = (event for event in decision.events if isinstance(event, e.CaseDecided))
    assert (verdict.tier, verdict.persons) == ("T2", 2)


def test_a_witness_confirms_the_months_that_are_over_by_its_time_and_no_others(sealed: Table) -> None:
    decision = sealed.done(c.RunRetention("k"), expired=(JANUARY, MAY), witnessed=Instant(JANUARY.due))
    assert decision.events == (e.DateConfirmed(JANUARY.due, ("2026-01",), 12, "witness"),)


def test_a_witness_one_microsecond_too_early_confirms_nothing(sealed: Table) -> None:
    assert kinds(sealed.done(c.RunRetention("k"), expired=(JANUARY,), witnessed=Instant(JANUARY.due - 1)))[0] is e.IntentProposed


def test_while_founding_one_admins_word_confirms_no_date(founding: Table) -> None:
    assert founding.refused(c.RunRetention("k"), expired=(JANUARY,)) is Code.TOO_FEW_PERSONS
    assert founding.done(c.RunRetention("k"), expired=(JANUARY,), witnessed=NOW).events


def test_a_clock_in_doubt_lets_nothing_go(sealed: Table) -> None:
    assert sealed.refused(c.RunRetention("k"), expired=(JANUARY,), witnessed=NOW, clock_ok=False) is Code.CLOCK_IN_DOUBT


def test_what_is_not_due_by_the_nodes_own_clock_does_not_go_by_a_witness_either(sealed: Table) -> None:
    later = attrs.evolve(MAY, due=Instant(NOW + 1))
    assert sealed.done(c.RunRetention("k"), expired=(later,), witnessed=Instant(NOW + 10 * DAY)).events == ()


def test_a_month_that_is_going_already_is_not_asked_for_again(sealed: Table) -> None:
    sealed.state.expiring["2026-01"] = NOW
    assert sealed.done(c.RunRetention("k"), expired=(JANUARY,), witnessed=NOW).events == ()


def test_a_hold_is_placed_by_one_and_released_by_two(sealed: Table, founding: Table) -> None:
    (placed,) = sealed.done(c.PlaceHold("tenant", "a court")).events
    assert isinstance(placed, e.HoldPlaced)
    for table in (sealed, founding):
        table.state.holds[placed.hold] = as_held(placed)
    asked = sealed.done(c.ReleaseHold(placed.hold, "done", "k"))
    assert kinds(asked) == [e.IntentProposed, e.CaseDecided, e.ApprovalRequested]
    assert kinds(founding.done(c.ReleaseHold(placed.hold, "done", "k"))) == [e.HoldReleased]
    assert sealed.refused(c.ReleaseHold("h9", "done", "k")) is Code.UNKNOWN


def as_held(placed: e.HoldPlaced) -> Hold:
    return Hold(placed.hold, placed.scope, placed.reason, placed.by, NOW)


@pytest.mark.parametrize(
    "scope", ["tenants", "case:", "months:", "months:2026-13", "months:2026-03..2026-01", "month:2026-01", "tenant:x", ""]
)
def test_a_scope_that_is_none_is_refused(sealed: Table, scope: str) -> None:
    assert sealed.refused(c.PlaceHold(scope, "x")) is Code.MALFORMED


def test_a_case_that_is_not_there_is_not_held(sealed: Table) -> None:
    assert sealed.refused(c.PlaceHold("case:c1", "y")) is Code.UNKNOWN
    assert kinds(sealed.done(c.PlaceHold("case:c1", "y"), case_known=True)) == [e.HoldPlaced]


def test_holds_and_erasures_are_bounded(sealed: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "MOST_HOLDS", 1)
    sealed.state.holds["h1"] = Hold("h1", "tenant", "x", "anna", NOW)
    assert sealed.refused(c.PlaceHold("case:c1", "y")) is Code.TOO_LARGE
    monkeypatch.setattr(forgetting, "MOST_ERASING", 0)
    sealed.state.holds.clear()
    assert sealed.refused(c.Erase(("c1",), "x", "k"), spans={"c1": Span("c1", "2026-01", "2026-01")}) is Code.BUSY


def test_an_erasure_names_the_months_it_concerns_and_waits_for_two(sealed: Table, founding: Table) -> None:
    spans = {"c1": Span("c1", "2026-02", "2026-04"), "17": Span("", "2026-01", "2026-01"), "18": Span("c9", "2026-01", "2026-02")}
    (ordered,) = founding.done(c.Erase(("c1", "17", "18", "17"), "asked", "k"), spans=spans).events
    assert isinstance(ordered, e.ErasureOrdered)
    assert (ordered.what, ordered.cases, ordered.months) == (("c1", "17", "18"), ("c1", "c9"), ("2026-01", "2026-04"))
    assert kinds(sealed.done(c.Erase(("c1",), "asked", "k"), spans=spans))[-1] is e.ApprovalRequested


def test_an_open_case_or_a_held_one_is_not_erased(founding: Table) -> None:
    spans = {"c1": Span("c1", "2026-02", "2026-04"), "17": Span("c1", "2026-02", "2026-04")}
    founding.state.holds["h1"] = Hold("h1", "months:2026-04", "x", "anna", NOW)
    assert founding.refused(c.Erase(("c1",), "asked", "k"), spans=spans) is Code.ON_HOLD
    founding.state.holds = {"h1": Hold("h1", "case:c1", "x", "anna", NOW)}
    assert founding.refused(c.Erase(("17",), "asked", "k"), spans=spans) is Code.ON_HOLD  # an entry of that case
    founding.state.holds.clear()
    founding.state.cases["c1"] = Case("c1", "ada", b"", b"", "k", None, False, ())  # type: ignore[arg-type]
    assert founding.refused(c.Erase(("c1",), "asked", "k"), spans=spans) is Code.NOT_ALLOWED
    assert founding.refused(c.Erase(("17",), "asked", "k"), spans=spans) is Code.NOT_ALLOWED
    assert founding.refused(c.Erase(("c2",), "asked", "k"), spans=spans) is Code.UNKNOWN


def test_a_suspended_tenant_can_still_hold_what_it_has(sealed: Table) -> None:
    sealed.state.pauses["operator/tenant"] = Pause("tenant", "operator", "operator:otto", "", "halt", 0)
    assert kinds(sealed.done(c.PlaceHold("tenant", "a court"))) == [e.HoldPlaced]
    assert sealed.refused(c.RunRetention("k")) is Code.PAUSED
