"""What breakers and budgets refused when a case was decided again: they are in no file, and all that they ever do is refuse."""

from __future__ import annotations

from collections.abc import Mapping

from actors.governance import due, proposing
from actors.governance import events as e
from actors.governance.canary import Recognise
from actors.governance.decision import Moment
from actors.governance.state import State


def instead(
    owed: list[e.Event], event: e.Event, state: State, events: Mapping[int, e.Event], moment: Moment, canary_of: Recognise
) -> list[e.Event]:
    """What follows on a verdict: as the law says it here, or the case's end where that is what was recorded instead of going on.

    Where a breaker that is open refuses a case that is proposed, or the vote that completes a quorum, nothing is recorded at all; the
    intent that opens one is, and ends in its own batch.
    """
    case = state.cases.get(event.case) if isinstance(event, e.CaseExpired) else None
    if case is None or not isinstance(event, e.CaseExpired) or not isinstance(owed[0], (e.ApprovalRequested, e.WarrantIssued)):
        return owed
    again = isinstance(events.get(case.last), e.CaseDecided) and case.step > 2
    if again or (case.step == 2 and isinstance(owed[0], e.WarrantIssued) and event.why.startswith(proposing.TRIPS)):
        return list(due.expired(state, case, event.why, moment, canary_of))
    return owed
