"""Where a case comes from and what came of it: the line of its parents, and its children a page at a time.

Shown like `case.show` shows cases, each by itself: a machine sees of a tree what it had a part in.  What is above a case that it
may not see ends the line, and a child that it may not see is not there.
"""

from __future__ import annotations

from collections.abc import Iterator

from actors import agent
from actors.governance import events as e
from actors.governance import intent, views
from actors.governance.canonical import NotCanonical
from actors.governance.commands import ShowLineage
from actors.governance.decision import Asker
from actors.governance.refusals import unknown
from actors.governance.state import Member
from actors.messages import Done, Outcome
from actors.recall import Recall
from actors.sight import WHOLE_LOG

MOST_ABOVE = 64  # parents in one answer; the last one's own line goes on from there


def answer(recall: Recall, query: ShowLineage, by: Asker) -> Outcome:
    """Made of durable entries alone.  What is not there and what is not for whoever asks look the same."""
    mine = None if not isinstance(by, Member) else _line(recall, query.case, by)
    if mine is None or not isinstance(by, Member):
        return unknown("case", query.case)
    names = recall.children(query.case, after=query.after or "", limit=query.limit + 1)
    page = names[: query.limit]
    children = [found for name in page if (found := _line(recall, name, by)) is not None]
    return Done(
        {
            **mine,
            "above": list(_above(recall, mine["parent"], by)),
            "children": children,
            "next": page[-1] if len(names) > len(page) else None,
        }
    )


def _above(recall: Recall, parent: object, by: Member) -> Iterator[dict[str, object]]:
    """Nearest first."""
    seen: set[str] = set()
    while isinstance(parent, str) and parent not in seen and len(seen) < MOST_ABOVE:
        seen.add(parent)
        found = _line(recall, parent, by)
        if found is None:
            return
        yield found
        parent = found["parent"]


def _line(recall: Recall, case: str, by: Member) -> dict[str, object] | None:
    """One case as it stands in a tree; None where it is not there for whoever asks."""
    entries = recall.case(case)
    events = [event for _, event in entries]
    if not entries or not agent.sees(by.member, by.kind, events):
        return None
    outcome = "removed" if any(isinstance(event, e.Gone) for event in events) else views.story(events)
    found: dict[str, object] = {
        "case": case,
        "seq": entries[0][0].sequence,
        "time": entries[0][0].time,
        "agent": entries[0][0].actor,
        "action": "",
        "resource": "",
        "purpose": "",
        "parent": None,
        "tier": next((event.tier for event in reversed(events) if isinstance(event, e.CaseDecided)), ""),
        "outcome": outcome,
        "may_have_children": by.kind not in WHOLE_LOG or bool(recall.children(case, limit=1)),  # machines ask: others' are not told
    }
    first = events[0]
    if isinstance(first, e.IntentProposed):
        found |= {"agent": first.agent, "parent": first.parent}
        try:
            wish = intent.unpack(first.intent)
        except NotCanonical:
            return found
        found |= {"action": wish.action, "resource": wish.resource, "purpose": views.short(wish.purpose)}
    return found
