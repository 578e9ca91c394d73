"""What breakers and budgets refused when a case was decided again: that something was there which could.

Of a breaker that is the trip in force which the end names.  What was spent of a budget stands all over the log, so an end is taken
for a budget's where the bundle has one on what would have been granted.
"""

from __future__ import annotations

from collections.abc import Mapping

from actors.evidence import trip_of
from actors.governance import budgets, due, proposing
from actors.governance import events as e
from actors.governance.canary import Recognise
from actors.governance.decision import Moment
from actors.governance.state import Case, State
from ledger import Header


def instead(
    owed: list[e.Event], event: e.Event, header: Header, state: State, events: Mapping[int, e.Event], moment: Moment, canary_of: Recognise
) -> list[e.Event]:
    """What follows on a verdict: as the law says it here, or the case's end where that is what was recorded instead of going on.

    Where a breaker that is open refuses a case that is proposed, or the vote that completes a quorum, nothing is recorded at all; the
    intent that opens one is, and ends in its own batch.
    """
    case = state.cases.get(event.case) if isinstance(event, e.CaseExpired) else None
    if case is None or not isinstance(event, e.CaseExpired) or not isinstance(owed[0], (e.ApprovalRequested, e.WarrantIssued)):
        return owed
    again = isinstance(events.get(case.last), e.CaseDecided) and case.step > 2
    refused = trip_of(header) != 0 or (isinstance(owed[0], e.WarrantIssued) and _is_limited(case, events))
    if (again and refused) or (case.step == 2 and isinstance(owed[0], e.WarrantIssued) and event.why.startswith(proposing.TRIPS)):
        return list(due.expired(state, case, event.why, moment, canary_of))
    return owed


def _is_limited(case: Case, events: Mapping[int, e.Event]) -> bool:
    """Whether the bundle that it was decided under has a budget which the warrant would have counted against."""
    agent, action = case.agent, case.wish.action
    its = ("tenant", budgets.EACH_AGENT, f"agent:{agent}", f"action:{action}", f"{budgets.EACH_AGENT_ACTION}{action}")
    activated = (event for event in events.values() if isinstance(event, e.BundleActivated) and event.bundle == case.bundle)
    return any(limit.get("scope") in its for event in activated for limit in event.limits)
