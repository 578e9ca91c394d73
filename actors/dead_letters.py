"""Dead letters: what did not end well, newest first, along the chain that each letter's entry continues.

They are entries of the tenant's log, opened and resolved in its own decisions; nothing is kept beside it that could differ.
"""

from __future__ import annotations

from collections.abc import Mapping

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import intent as intents
from actors.recall import Recall
from ledger import BodyRemoved, Header

MOST_LOOKED = 400  # letters in one answer: each costs up to three reads, some milliseconds together


def newest(last: int | None, before: int | None) -> int | None:
    """Where a list begins: never beyond the newest one."""
    return last if last is None or before is None else min(last, before)


def page(recall: Recall, at: int | None, query: c.ListLetters) -> dict[str, object]:
    """At most ``query.limit`` letters from the entry ``at`` backwards, and where the next page begins.

    No more than ``MOST_LOOKED`` are looked at: who filters for what is rare asks again, and holds nobody up meanwhile.
    """
    found: list[dict[str, object]] = []
    looked = 0
    while at is not None and len(found) < query.limit and looked < MOST_LOOKED:
        looked += 1
        header, event = recall.told(at)
        if isinstance(event, e.Gone):
            if _fits(removed(header), query):
                found.append(removed(header))
            at = recall.before(at, e.DeadLetterOpened.TAG)
            continue
        if not isinstance(event, e.DeadLetterOpened):
            break
        if _may_fit(header, event, query) and _fits(told := line(recall, header, event), query):
            found.append(told)
        at = event.previous
    return {"letters": found, "next": at}


def _may_fit(header: Header, event: e.DeadLetterOpened, query: c.ListLetters) -> bool:
    """What the letter's own entry tells, before anything else is read."""
    return (
        query.letter_kind in (None, event.kind) and query.case in (None, event.case) and (query.older is None or header.time < query.older)
    )


def _fits(told: Mapping[str, object], query: c.ListLetters) -> bool:
    if query.letters is not None and (query.letters == "resolved") != told["resolved"]:
        return False
    if query.older is not None and int(str(told["time"])) >= query.older:
        return False
    return all(
        wanted is None or told.get(name) == wanted
        for name, wanted in (("agent", query.whose), ("action", query.action), ("kind", query.letter_kind), ("case", query.case))
    )


def removed(header: Header) -> dict[str, object]:
    """A letter whose body was forgotten: there is nothing left to resolve."""
    gone = "(removed)"
    return {"letter": gone, "kind": gone, "why": gone, "resolved": True, "case": header.case, "seq": header.sequence, "time": header.time}


def line(recall: Recall, header: Header, event: e.DeadLetterOpened) -> dict[str, object]:
    """With whose wish it was and what, as far as that is remembered."""
    return {**summary(recall, event), **_wish(recall, event.case), "case": event.case, "seq": header.sequence, "time": header.time}


def _wish(recall: Recall, case: str) -> dict[str, object]:
    try:
        proposed = recall.intent(case) if case else None
    except BodyRemoved:
        proposed = None
    if proposed is None:
        return {"agent": "", "action": "", "resource": ""}
    wish = intents.unpack(proposed.intent)
    return {"agent": proposed.agent, "action": wish.action, "resource": wish.resource}


def summary(recall: Recall, event: e.DeadLetterOpened) -> dict[str, object]:
    return {"letter": event.letter, "kind": event.kind, "why": event.why, "resolved": recall.is_resolved(event.letter)}
