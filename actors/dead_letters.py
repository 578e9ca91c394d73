"""Dead letters: what did not end well, newest first, along the chain that each letter's entry continues.

They are entries of the tenant's log, opened and resolved in its own decisions; nothing is kept beside it that could differ.
"""

from __future__ import annotations

from actors.governance import events as e
from actors.recall import Recall
from ledger import Header


def newest(last: int | None, before: int | None) -> int | None:
    """Where a list begins: never beyond the newest one."""
    return last if last is None or before is None else min(last, before)


def page(recall: Recall, at: int | None, limit: int) -> dict[str, object]:
    """At most ``limit`` letters from the entry ``at`` backwards, and where the next page begins."""
    found: list[dict[str, object]] = []
    while at is not None and len(found) < limit:
        header, event = recall.told(at)
        if isinstance(event, e.Gone):
            found.append(removed(header))
            at = recall.before(at, e.DeadLetterOpened.TAG)
            continue
        if not isinstance(event, e.DeadLetterOpened):
            break
        found.append(line(recall, header, event))
        at = event.previous
    return {"letters": found, "next": at}


def removed(header: Header) -> dict[str, object]:
    """A letter whose body was forgotten: there is nothing left to resolve."""
    gone = "(removed)"
    return {"letter": gone, "kind": gone, "why": gone, "resolved": True, "case": header.case, "seq": header.sequence, "time": header.time}


def line(recall: Recall, header: Header, event: e.DeadLetterOpened) -> dict[str, object]:
    return {**summary(recall, event), "case": event.case, "seq": header.sequence, "time": header.time}


def summary(recall: Recall, event: e.DeadLetterOpened) -> dict[str, object]:
    return {"letter": event.letter, "kind": event.kind, "why": event.why, "resolved": recall.is_resolved(event.letter)}
