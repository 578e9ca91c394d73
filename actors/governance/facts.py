"""What policy is shown beside the wish itself, and how a decision records what it saw.

    live      taken from the state and from what the shell looked up, at the moment of the decision
    replayed  as recorded in ``case.decided`` and ``run.opened``, where the state to take them from is not at hand

Only what the policies of the action read is taken, shown and recorded.  A fact that cannot be known is ``Unavailable``, which
is recorded too: it denies wherever policy reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, assert_never

import attrs

from . import breaker, canonical, counters, zones
from . import intent as intents
from .bundle import Bundle
from .canonical import Value
from .counters import Reading
from .declared import Before, BreakerState, Founding, Lineage, Local, Origin
from .ids import CaseId, EffectId, Instant
from .question import Fact, Unavailable
from .state import Case, State

NOT_ASKED: Final = Unavailable("the ledger was not asked")
UNAVAILABLE: Final = "unavailable"  # the one key of the map that stands in the record for a fact that was not available


@attrs.frozen
class Ended:
    """A case of the lineage and how it ended; ``outcome`` is empty while it goes on."""

    agent: str
    wish: intents.Intent
    outcome: str


@attrs.frozen
class Past:
    """What the state has forgotten and the shell can look up; asked only where policy reads such a fact."""

    recorded: Callable[[bytes], Mapping[str, object] | None] | None = None  # by the bundle's digest; given: nothing is taken anew
    above: Callable[[CaseId], Iterator[Ended | Unavailable]] | None = None  # this case and those above it, nearest first
    redeemed: Callable[[EffectId], bool] | None = None  # whether a run of exactly this effect was ever opened


@attrs.frozen(kw_only=True)
class About:
    """What is asked about, before or without its case."""

    agent: str
    wish: intents.Intent
    founding: bool
    case: Case | None = None  # where it is in the state already: what it has itself asked for does not count against it


def seen(state: State, bundle: Bundle, about: About, now: Instant, past: Past) -> dict[str, Fact]:
    """The facts that ``bundle``'s policies are shown about this wish at ``now``: exactly those that one of them reads."""
    part = bundle.slices.get(about.wish.action)
    if part is None or not part.facts:
        return {}
    recorded = None if past.recorded is None else past.recorded(bundle.digest) or {}
    shown: dict[str, Fact] = {}
    for fact in part.facts:
        origin = bundle.declared[fact.name].origin
        again = recorded is None or isinstance(origin, (Founding, Local))  # what does not rest on others' entries is taken anew
        shown[fact.name] = taken(state, origin, about, now, past) if again else _read((recorded or {}).get(fact.name))
    return shown


def taken(state: State, origin: Origin, about: About, now: Instant, past: Past) -> Fact:
    """One fact as it is now."""
    match origin:
        case Founding():
            return about.founding
        case Reading():
            return counters.read(state, origin, about.agent, about.wish, about.case, now)
        case BreakerState(scope=scope):
            name = "tenant" if scope == "tenant" else f"{scope}:{about.agent if scope == 'agent' else about.wish.action}"
            return breaker.seen(state, name).status
        case Local(part=part, zone=zone):
            return zones.local(zone, now, part)
        case Lineage():
            return _descends(state, origin, about, past)
        case Before():
            return NOT_ASKED if past.redeemed is None else past.redeemed(intents.effect_id(state.tenant, about.wish.args))
        case _:
            assert_never(origin)


def _descends(state: State, origin: Lineage, about: About, past: Past) -> Fact:
    """Whether one of the cases above is as the fact says; what cannot be read might have been, and might not."""
    if about.wish.parent is None:
        return False
    if past.above is None:
        return NOT_ASKED
    for above in past.above(about.wish.parent):
        if isinstance(above, Unavailable):
            return above
        if above.wish.action in origin.actions and above.outcome in origin.ended and _same(origin, about, above):
            return True
    return False


def _same(origin: Lineage, about: About, above: Ended) -> bool:
    def told(agent: str, wish: intents.Intent) -> list[Value]:
        return list(counters.dimensions(origin.same, agent, wish))

    return canonical.pack(told(about.agent, about.wish)) == canonical.pack(told(above.agent, above.wish))


def record(shown: Mapping[str, Fact]) -> dict[str, Value]:
    """As it stands in the entry of the decision."""
    return {name: {UNAVAILABLE: fact.why} if isinstance(fact, Unavailable) else fact for name, fact in shown.items()}


def read(recorded: Mapping[str, object]) -> dict[str, Fact]:
    """What ``record`` made; anything else in its place is not available."""
    return {name: _read(value) for name, value in recorded.items()}


def _read(value: object) -> Fact:
    if isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, Mapping) and len(value) == 1 and isinstance(why := value.get(UNAVAILABLE), str):
        return Unavailable(why)
    return Unavailable("it is not recorded")
