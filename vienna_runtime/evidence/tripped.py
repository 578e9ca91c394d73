"""Whether a warrant was granted while a breaker was open, or used after a trip: by the trip that each such entry names.

    warrant.issued                                names the newest trip that is in force against its case: there is none
    run.opened, warrant.stale, warrant.use_asked  name the newest trip of their scopes: the warrant is younger
    case.expired                                  names the newest in force: the case may have ended on account of it

The trips that are named stand in the file.  Another that somebody adds to it, and that is under the same head, counts as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from actors.evidence import trip_of
from actors.governance import breaker, canonical, intent
from actors.governance import events as e
from actors.governance.state import scopes
from vienna_runtime.evidence.checks import Checks
from vienna_runtime.evidence.proof import Shown

TAGS = frozenset({e.BreakerTripped.TAG, e.BreakerTrippedBefore.TAG})

_Trip: TypeAlias = e.BreakerTripped | e.BreakerTrippedBefore
_Uses: TypeAlias = e.WarrantUseAsked | e.TargetStale | e.RunOpened
_Naming: TypeAlias = _Uses | e.WarrantIssued | e.CaseExpired


def look(case: str, entries: Sequence[Shown], events: Mapping[int, e.Event], checks: Checks) -> None:
    """At every entry of the case that names a trip, or ought to."""
    shown = {entry.seq: entry for entry in entries}
    trips = {seq: event for seq, event in events.items() if isinstance(event, _Trip)}
    issued: dict[str, int] = {}
    about: tuple[str, str] | None = None  # agent and action
    for entry in entries:
        event = events.get(entry.seq)
        if entry.header.case != case or event is None:
            continue
        if isinstance(event, e.IntentProposed):
            about = _about(event)
        if not isinstance(event, _Naming) or about is None:
            continue
        named = trip_of(entry.header)
        if named is None:
            checks.skip("breakers", f"entry {entry.seq} names no trip and not that there was none: it is of before entries did")
        own = breaker.used_scopes(event, *about) if isinstance(event, _Uses) else scopes(*about)
        if named:
            tripped = named in shown and shown[named].header.tag in TAGS
            checks.expect("breakers", tripped, f"it names entry {named}, and the file shows no trip there", entry.seq)
            other = named in trips and trips[named].scope not in own
            checks.expect("breakers", not other, f"it names entry {named}, a trip of other scopes than its own", entry.seq)
        if isinstance(event, e.WarrantIssued):
            issued.setdefault(event.warrant, entry.seq)
            checks.expect("breakers", not named, f"the warrant was granted while a breaker was open, tripped by entry {named}", entry.seq)
        elif isinstance(event, _Uses):
            known = (seq for seq, trip in trips.items() if seq < entry.seq and trip.scope in own)
            newest = max([named or 0, *known])
            since = issued.get(event.warrant, entry.seq)
            checks.expect("breakers", newest < since, f"entry {newest} tripped a breaker of its warrant after that was issued", entry.seq)


def _about(event: e.IntentProposed) -> tuple[str, str] | None:
    """Whose case it is and what it wants; None where that cannot be read, which others notice."""
    try:
        return event.agent, intent.unpack(event.intent).action
    except canonical.NotCanonical:
        return None
