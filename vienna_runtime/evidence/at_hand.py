"""Which envelopes a decision had at hand, as far as it says so itself: their other uses stand in other cases."""

from __future__ import annotations

from collections.abc import Mapping

from actors.governance import events as e
from actors.governance.ids import Cost
from actors.governance.state import State


def leave_what_was_used(state: State, events: Mapping[int, e.Event], case: str, at: int) -> None:
    """Leaves of the envelopes those that the decision at entry ``at`` says it used, as far used up as it says.

    An envelope that could have counted and was not used is no fault that could be seen from one case.
    """
    once: set[type] = {e.CaseDecided, e.ApprovalRequested} - {type(events[at])}  # what the same decision may have recorded before a use
    used: dict[str, e.EnvelopeUsed] = {}
    for seq in sorted(seq for seq, later in events.items() if seq > at and getattr(later, "case", "") == case):
        later = events[seq]
        if isinstance(later, e.EnvelopeUsed):
            used[later.envelope] = later
        elif type(later) in once and not used:
            once.discard(type(later))
        elif not isinstance(later, e.BreakerProbed):
            break
    for name, known in state.envelopes.items():
        found = used.get(name)
        if found is None:
            known.used = known.count
        else:
            known.used, known.spent = max(0, found.number - 1), max(Cost(0), found.spent)
