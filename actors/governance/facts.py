"""What policy is shown beside the wish itself, and how a decision records what it saw.

    live      taken from the state and from what the shell looked up, at the moment of the decision
    replayed  as recorded in ``case.decided`` and ``run.opened``, where the state to take them from is not at hand

Only what the policies of the action read is taken, shown and recorded.  A fact that cannot be known is ``Unavailable``, which
is recorded too: it denies wherever policy reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from . import intent as intents
from .bundle import Bundle
from .canonical import Value
from .ids import Instant
from .question import Fact, Unavailable
from .state import Case, State

UNAVAILABLE = "unavailable"  # the one key of the map that stands in the record for a fact that was not available


@attrs.frozen
class Past:
    """What the state has forgotten and the shell can look up; asked only where policy reads such a fact."""

    recorded: Callable[[bytes], Mapping[str, object] | None] | None = None  # by the bundle's digest; given: nothing is taken anew


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
    return {fact.name: _fact(fact.name, about, recorded) for fact in part.facts}


def _fact(name: str, about: About, recorded: Mapping[str, object] | None) -> Fact:
    if name == "founding":
        return about.founding
    if recorded is not None:
        return _read(recorded.get(name))
    return Unavailable("nothing gives it")


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
