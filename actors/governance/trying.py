"""Trying out whether people look: a canary is proposed exactly as its agent would propose it, and ends without a warrant."""

from __future__ import annotations

import attrs

from . import commands as c
from . import events as e
from . import kinds, proposing
from .canary import MOST_OPEN
from .decision import Decision, Facts, Moment
from .refusals import Code, Refusal, unknown
from .state import Member, State


def asked(command: c.ProposeCanary, key: str) -> c.Propose:
    """What its agent would have asked, under this idempotency key."""
    return c.Propose(
        action=command.action, resource=command.resource, params=command.params, purpose=command.purpose, key=key, cost=command.cost,
        deadline=command.deadline,
    )  # fmt: skip


def propose(state: State, command: c.ProposeCanary, by: Member, facts: Facts, moment: Moment) -> Decision:
    """A held case in the agent's name, or nothing at all: of a canary that nobody would have to look at there is no entry."""
    agent = state.members.get(command.whose)
    if by.kind != kinds.ADMIN:
        return Refusal(Code.NOT_ALLOWED, "a canary is for admins")
    if agent is None or agent.status != "active" or agent.kind != kinds.AGENT:
        return unknown("active agent", command.whose)
    if state.recovery is not None:
        return Refusal(Code.NOT_ALLOWED, "while a recovery is announced nobody is tried out: its end would stand beside the case")
    if facts.canaries >= MOST_OPEN and facts.prior is None:
        return Refusal(Code.TOO_MANY, f"{MOST_OPEN} canaries wait already, and that is the most")
    outcome = proposing.wished(state, asked(command, facts.canary_key), agent, facts, moment)
    if isinstance(outcome, Refusal) or not outcome.events:
        return outcome
    if not isinstance(outcome.events[-1], e.ApprovalRequested):
        verdict = next(event for event in outcome.events if isinstance(event, e.CaseDecided))
        why = "an envelope would have it approved in advance" if verdict.tier not in ("", "T0") else verdict.why
        return Refusal(Code.POLICY_FORBIDS, f"nobody would have to look at it ({why}); nothing was recorded")
    return attrs.evolve(outcome, actor=agent.member)
