from __future__ import annotations

import attrs
import pytest

from actors.governance import events as e
from actors.governance import warrant
from actors.governance.ids import Cost, Instant, TenantId
from actors.governance.state import Limit, State
from vienna_runtime.replay.purse import Purse

LIMIT = Limit(scope="tenant", what="cost", per="day", most=100, warn=80)
NOW = Instant(1_700_000_000_000_000)
TERMS = warrant.Warrant(
    tenant="belvedere", warrant="w1", case="c1", agent="ada", executor="till", holder=b"k" * 32, action="orders.refund",  # type: ignore[arg-type]
    resource="order/1", params={"amount": 5}, constraints={}, intent=b"i" * 32, effect="e1", state_digest=None, tier="T0",  # type: ignore[arg-type]
    approvals=(), envelopes=(), bundle=b"b" * 32, verify={}, not_before=NOW, expires_at=NOW, uses=1, cost_cap=None,
)  # fmt: skip


def issued(cap: int | None = None) -> e.WarrantIssued:
    terms = attrs.evolve(TERMS, cost_cap=cap)  # type: ignore[arg-type]  # a cost
    return e.WarrantIssued(terms.case, terms.warrant, warrant.pack(terms), b"", b"")


def cap_of(event: e.Event) -> int | None:
    assert isinstance(event, e.WarrantIssued)
    return warrant.unverified_unpack(event.fields).cost_cap


@pytest.fixture
def purse() -> Purse:
    """Beside a state in which one case would be granted at a worst of 7."""
    purse = Purse(State(TenantId("belvedere"), limits=(LIMIT,)))
    purse.decided(e.CaseDecided("c1", True, ("refund",), b"b" * 32, "permitted", tier="T0", cost_cap=Cost(7)))  # type: ignore[arg-type]
    return purse


def test_a_warrant_that_was_recorded_without_a_cap_counts_at_what_the_candidate_would_have_set(purse: Purse) -> None:
    assert cap_of(purse.as_granted(issued())) == 7
    assert attrs.evolve(purse.as_granted(issued()), fields=b"") == attrs.evolve(issued(), fields=b"")  # type: ignore[misc]  # nothing else


def test_a_recorded_cap_stays_since_that_much_was_promised(purse: Purse) -> None:
    assert cap_of(purse.as_granted(issued(3))) == 3


def test_of_what_the_candidate_was_not_asked_about_nothing_is_changed(purse: Purse) -> None:
    other = attrs.evolve(issued(), case="c2")  # type: ignore[arg-type]
    assert purse.as_granted(other) is other


def test_what_is_refused_counts_for_nothing_until_its_case_is_over() -> None:
    state = State(TenantId("belvedere"), limits=(LIMIT,))
    purse, limits = Purse(state), state.limits
    purse.decided(e.CaseDecided("c1", False, (), b"b" * 32, "over its budget"))  # type: ignore[arg-type]
    with purse.counting(issued()):
        assert state.limits == ()
    assert state.limits == limits
    with purse.counting(e.WarrantExpired("c1", "w1", closes=True)):  # type: ignore[arg-type]
        assert state.limits == ()
    with purse.counting(issued()):
        assert state.limits == limits
