"""What budgets hold, counted anew from what is outstanding: the two have to be equal.

Budgets are kept step by step, by each grant and each end.  This adds up from the warrants and runs themselves, in stretches, so that
whoever counts a large tenant does something else in between.
"""

from __future__ import annotations

from collections.abc import Generator

from . import budgets
from .reconciling import Observed
from .state import State

STRETCH = 2_000  # warrants and runs between two pauses: some milliseconds


def differences(state: State) -> Generator[None, None, tuple[Observed, ...]]:
    """The scopes whose reservation is not what is outstanding in them.  Yields between stretches; the state must not change meanwhile."""
    counted: dict[str, list[int]] = {}
    scopes: dict[tuple[str, str], list[str]] = {}

    def add(agent: str, action: str, at: int, cost: int, uses: int) -> None:
        if (agent, action) not in scopes:
            scopes[agent, action] = sorted({scope for _, scope in budgets.applicable(state.limits, agent, action)})
        for scope in scopes[agent, action]:
            sums = counted.setdefault(scope, [0, 0, 0, 0])
            sums[at] += cost
            sums[at + 1] += uses

    if not state.limits:
        return ()
    done = 0
    for live in state.warrants.values():
        add(live.agent, live.action, 0, budgets.worst(live.terms) * live.uses_left, live.uses_left)
        if (done := done + 1) % STRETCH == 0:
            yield
    for run in state.runs.values():
        if run.status == "unknown":
            add(run.agent, run.action, 2, budgets.held(run), 1)
        if (done := done + 1) % STRETCH == 0:
            yield
    found = []
    for scope in sorted(state.budgets.keys() | counted.keys()):
        budget, sums = state.budgets.get(scope), counted.get(scope, [0, 0, 0, 0])
        held = [0, 0, 0, 0] if budget is None else [budget.cost, budget.count, budget.unknown_cost, budget.unknown_count]
        if held != sums:
            found.append(Observed("reservation_differs", scope, _said(sums), _said(held)))
    return tuple(found)


def _said(sums: list[int]) -> str:
    return f"outstanding {sums[1]} uses at {sums[0]} micro-units, unknown {sums[3]} at {sums[2]}"
