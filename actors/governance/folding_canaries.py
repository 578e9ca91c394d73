"""Folds the end of a canary: what was counted as its agent's is taken back, and people are told apart by what they did."""

from __future__ import annotations

from typing import TypeAlias

from . import counters, readers
from . import events as e
from .ids import Instant
from .state import Case, State

Canaries: TypeAlias = e.CanaryMissed | e.CanaryCaught | e.CanaryEnded


def folded(state: State, event: Canaries, case: Case | None, at: Instant) -> None:
    readers.tried(state, event)
    if case is None:
        return
    case.status = "over"
    state.tally.proposed -= 1
    counters.take_back(state, case, at)
