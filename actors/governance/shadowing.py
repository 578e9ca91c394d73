"""A candidate beside the bundle in force: started and stopped by an admin, and counted.

It decides nothing: no function that decides reads ``state.shadow``, and what is recorded of it belongs to no case.
"""

from __future__ import annotations

from . import commands as c
from . import events as e
from .decision import Decided, Decision, Facts
from .ids import Instant
from .refusals import Code, Refusal, unknown
from .state import Case, Member, Shadow, State

FIRST = 3  # differences of one kind that are entries of their own; the rest are counted
MOST_KINDS = 64  # kinds told apart; a candidate that differs in more ways is another policy altogether
OTHERS = "(others)"  # the action under which the rest are counted
Shadowing = e.ShadowStarted | e.ShadowDiffered | e.ShadowCounted | e.ShadowStopped


def start(state: State, command: c.StartShadow, by: Member, facts: Facts) -> Decision:
    if facts.bundle_of(command.bundle) is None:
        return unknown("bundle", command.bundle.hex()[:16])
    if state.bundle == command.bundle:
        return Refusal(Code.MALFORMED, "this bundle is in force: beside itself it says nothing new")
    if state.shadow is not None and state.shadow.bundle == command.bundle:
        return Decided(answer={"bundle": command.bundle, "repeated": True})
    return Decided((e.ShadowStarted(command.bundle, by.member),), {"bundle": command.bundle})


def stop(state: State, by: Member) -> Decision:
    if state.shadow is None:
        return Decided(answer={"bundle": None, "repeated": True})
    return Decided((e.ShadowStopped(state.shadow.bundle, by.member),), {"bundle": state.shadow.bundle})


def kind_of(kind: str, before: str, after: str, action: str) -> str:
    """The name that a kind of difference is counted under."""
    return "\0".join((kind, before, after, action))


def folded(state: State, event: Shadowing, _case: Case | None, at: Instant) -> None:
    """For ``evolve``."""
    shadow = state.shadow
    match event:
        case e.ShadowStarted():
            state.shadow = Shadow(event.bundle, at, event.by)
        case e.ShadowStopped():
            state.shadow = None
        case e.ShadowDiffered() if shadow is not None:
            name = kind_of(event.kind, event.before, event.after, event.action)
            shadow.shown[name] = (*shadow.shown.get(name, ()), state.size - 1)  # this entry
        case e.ShadowCounted() if shadow is not None:
            shadow.compared += event.compared
            shadow.passed_over += event.passed_over
            for kind, before, after, action, count in event.differed:
                name = kind_of(kind, before, after, action)
                if name not in shadow.counts and len(shadow.counts) >= MOST_KINDS:
                    name = kind_of(kind, before, after, OTHERS)
                shadow.counts[name] = shadow.counts.get(name, 0) + count
        case _:
            pass
