"""What is paused at present, what that stops, and who answers for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from . import events as e
from .aborting import NODE, stopped
from .canonical import Value
from .halt import Pause
from .ids import Instant, Person
from .kinds import AGENT
from .persons import behind
from .refusals import Code, Refusal
from .signals import Breaker
from .state import LiveWarrant, Member, State
from .utc import utc

OPERATORS, TENANTS = "operator", "tenant"  # whose a pause is
BREAKER = "breaker"  # the side of what the node's own breaker stops: its trip and its reset are no pause and no resume

Pauses: TypeAlias = e.ScopePaused | e.ScopeResumed | e.TenantSuspended | e.TenantResumed


def answerable(state: State, scope: str) -> frozenset[Person]:
    """The persons behind what a scope stops."""
    kind, _, name = scope.partition(":")
    agents = [state.members[name]] if kind == AGENT and name in state.members else state.active(AGENT) if scope == "tenant" else ()
    return frozenset().union(*(behind(state, agent) for agent in agents))


def of_the_node(state: State, found: Iterable[tuple[str, Pause | None, Pause | None]]) -> tuple[e.Event, ...]:
    """What this tenant records of what stopped the node: of each side what is in force, and the newest there was."""
    return tuple(event for stop in found for event in of_node(state, *stop))


def of_node(state: State, side: str, stop: Pause | None, last: Pause | None) -> tuple[e.Event, ...]:
    """What this tenant records of the node's own pause, or of its breaker: that it began, and that it is over.

    ``stop`` is the one in force, ``last`` the newest there was: one that began and ended unseen counts for the warrants of before.
    """
    known = state.pauses.get(key(NODE, side))
    begun: tuple[e.Event, ...] = ()
    if last is not None and state.noted.get(side) != last.number:
        older = any(not live.revoked and live.terms.not_before <= last.since for live in state.warrants.values())
        running = any(run.status == "open" and not run.aborted and run.opened <= last.since for run in state.runs.values())
        if stop is not None or older or running:
            begun = (e.ScopePaused(NODE, side, last.number, last.by, last.person, last.reason, last.since),)
    if stop is None and (ended := known or (last if begun else None)) is not None:
        begun = (*begun, e.ScopeResumed(NODE, side, sentence(ended), NODE, Person(""), "who and why is in its own log"))
    return begun


def stops(state: State, *agents: str) -> Pause | None:
    """The pause that keeps these agents from anything, the widest first."""
    if not state.pauses:
        return None
    keys = (*WIDE, *(key(f"{AGENT}:{agent}", TENANTS) for agent in agents))
    return next((state.pauses[key] for key in keys if key in state.pauses), None)


def refusal(state: State, *agents: str, about: str = "") -> Refusal | None:
    """Why nothing is granted to, or redeemed for, these agents, or None: who paused them, since when and why."""
    known = stops(state, *agents)
    return None if known is None else Refusal(code(known), sentence(known), about=about)


def code(known: Pause) -> Code:
    return Code.BREAKER_OPEN if known.side == BREAKER else Code.PAUSED


def shuts_out(state: State, by: Member) -> Refusal | None:
    """Why this member may only add to the evidence at present, or None: everybody while an operator has stopped the tenant, and agents
    whenever they are paused."""
    if by.kind == AGENT:
        return refusal(state, by.member)
    known = state.pauses.get(key("tenant", OPERATORS))
    return None if known is None else Refusal(Code.PAUSED, sentence(known))


def sentence(known: Pause) -> str:
    who = f"{known.by} ({known.person})" if known.person and known.person != known.by else known.by
    what = {"tenant": "the tenant", NODE: "the node"}.get(known.scope, known.scope.replace(":", " "))
    return f"{what} is {_stopped(known)} by {who} since {utc(known.since)}: {known.reason}"


def _stopped(known: Pause) -> str:
    return "shut out" if known.side == BREAKER else "paused"


def told(known: Pause) -> dict[str, Value]:
    return {
        "scope": known.scope, "side": known.side, "by": known.by, "person": known.person, "reason": known.reason, "since": known.since,
    }  # fmt: skip


def folded(state: State, event: Pauses, at: Instant) -> None:
    """``tenant.suspended/1`` and ``tenant.resumed/1`` are what an operator's pause was called before: it left warrants as they were."""
    match event:
        case e.ScopePaused():
            known = Pause(event.scope, event.side, event.by, event.person, event.reason, event.since)
            state.pauses[key(event.scope, event.side)] = known
            if event.scope != NODE:  # its epoch is kept by the node's own log, and what stands here is the number of the entry there
                guard = state.breakers.setdefault(event.scope, Breaker(event.scope))
                guard.epoch, guard.stopped = event.epoch, event.since
            else:
                state.noted[event.side] = event.epoch
            stopped(state, event.scope, event.reason)
            for live in state.warrants.values():
                if not live.revoked and _covers(event.scope, live):
                    live.revoked = sentence(known).replace(" is ", " was ", 1).replace(" since ", " at ", 1)
        case e.ScopeResumed():
            state.pauses.pop(key(event.scope, event.side), None)
        case e.TenantSuspended():
            by = event.by if event.by.startswith("operator:") else f"operator:{event.by}"
            state.pauses[key("tenant", OPERATORS)] = Pause("tenant", OPERATORS, by, Person(""), event.reason, at)
        case e.TenantResumed():
            state.pauses.pop(key("tenant", OPERATORS), None)


def _covers(scope: str, live: LiveWarrant) -> bool:
    return scope in ("tenant", NODE) or scope == f"{AGENT}:{live.agent}"


def key(scope: str, side: str) -> str:
    return f"{side}/{scope}"


WIDE = (key(NODE, OPERATORS), key(NODE, BREAKER), key("tenant", OPERATORS), key("tenant", TENANTS))  # what stops every agent


def suspension(state: State) -> str:
    """Why an operator has stopped the tenant, or empty."""
    known = state.pauses.get(key("tenant", OPERATORS))
    return "" if known is None else known.reason
