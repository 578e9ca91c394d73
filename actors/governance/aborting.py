"""Which runs a stop ends: marked by the fold, so that whoever executes them is told also when it listens only later."""

from __future__ import annotations

from collections.abc import Iterator

from .state import Run, State, scopes

NODE = "node"  # the scope of everything


def stopped(state: State, scope: str, why: str) -> None:
    """A breaker tripped, or somebody paused: what runs in that scope is to be aborted, for good."""
    for run in state.runs.values():
        if run.status == "open" and not run.aborted and scope in _scopes(run):
            run.aborted = why


def aborted(state: State) -> Iterator[Run]:
    """Open runs in a scope that was stopped since they began, whether or not it goes on by now."""
    return (run for run in state.runs.values() if run.status == "open" and run.aborted)


def _scopes(run: Run) -> set[str]:
    """Every scope that this run stands in: its agent's, and of whoever's hands its warrant went through."""
    hands = (scope for name in (run.redeemer, *run.holders) for scope in scopes(name, run.action)[:2])
    return {NODE, *scopes(run.agent, run.action), *hands}
