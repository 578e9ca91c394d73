"""What budgets hold, counted anew: equal to what was kept step by step, and told where it is not."""

from __future__ import annotations

from typing import Any

import pytest

from actors.governance import reservations
from actors.governance.reconciling import Observed
from actors.governance.state import Budget, Limit, State


def counted(state: State) -> tuple[Observed, ...]:
    counting = reservations.differences(state)
    while True:
        try:
            next(counting)
        except StopIteration as end:
            found: tuple[Observed, ...] = end.value
            return found


@pytest.fixture
def promised(bench: Any) -> Any:
    """A tenant with a limit, a warrant outstanding and a run of unknown outcome."""
    bench.state.limits = (Limit(scope="tenant", what="cost", per="day", most=10**9, warn=10**9),)
    bench.propose("files.write", params={"text": "x"})
    return bench


def test_what_was_kept_step_by_step_is_what_is_outstanding(promised: Any) -> None:
    assert promised.state.warrants
    assert promised.state.budgets
    assert counted(promised.state) == ()


@pytest.mark.parametrize("field", ["cost", "count", "unknown_cost", "unknown_count"])
def test_a_reservation_without_a_warrant_is_found(promised: Any, field: str) -> None:
    budget = promised.state.budgets["tenant"]
    setattr(budget, field, getattr(budget, field) + 1)
    (found,) = counted(promised.state)
    assert (found.kind, found.about) == ("reservation_differs", "tenant")
    assert found.expected != found.observed


def test_a_warrant_without_a_reservation_is_found(promised: Any) -> None:
    del promised.state.budgets["tenant"]
    assert [found.about for found in counted(promised.state)] == ["tenant"]


def test_without_limits_nothing_is_counted(promised: Any) -> None:
    promised.state.limits = ()
    promised.state.budgets = {"tenant": Budget(count=5)}
    assert counted(promised.state) == ()


def test_counting_pauses_between_stretches(promised: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(reservations, "STRETCH", 1)
    assert next(reservations.differences(promised.state)) is None
