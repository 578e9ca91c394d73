"""Whether anything happened that a pause kept from happening: one in force then, or one that began after its warrant was issued.

Where the node decides, the law refuses such things itself, and refuses them here when it is run again.  They are looked at by name
all the same: what a pause merely puts off nobody refuses, so that a case which was decided again meanwhile would pass.
"""

from __future__ import annotations

from typing import TypeAlias

from actors.governance import breaker, canonical, intent, pauses
from actors.governance import events as e
from actors.governance.aborting import NODE
from actors.governance.kinds import ADMIN, AGENT
from actors.governance.persons import ELIGIBLE
from actors.governance.state import State
from vienna_runtime.evidence.checks import Checks
from vienna_runtime.evidence.proof import Shown

_Used: TypeAlias = e.WarrantUseAsked | e.TargetStale | e.RunOpened
_Stopped: TypeAlias = e.IntentProposed | e.CaseDecided | e.ApprovalAnswered | e.WarrantIssued | e.CanaryMissed | _Used
_ByPeople: TypeAlias = (
    e.ApprovalOpened | e.ApprovalGiven | e.ApprovalAsked | e.EnvelopeSigned | e.EnvelopeUsed | e.SeatDelegated | e.ChangeApplied
    | e.EffectVouched
)  # fmt: skip


def look(state: State, event: e.Event, shown: Shown, checks: Checks) -> None:
    """Before ``event`` is folded."""
    at = shown.seq
    if isinstance(event, (e.ScopePaused, e.ScopeResumed)):
        checks.expect("pauses", _may(state, event, shown.header.actor), f"{event.by} had no right to {event.TAG} of {event.scope}", at)
    match event:
        case e.ScopePaused():
            known = pauses.key(event.scope, event.side)
            one_agent = known.startswith(pauses.key(f"{AGENT}:", pauses.TENANTS))
            checks.expect("pauses", known in pauses.WIDE or one_agent, "there is no such pause", at)
        case e.ScopeResumed() | e.TenantResumed():
            known = pauses.key(*((event.scope, event.side) if isinstance(event, e.ScopeResumed) else ("tenant", pauses.OPERATORS)))
            checks.expect("pauses", known in state.pauses, "what it lets go on was not paused", at)
        case _ if (why := _why_not(state, event)) is not None:
            checks.expect("pauses", not why, why, at)
        case _:
            pass


def _may(state: State, event: e.ScopePaused | e.ScopeResumed, actor: str) -> bool:
    """Whether whoever wrote it could pause or let go on.

    What a quorum let go on is written by whoever gave the last vote, in another case, which has evidence of its own.  Here it is seen
    that this was somebody who votes on changes, and another person than asked for it.
    """
    writer = state.members.get(actor)
    if event.scope == NODE:
        return actor == NODE
    if event.side != pauses.TENANTS:
        return event.by == actor and actor.startswith("operator:")
    if writer is None or writer.status != "active":
        return False
    if actor == event.by:
        alone = isinstance(event, e.ScopePaused) or state.phase != "sealed" or writer.person not in pauses.answerable(state, event.scope)
        return alone and writer.kind == ADMIN and writer.person == event.person
    return isinstance(event, e.ScopeResumed) and state.phase == "sealed" and writer.kind in ELIGIBLE and writer.person != event.person


def _why_not(state: State, event: e.Event) -> str | None:
    """The pause that keeps it from happening, empty where none does, None where no pause ever would."""
    if isinstance(event, _Used) and (live := state.warrants.get(event.warrant)) is not None:
        if live.revoked:
            return f"the warrant was revoked: {live.revoked}"
        if (no := breaker.shuts_out(state, _chain(event), live.action, live.terms.not_before, about=live.warrant)) is not None:
            return no.why
    if isinstance(event, _Stopped) and not _is_change(state, event):
        known = pauses.stops(state, *_hands(state, event))
    elif isinstance(event, (_Stopped, _ByPeople)) or (isinstance(event, e.EffectSettled) and event.basis == "person"):
        known = state.pauses.get(pauses.key("tenant", pauses.OPERATORS))
    else:
        return None
    return "" if known is None else pauses.sentence(known)


def _is_change(state: State, event: _Stopped) -> bool:
    """Whether it is of a change of the tenant itself, which only an operator's pause of the tenant keeps from being made."""
    case = state.cases.get(event.case)
    try:
        wish = intent.unpack(event.intent) if isinstance(event, e.IntentProposed) else None if case is None else case.wish
    except canonical.NotCanonical:
        return False
    return wish is not None and wish.action.startswith(intent.GOVERNED)


def _hands(state: State, event: _Stopped) -> tuple[str, ...]:
    """The case's agent, and through whose hands its warrant went."""
    case = state.cases.get(event.case)
    agent = event.agent if isinstance(event, e.IntentProposed) else "" if case is None else case.agent
    return tuple(filter(None, (agent, *_holders(event))))


def _chain(event: _Used) -> tuple[str, ...]:
    """Through whose hands it went, where it was handed on at all."""
    return event.holders if isinstance(event, e.RunOpened) else ()


def _holders(event: _Stopped) -> tuple[str, ...]:
    """To whom the warrant was handed on and who redeems it, as far as the entry names them."""
    match event:
        case e.RunOpened():
            return (*event.holders, event.redeemer)
        case e.TargetStale():
            return () if event.redeemer is None else (event.redeemer,)
        case _:
            return ()
