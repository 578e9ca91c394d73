"""How well people look: for each person how much they decided, how fast after opening the card, and what came of it.

Of fixed size for each person, whatever happens.  A decision without ``approval.opened`` before it, as programs make them, has no time.
"""

from __future__ import annotations

from typing import Final

from . import events as e
from .canonical import Value
from .ids import DAY, HOUR, MINUTE, SECOND, Instant, Micros
from .state import Case, Reader, Run, State

# Up to how long a decision took, for each place of ``took``; the last place is for what took longer.
STEPS: Final = (Micros(5 * SECOND), Micros(15 * SECOND), Micros(MINUTE), Micros(5 * MINUTE), Micros(HOUR), Micros(DAY))
STEP_NAMES: Final = ("under 5s", "under 15s", "under 1m", "under 5m", "under 1h", "under 1d", "longer")


def decided(state: State, event: e.ApprovalGiven | e.ApprovalDenied, case: Case, at: Instant) -> None:
    reader = _of(state, event.person)
    if isinstance(event, e.ApprovalGiven):
        reader.approved += 1
    else:
        reader.denied += 1
    opened = case.opened.get(event.person)
    if opened is None:
        reader.unopened += 1
        return
    place = sum(at - opened >= step for step in STEPS)
    took = reader.took or (0,) * len(STEP_NAMES)
    reader.took = (*took[:place], took[place] + 1, *took[place + 1 :])


def used(state: State, event: e.EnvelopeUsed) -> None:
    _of(state, event.person).in_advance += 1


def tried(state: State, event: e.CanaryMissed | e.CanaryCaught | e.CanaryEnded) -> None:
    """Charged to everybody but whose canary it was: who knows tries nobody out."""
    by = state.members.get(event.by)
    author = None if by is None else by.person
    for person in event.persons:
        if person != author:
            _of(state, person).missed += 1
    if isinstance(event, e.CanaryCaught) and event.person != author:
        _of(state, event.person).caught += 1


def came_of_it(state: State, run: Run, verdict: str) -> None:
    """The end of a run, charged to everybody who approved its warrant."""
    failed, mismatched = run.outcome == "failed", verdict == "mismatched"
    if failed or mismatched:
        for person in run.terms.approvals:
            reader = _of(state, person)
            reader.failed += failed
            reader.mismatched += mismatched


def lines(state: State) -> list[Value]:
    """One line a person, in the order of names."""
    return [
        {
            "person": person,
            **{
                name: getattr(reader, name)
                for name in ("approved", "denied", "in_advance", "failed", "mismatched", "unopened", "caught", "missed")
            },
            "took": dict(zip(STEP_NAMES, reader.took or (0,) * len(STEP_NAMES), strict=True)),
        }
        for person, reader in sorted(state.readers.items())
    ]


def _of(state: State, person: str) -> Reader:
    return state.readers.setdefault(person, Reader())
