"""The kill switch: an agent, the tenant or the whole node is stopped by hand, and let go on.

A pause is one entry.  From there on nothing is granted or redeemed in its scope, and every warrant that was issued before is
worthless for good: whoever pulls the switch has seen that something is wrong with what was granted, so letting go on must not
release it.  The revocation of each follows by ``due``.  What runs is told to abort.  Cases that wait for people go on waiting,
and may be denied.

Who lifts a pause is whose it is.  The tenant's admins lift their own and never an operator's, operators theirs and never a
tenant's.  Once the tenant is sealed, an admin behind what is paused (the agent's person, its owner, the owner's owner; of the
tenant, whoever is behind any of its agents) needs a quorum of others: who answers for an agent that somebody stopped is not the
one to say alone that nothing was wrong.
"""

from __future__ import annotations

from . import breaker, governed
from . import commands as c
from . import events as e
from .decision import Decided, Decision, Moment, Operator
from .halt import Pause
from .ids import Person
from .kinds import AGENT
from .membership import by_asker
from .pauses import OPERATORS, TENANTS, answerable, key, sentence, told
from .refusals import Code, Refusal
from .state import Member, State


def pause(state: State, command: c.Pause, by: Member | Operator, moment: Moment) -> Decision:
    """Stops a scope; what is stopped already stays so, for its first reason."""
    side = OPERATORS if isinstance(by, Operator) else TENANTS
    if (no := _no_scope(state, command.scope, side)) is not None:
        return no
    if (known := state.pauses.get(key(command.scope, side))) is not None:
        return Decided(answer={**told(known), "repeated": True})
    person = by.person if isinstance(by, Member) else Person("")
    epoch = breaker.seen(state, command.scope).epoch + 1
    paused = e.ScopePaused(command.scope, side, epoch, by_asker(by), person, command.reason, moment.now)
    return Decided((paused,), told(Pause(paused.scope, side, paused.by, person, paused.reason, paused.since)))


def resume(state: State, command: c.Resume, by: Member | Operator, moment: Moment) -> Decision:
    """Lets a scope go on; by a quorum where whoever asks is behind what is paused."""
    side = OPERATORS if isinstance(by, Operator) else TENANTS
    known = state.pauses.get(key(command.scope, side))
    if known is None and (other := state.pauses.get(key(command.scope, TENANTS if side == OPERATORS else OPERATORS))) is not None:
        whose = "the tenant's own people lift it" if side == OPERATORS else "an operator lifts it"
        return Refusal(Code.NOT_ALLOWED, f"{sentence(other)}; {whose}", about=command.scope[:64])
    if known is None:
        if (no := _no_scope(state, command.scope, side)) is not None:
            return no
        return Decided(answer={"scope": command.scope, "applied": True, "repeated": True})
    person = by.person if isinstance(by, Member) else Person("")
    resumed = e.ScopeResumed(command.scope, side, sentence(known), by_asker(by), person, command.reason)
    answer: dict[str, object] = {"scope": command.scope, "applied": True}
    if isinstance(by, Member) and by.person in answerable(state, command.scope):
        changed = governed.change(state, governed.RESUME, f"scope/{command.scope}", (resumed,), by, command.key, moment)
        return changed if isinstance(changed, Refusal) else Decided(changed.events, {"scope": command.scope, **changed.answer})
    return Decided((resumed,), answer)


def _no_scope(state: State, scope: str, side: str) -> Refusal | None:
    if scope == "tenant":
        return None
    kind, _, name = scope.partition(":")
    if side == OPERATORS:
        why = "an operator pauses a tenant or the node; an agent is paused by its tenant's admins, or shut out by its breaker"
        return Refusal(Code.NOT_ALLOWED, why, about=scope[:64])
    if kind == AGENT and name in state.members and state.members[name].kind == AGENT:
        return None
    return Refusal(Code.UNKNOWN, "a pause is of tenant, or of agent:NAME where that is an agent of yours", about=scope[:64])
