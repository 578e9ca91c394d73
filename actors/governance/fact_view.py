"""What a policy would see right now: the facts of the bundle in force, for an agent and a wish as far as they are named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from . import counters, facts
from . import intent as intents
from .bundle import Bundle
from .canonical import NotCanonical, Value
from .counters import Reading
from .declared import Before, BreakerState, Founding, Lineage, Local, Origin
from .facts import Past
from .ids import CaseId, Cost, Instant
from .question import Unavailable
from .state import State


@attrs.frozen(kw_only=True)
class Asked:
    """What is known of the wish that somebody has in mind; None and absent: not said."""

    agent: str | None = None
    action: str | None = None
    resource: str | None = None
    params: Mapping[str, Value] = attrs.field(factory=dict)
    parent: str | None = None


def rows(state: State, bundle: Bundle, asked: Asked, now: Instant, past: Past) -> list[Value]:
    """One map a fact: its name, what it is, which actions' policies read it, and its value, or why there is none."""
    wish = intents.Intent(
        action=asked.action or "",
        resource=asked.resource or "",
        params=asked.params,
        purpose="",
        cost=Cost(0),
        state_digest=None,
        parent=None if asked.parent is None else CaseId(asked.parent),
        deadline=None,
    )
    about = facts.About(agent=asked.agent or "", wish=wish, founding=state.phase == "founding")
    return list(_rows(state, bundle, asked, about, now, past))


def _rows(state: State, bundle: Bundle, asked: Asked, about: facts.About, now: Instant, past: Past) -> Iterator[Value]:
    for name, item in bundle.declared.items():
        readers = sorted(action for action, part in bundle.slices.items() if any(fact.name == name for fact in part.facts))
        if asked.action is not None and asked.action not in readers:
            continue
        missing = [need for need in _needs(item.origin) if not _is_said(asked, need)]
        row: dict[str, Value] = {
            "fact": name,
            "is": says(item.origin),
            "read_by": readers,
            "value": None,
            "unavailable": "",
            "needs": missing,
        }
        if not missing:
            value = _value(state, item.origin, about, now, past)
            if isinstance(value, Unavailable):
                row["unavailable"] = value.why
            else:
                row["value"] = value
        yield row


def _value(state: State, origin: Origin, about: facts.About, now: Instant, past: Past) -> bool | int | str | Unavailable:
    try:
        return facts.taken(state, origin, about, now, past)
    except NotCanonical as error:
        return Unavailable(f"the parameters have no canonical form: {error}")


def _needs(origin: Origin) -> tuple[str, ...]:
    """What has to be said of the wish before the fact can be told."""
    match origin:
        case Reading():
            return origin.counter.by
        case BreakerState(scope=scope):
            return () if scope == "tenant" else (scope,)
        case Lineage():
            return ("parent", *origin.same)
        case Before():
            return ("action", "resource")
        case Founding() | Local():
            return ()


def _is_said(asked: Asked, need: str) -> bool:
    if need.startswith("params."):
        return need.removeprefix("params.") in asked.params
    return getattr(asked, need) is not None


def says(origin: Origin) -> str:
    """What the fact is, in words."""
    match origin:
        case Reading():
            return counters.says(origin)
        case BreakerState(scope=scope):
            return "the breaker of the tenant" if scope == "tenant" else f"the breaker of the {scope}"
        case Lineage():
            same = f", about the same {', '.join(origin.same)}" if origin.same else ""
            return f"a case above did {' or '.join(sorted(origin.actions))} and ended {' or '.join(sorted(origin.ended))}{same}"
        case Before():
            return "exactly this was redeemed before"
        case Founding():
            return "the tenant is founding"
        case Local(part=part, zone=zone):
            return f"{part.replace('_', ' ')} in {zone}"
