"""Which dead letter a run of unknown outcome has: what settles the run resolves that one, and no other of its case."""

from __future__ import annotations

from . import events as e
from .state import Case, State


def opened(state: State, event: e.DeadLetterOpened, case: Case | None) -> None:
    """Folds it in.  That of an unknown outcome follows on its run's becoming so, before any other run of the case does."""
    state.last_letter = state.size - 1  # this entry
    state.tally.dead_letters += 1
    state.tally.denied += event.kind == "denied"  # it follows on every denial, but for that of a canary
    if case is not None:
        case.letter = event.letter
    if event.kind == "unknown":
        for run in state.runs.values():
            if run.case == event.case and run.status == "unknown" and run.letter is None:
                run.letter = event.letter


def resolved(state: State, event: e.DeadLetterResolved) -> None:
    state.tally.resolved += 1
    for run in state.runs.values():
        if run.letter == event.letter:
            run.letter = ""
