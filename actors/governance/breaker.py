"""When a scope loses, and regains, the right to new warrants.

    closed --too many bad outcomes or a mismatch--> open --cool-down over, one case probes--> probing
      ^                                              ^                                          |
      |                                              +-------- the probe ends badly ------------+
      +------------------------------- the probe ends well, or a person resets ------------------+

Breakers of one tenant are decided inside that tenant's own batch: the report that fills the window and the trip are
committed together, so no warrant slips between.  A trip raises the scope's epoch, and a warrant issued under an older epoch
is worthless from that entry on; its revocation follows as an entry of its own.
"""

from __future__ import annotations

from . import events as e
from .ids import DAY, CaseId, Instant, Micros
from .refusals import Code, Refusal
from .settings import BreakerLimits
from .state import Breaker, Run, State, scopes

REMEMBERED = 64  # outcomes a scope remembers: more than any volume a limit asks for
LAW = "law"
LIE_REMEMBERED = Micros(DAY)  # a mismatch counts for a day
BAD_PERCENT = 50  # of the runs in the window, once there are as many bad ones as the limit says


def seen(state: State, scope: str) -> Breaker:
    """The scope's breaker as it stands; one that never had a reason to exist is closed."""
    return state.breakers.get(scope) or Breaker(scope)


def made(state: State, scope: str) -> Breaker:
    """The scope's breaker, put into ``state`` if it was not there: for ``evolve`` alone."""
    return state.breakers.setdefault(scope, Breaker(scope))


def note(state: State, run: Run, at: Instant, *, good: bool, mismatch: bool = False) -> None:
    """Remembers how a run ended, in each scope it stands in."""
    for scope in scopes(run.agent, run.action):
        guard = made(state, scope)
        guard.outcomes = (*guard.outcomes[-(REMEMBERED - 1) :], (at, good))
        if mismatch:
            guard.mismatches = (*guard.mismatches[-(REMEMBERED - 1) :], at)


def react(state: State, run: Run, at: Instant, limits: BreakerLimits, *, good: bool) -> list[e.Event]:
    """What belongs into the same batch as the end of ``run``, which ``note`` has already remembered.

    A good end trips nothing: it can only close what probes.
    """
    found: list[e.Event] = []
    for scope in scopes(run.agent, run.action):
        guard = seen(state, scope)
        if good and guard.status != "probing":
            continue
        if (lie := _lie(guard, at, limits)) is not None:
            if guard.status == "closed" or guard.until is not None or guard.status == "probing":
                found.append(trip(state, scope, at, limits, lie, until_reset=True))
        elif guard.status == "probing" and guard.probe == run.case:
            found.append(
                e.BreakerReset(scope, LAW, "the probe ended well") if good else trip(state, scope, at, limits, "the probe ended badly")
            )
        elif guard.status == "closed" and (why := _damage(guard, at, limits)) is not None:
            found.append(trip(state, scope, at, limits, why))
    return found


def _lie(guard: Breaker, at: Instant, limits: BreakerLimits) -> str | None:
    """Mismatches count against the agent alone: what one agent's executor did says nothing of others."""
    if not guard.mismatches or not guard.scope.startswith("agent:"):
        return None
    lies = sum(at - when < LIE_REMEMBERED for when in guard.mismatches)
    return f"mismatches: {lies} within a day" if lies >= limits.mismatches else None


def _damage(guard: Breaker, at: Instant, limits: BreakerLimits) -> str | None:
    if len(guard.outcomes) < limits.failures:
        return None
    recent = [good for when, good in guard.outcomes if at - when < limits.window]
    bad = recent.count(False)
    if bad >= limits.failures and bad * 100 >= BAD_PERCENT * len(recent):
        return f"failure ratio: {bad} of {len(recent)} runs ended badly"
    return None


def trip(
    state: State, scope: str, at: Instant, limits: BreakerLimits, why: str, *, until_reset: bool = False, by: str = LAW
) -> e.BreakerTripped:
    """The event; after a mismatch or by hand it stays open until a person resets it."""
    return e.BreakerTripped(scope, seen(state, scope).epoch + 1, None if until_reset else Instant(at + limits.cool_down), why, by)


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
        return Refusal(Code.BREAKER_OPEN, f"the breaker of {scope} is {guard.status}: {guard.why}", wait, about=scope)
    return probes
