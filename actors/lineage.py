"""The cases above a case and how they ended: looked up in the ledger, where the state has forgotten them."""

from __future__ import annotations

from collections.abc import Iterator

from actors.governance import events as e
from actors.governance import intent, views
from actors.governance.facts import Ended
from actors.governance.ids import CaseId
from actors.governance.question import Unavailable
from actors.governance.state import State
from actors.recall import Recall
from ledger import BodyRemoved

DEEPEST = 16  # cases: each costs some reads of the ledger in the middle of a decision


def above(state: State, recall: Recall, case: CaseId) -> Iterator[Ended | Unavailable]:
    """This case and those above it, nearest first; ends with what cannot be told."""
    for _ in range(DEEPEST):
        try:
            proposed = recall.intent(case)
        except BodyRemoved:
            proposed = None
        if proposed is None:
            yield Unavailable(f"case {case}, which it comes from, cannot be read any more")
            return
        outcome = _outcome(state, recall, case)
        yield outcome if isinstance(outcome, Unavailable) else Ended(proposed.agent, intent.unpack_own(proposed.intent), outcome)
        if proposed.parent is None:
            return
        case = proposed.parent
    yield Unavailable(f"more than {DEEPEST} cases stand above it, and no further one is looked at")


def _outcome(state: State, recall: Recall, case: CaseId) -> str | Unavailable:
    """How it ended, durably; a run that did something else than its warrant says is the end, whatever came after it."""
    if case in state.cases:
        return ""
    events = [event for _, event in recall.case(case)]
    if any(isinstance(event, e.Gone) for event in events):
        return Unavailable(f"how case {case}, which it comes from, ended has been forgotten")
    if not any(getattr(event, "closes", False) for event in events):
        return ""
    lied = any(isinstance(event, e.RunVerified) and event.verdict == "mismatched" for event in events)
    return "mismatched" if lied else views.story(events)
