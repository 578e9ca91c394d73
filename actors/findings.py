"""What reconciliation found, as readers are told it: what is open from the state, what is over from the log."""

from __future__ import annotations

from collections.abc import Callable

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import index, reconciling
from actors.governance.refusals import unknown
from actors.governance.state import State
from actors.messages import Done, Outcome
from actors.recall import Recall


def listed(state: State, recall: Recall, query: c.ListFindings) -> Callable[[], Outcome]:
    """The open ones as they are now; with ``everything`` a page of the chain, newest first."""
    if not query.everything:
        told = {
            "findings": reconciling.listed(state)[: query.limit],
            "open": len(state.findings.open),
            "more": state.findings.lost,
            "next": None,
        }
        return lambda: Done(told)
    last = state.findings.last
    at = last if last is None or query.before is None else min(last, query.before)
    return lambda: Done(_page(recall, at, query.limit))


def _page(recall: Recall, at: int | None, limit: int) -> dict[str, object]:
    found: list[dict[str, object]] = []
    while at is not None and len(found) < limit:
        header, event = recall.told(at)
        if not isinstance(event, e.FindingOpened):
            break
        found.append({**_line(event), "since": header.time, "seq": header.sequence, "resolved": recall.is_resolved(event.finding)})
        at = event.previous
    return {"findings": found, "next": at}


def shown(recall: Recall, finding: str) -> Outcome:
    event = recall.finding(finding)
    if event is None:
        return unknown("finding", finding)
    over = recall.event(index.resolved_key(finding))
    end = {"by": over.by, "reason": over.reason} if isinstance(over, e.FindingResolved) else None
    return Done(
        {**_line(event), "expected": event.expected, "observed": event.observed, "source": event.source, "by": event.by, "end": end}
    )


def _line(event: e.FindingOpened) -> dict[str, object]:
    kind = reconciling.KINDS.get(event.kind)
    return {
        "finding": event.finding, "kind": event.kind, "severity": event.severity, "about": event.about, "resolution": event.resolution,
        "what": "" if kind is None else kind.what,
    }  # fmt: skip
