"""The supervision tree as it is at this moment: who lives, how often each fell, over what, and what waits for it.

Of a crash its type and no more: a crash's text may hold what somebody sent.  A tenant's own people see their tenant's part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from actors.directory import Directory, Place
from actors.held import Held
from actors.kernel import ChildStatistics, Mailbox, Supervision
from actors.scribe import Scribe
from actors.supervisor import Supervisor, SupervisorMessage


class Living(Protocol):
    """What is looked at of a running node."""

    root: Supervision | None
    tenants: Supervision | None
    lives: dict[str, Supervision]  # of each tenant's actor
    apart: dict[str, Supervision]  # of those that are started again for ever
    directory: Directory
    scribe: Scribe
    held: Held
    supervisor: Supervisor
    supervisor_mailbox: Mailbox[SupervisorMessage]
    connections: int


def tree(node: Living) -> Mapping[str, object]:
    """All of it, for the node's operators."""
    children = () if node.root is None else node.root.statistics()
    return {"name": "node", "strategy": "rest_for_one", "children": [_child(node, child) for child in children]}


def subtree(node: Living, tenant: str) -> Mapping[str, object]:
    """One tenant's part."""
    outer = () if node.tenants is None else node.tenants.statistics()
    found = next((child for child in outer if child.name == tenant), None)
    return {"name": tenant, "state": "ended"} if found is None else _tenant(node, found)


def _child(node: Living, child: ChildStatistics) -> Mapping[str, object]:
    inner = node.apart[child.name].statistics() if child.name in node.apart and child.state == "running" else ()
    line: dict[str, object] = _line(inner[0] if inner else child)
    match child.name:
        case "scribe":
            seen = node.scribe.statistics()
            line |= {"waiting": seen.queued, "read_only": seen.read_only or ""}
        case "answers":
            line |= {"waiting": len(node.held)}
        case "supervisor":
            line |= _queue(node.supervisor_mailbox) | {"quarantined": len(node.supervisor.suspects)}
        case "tenants" if node.tenants is not None:
            line |= {"strategy": "one_for_one", "children": [_tenant(node, tenant) for tenant in node.tenants.statistics()]}
        case "gateway":
            line |= {"connections": node.connections}
        case _:
            pass
    return line


def _tenant(node: Living, outer: ChildStatistics) -> Mapping[str, object]:
    """The supervision of one tenant's actor, as the one line it is: its falls are the actor's."""
    place, life = node.directory.get(outer.name), node.lives.get(outer.name)
    inner = () if life is None else life.statistics()
    line = _line(inner[0] if inner and outer.state == "running" else outer)
    if place is None:
        return line
    if place.frozen:
        line |= {"state": "frozen", "why": place.frozen}
    elif place.tenant is not None and place.tenant.frozen:
        line |= {"state": "frozen", "why": place.tenant.frozen}
    return line | _queue(place.mailbox) | _set_aside(place)


def _line(child: ChildStatistics) -> dict[str, object]:
    return {"name": child.name, "state": child.state, "restarts": child.restarts, "crash": child.crash}


def _queue(mailbox: Mailbox[Any]) -> dict[str, object]:
    seen = mailbox.statistics()
    return {
        "waiting": seen.ordinary,
        "room": seen.capacity,
        "urgent": seen.urgent,
        "urgent_room": seen.urgent_capacity,
        "handled": seen.received,
        "refused": seen.refused,
        "lost": seen.lost,
    }


def _set_aside(place: Place) -> dict[str, object]:
    return {"quarantined": len(place.quarantine.suspects)}
