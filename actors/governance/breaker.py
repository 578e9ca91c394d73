"""When a scope loses, and regains, the right to new warrants.

    closed --a detector finds too much, or a person--> open --cool-down over, one case probes--> probing
      ^                                                ^                                           |
      |                                                +--------- the probe ends badly ------------+
      +------------------------------- the probe ends well, or people reset -----------------------+

Breakers of one tenant are decided inside that tenant's own batch: the entry that fills the window and the trip are
committed together, so no warrant slips between.  A trip raises the scope's epoch, and a warrant issued under an older epoch
is worthless from that entry on; its revocation follows as an entry of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias, get_args

from . import events as e
from .aborting import stopped
from .breaker_limits import BreakerLimits
from .detectors import mismatches
from .detectors.alarm import Alarm
from .ids import DAY, CaseId, Instant
from .refusals import Code, Refusal
from .signals import UNKNOWN, Breaker, Reopener
from .state import Case, State, scopes
from .utc import utc

LAW = "law"
PROBE = "probe"  # the detector that is a probe's own end
MOST_BREAKERS = 1_024  # remembered before those are looked for that nothing depends on any more
_PROBED = 1_000  # ms until it is worth asking again
_FORGIVEN = DAY  # how long a reset is remembered for certain: no detector looks further back


def seen(state: State, scope: str) -> Breaker:
    """The scope's breaker as it stands; one that never had a reason to exist is closed."""
    return state.breakers.get(scope) or Breaker(scope)


def ended(state: State, scope: str, case: CaseId, at: Instant, limits: BreakerLimits, *, good: bool) -> e.Event | None:
    """What the end of a run means to a scope that probes: only the probe's own outcome counts."""
    guard = seen(state, scope)
    if guard.status != "probing" or guard.probe != case:
        return None
    if good:
        return e.BreakerReset(scope, LAW, "the probe ended well")
    return trip(state, scope, at, limits, Alarm(PROBE, "the probe ended badly", {}))


def heeds(guard: Breaker, detector: str) -> bool:
    """Whether what a detector finds changes anything: a mismatch keeps shut what would else open again by itself."""
    if detector == mismatches.NAME:
        return guard.status != "open" or guard.until is not None
    return guard.status == "closed"


def trip(state: State, scope: str, at: Instant, limits: BreakerLimits, alarm: Alarm, *, by: str = LAW) -> e.BreakerTripped:
    """The event; after a mismatch or by hand it stays open until people reset it."""
    for_good = alarm.detector in ("", mismatches.NAME)
    until = None if for_good else Instant(at + limits.cool_down)
    return e.BreakerTripped(scope, seen(state, scope).epoch + 1, until, alarm.why, by, alarm.detector, alarm.counts)


def by_hand(state: State, scope: str, at: Instant, why: str, by: str) -> e.BreakerTripped:
    return trip(state, scope, at, BreakerLimits(), Alarm("", why, {}), by=by)


def takes_two(state: State, guard: Breaker) -> bool:
    """Whether one person alone cannot reset it."""
    return guard.mismatched and state.phase == "sealed"


def admits(state: State, agent: str, action: str, case: CaseId, now: Instant) -> list[e.Event] | Refusal:
    """Whether a warrant may be issued: no events if every scope is closed, the probes' events where a cool-down is over, else why not."""
    probes: list[e.Event] = []
    for scope in scopes(agent, action):
        guard = state.breakers.get(scope)
        if guard is None or guard.status == "closed" or (guard.status == "probing" and guard.probe == case):
            continue
        abandoned = guard.status == "probing" and guard.probe not in state.cases  # its case ended without a run that could tell
        if abandoned or (guard.status == "open" and guard.until is not None and now >= guard.until):
            probes.append(e.BreakerProbed(scope, case))
            continue
        wait = None if guard.until is None or guard.until < now else (guard.until - now) // 1000
        return Refusal(Code.BREAKER_OPEN, f"the breaker of {scope} is {guard.status}: {guard.why}", wait, about=scope[:64])
    return probes


def one_probe(state: State, agent: str, action: str, case: CaseId) -> Refusal | None:
    """Why a probe whose warrant has several uses does not begin a second one before it is known how the first ended, or None."""
    for scope in scopes(agent, action):
        guard = state.breakers.get(scope)
        if guard is not None and guard.status == "probing" and guard.probe == case:
            begun = next((run.run for run in state.runs.values() if run.case == case), None)
            if begun is not None:
                why = f"the breaker of {scope} is probing, and how run {begun} ends decides whether it closes"
                return Refusal(Code.BREAKER_OPEN, why, _PROBED, about=scope[:64])
    return None


def shuts_out(state: State, holders: Iterable[str], action: str, issued: Instant, *, about: str) -> Refusal | None:
    """Why a warrant that was handed on goes through nobody's hands who is shut out, or was since it was issued, or None.

    It would else be a way around the breaker.  Nobody probes with a warrant that was granted to somebody else.
    """
    for name in holders:
        for scope in scopes(name, action)[:2]:
            guard = state.breakers.get(scope)
            if guard is not None and guard.status != "closed":
                why = f"it was handed on by way of {name}, and the breaker of {scope} is {guard.status}: {guard.why}"
                return Refusal(Code.BREAKER_OPEN, why, about=about)
            if guard is not None and guard.stopped >= issued:
                why = f"it was handed on by way of {name}, and {scope} was stopped at {utc(guard.stopped)}, after it was issued"
                return Refusal(Code.WARRANT_OVER, why, about=about)
    return None


# --- what an entry says of it -------------------------------------------------------------------------------------------

_Uses: TypeAlias = e.WarrantUseAsked | e.TargetStale | e.RunOpened
_Naming: TypeAlias = _Uses | e.WarrantIssued | e.CaseExpired
NAMING = frozenset(get_args(_Naming))  # the entries of a case that name a trip


def named(state: State, event: _Naming, case: Case) -> int | None:
    """The trip that this entry of the case names, so that whoever is shown the case alone sees what its breakers said; 0 for none,
    None where the newest is from before an upgrade and was not kept.

    What uses a warrant names the newest trip of its scopes, in force or not: the warrant must be younger.  A grant and an end name
    the newest that is in force against the case: for a grant there is none, and an end may be on account of it.  Asked before the
    entry is folded.
    """
    if isinstance(event, (e.WarrantIssued, e.CaseExpired)):
        known = [guard for scope in scopes(case.agent, case.wish.action) if (guard := state.breakers.get(scope)) is not None]
        return _newest(guard for guard in known if _refuses(guard, case.case))
    used = used_scopes(event, case.agent, case.wish.action)
    return _newest(guard for scope in used if (guard := state.breakers.get(scope)) is not None)


def _newest(guards: Iterable[Breaker]) -> int | None:
    trips = {guard.tripped for guard in guards}
    newest = max(trips, default=0)
    return None if newest <= 0 and UNKNOWN in trips else newest


def used_scopes(event: _Uses, agent: str, action: str) -> tuple[str, ...]:
    """The scopes whose trips make what is used here worthless: the warrant's, and those of the hands that the entry names."""
    redeemer = event.redeemer if isinstance(event, e.TargetStale) else None
    hands = event.holders if isinstance(event, e.RunOpened) else () if redeemer is None else (redeemer,)
    return (*scopes(agent, action), *(scope for name in hands for scope in scopes(name, action)[:2]))


def _refuses(guard: Breaker, case: CaseId) -> bool:
    return guard.status == "open" or (guard.status == "probing" and guard.probe != case)


# --- what evolve does -------------------------------------------------------------------------------------------------


Guarding: TypeAlias = e.BreakerTripped | e.BreakerTrippedBefore | e.BreakerProbed | e.BreakerReset | e.BreakerResetBacked


def fold(state: State, event: Guarding, at: Instant) -> None:
    if event.scope not in state.breakers and len(state.breakers) >= MOST_BREAKERS:
        _forget(state, at)
    guard = state.breakers.setdefault(event.scope, Breaker(event.scope))
    match event:
        case e.BreakerTripped() | e.BreakerTrippedBefore():
            guard.status, guard.epoch, guard.until, guard.why, guard.probe = "open", event.epoch, event.until, event.why, None
            guard.detector, guard.by, guard.at, guard.votes = event.detector, event.by, at, ()
            guard.stopped, guard.tripped = at, state.size - 1  # this entry
            stopped(state, event.scope, event.why)
            guard.mismatched = guard.mismatched or event.detector == mismatches.NAME
        case e.BreakerProbed():
            guard.status, guard.probe = "probing", event.case
        case e.BreakerResetBacked():
            guard.votes = (Reopener(event.by, event.person, event.reason),)
        case e.BreakerReset():
            guard.status, guard.until, guard.why, guard.probe = "closed", None, "", None
            guard.detector, guard.by, guard.since, guard.mismatched, guard.votes = "", "", at, False, ()


def has_room(state: State) -> bool:
    """Whether a scope more can be shut out by hand: of what is open nothing is ever forgotten."""
    return sum(guard.status != "closed" for guard in state.breakers.values()) < MOST_BREAKERS


def _forget(state: State, at: Instant) -> None:
    """Drops what is closed, forgiven long ago, under whose epoch nothing was issued that is still alive, and older than all of that."""
    alive = {scope for live in state.warrants.values() for scope in scopes(live.agent, live.action)}
    oldest = min((live.terms.not_before for live in state.warrants.values()), default=at)
    over = [scope for scope, guard in state.breakers.items() if guard.status == "closed" and at - guard.since > _FORGIVEN]
    for scope in over:
        if scope not in alive and state.breakers[scope].stopped < oldest:
            del state.breakers[scope]


def shown(counts: Mapping[str, int]) -> str:
    """The numbers of a trip as people read them: ``bad 5, of 6, limit 5``."""
    return ", ".join(f"{name} {value}" for name, value in counts.items())
