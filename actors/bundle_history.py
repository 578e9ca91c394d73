"""Which bundles were pushed and which were put in force, newest first: by whom, from which commit.

Pushes are found by the index of bundles, activations along the chain of standing entries (members and bundles), so a page
costs what the tenant's own changes are many, and not what its agents do.
"""

from __future__ import annotations

from collections.abc import Iterator

from actors.governance import events as e
from actors.governance.commands import ListBundles
from actors.messages import Done
from actors.recall import Recall
from ledger import Header

MOST_PUSHES = 10_000  # looked at by number alone; more would be a program that pushes
MOST_STANDING = 20_000  # entries of the chain that one answer goes back along


def answer(recall: Recall, query: ListBundles, standing: int | None) -> Done:
    """Made of durable entries.  ``next``: where the following page begins, or None."""
    found: list[dict[str, object]] = []
    wanted = (query.prefix or "").lower()
    places = sorted({*recall.pushes(MOST_PUSHES), *_activations(recall, standing)}, reverse=True)
    for seq in places:
        if query.before is not None and seq >= query.before:
            continue
        line = _line(*recall.told(seq))
        if wanted and not str(line["hex"]).startswith(wanted):
            continue
        if len(found) == query.limit:
            return Done({"entries": found, "next": found[-1]["seq"]})
        found.append({name: value for name, value in line.items() if name != "hex"})
    return Done({"entries": found, "next": None})


def _activations(recall: Recall, at: int | None) -> Iterator[int]:
    for _ in range(MOST_STANDING):
        if at is None:
            return
        header = recall.header(at)
        if header.tag == e.BundleActivated.TAG:
            yield at
        at = header.follows[-1] if header.follows else None


def _line(header: Header, event: e.Told) -> dict[str, object]:
    line: dict[str, object] = {"what": "removed", "seq": header.sequence, "time": header.time, "by": header.actor, "hex": ""}
    match event:
        case e.BundlePushed():
            line |= {
                "what": "pushed", "bundle": event.bundle, "name": event.name, "by": event.by, "person": event.person,
                "commit": event.commit, "dirty": event.dirty, "hex": event.bundle.hex(),
            }  # fmt: skip
        case e.BundleActivated():
            line |= {
                "what": "activated", "bundle": event.bundle, "previous": event.previous, "by": event.by, "person": event.person,
                "author": event.author, "reason": event.reason, "hex": event.bundle.hex(),
            }  # fmt: skip
        case _:
            pass
    return line
