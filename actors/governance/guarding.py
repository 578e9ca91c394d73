"""What people do about a tenant's standing guards: trip and reset, retry and resolve, push and activate."""

from __future__ import annotations

import re

import attrs

from . import breaker, budgets, bundle, counters, declared, governed, kinds, proposing, retention
from . import commands as c
from . import events as e
from . import intent as intents
from .canonical import Value
from .decision import Ancestor, Asker, Decided, Decision, Facts, Moment
from .membership import by_asker
from .persons import behind
from .refusals import Code, Refusal, unknown
from .state import Member, State

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)
LARGEST_BUNDLE = 512 * 1024  # bytes of all files: a policy that is longer has become a program


def trip(state: State, command: c.TripBreaker, by: Asker, moment: Moment) -> Decision:
    """Shuts a scope out until people reset it."""
    if (no := no_scope(state, command.scope)) is not None:
        return no
    if "action:" in command.scope and command.scope not in state.breakers and not breaker.has_room(state):
        why = f"{breaker.MOST_BREAKERS} scopes are remembered and every name of an action is another: shut out the agent, or the tenant"
        return Refusal(Code.BUSY, why, about=command.scope[:64])
    return Decided((breaker.by_hand(state, command.scope, moment.now, command.reason, by_asker(by)),), {"scope": command.scope})


def reset(state: State, command: c.ResetBreaker, by: Asker) -> Decision:
    """Lets a scope in again; a tenant's breakers are reset by that tenant's people, never by the node's.

    What a mismatch opened takes two persons once the tenant is sealed: the first one's word is recorded, and the second's closes it.
    While the tenant is founding there may be one person only, and an admin's word is enough.
    """
    if not isinstance(by, Member):
        return Refusal(Code.NOT_ALLOWED, "a tenant's breaker is reset by that tenant's people")
    guard = breaker.seen(state, command.scope)
    if guard.status == "closed":
        return Refusal(Code.UNKNOWN, "that breaker is closed already", about=command.scope[:64])
    answer: dict[str, Value] = {"scope": command.scope, "closed": True}
    if not breaker.takes_two(state, guard):
        if by.kind != kinds.ADMIN:
            return Refusal(Code.NOT_ALLOWED, "an admin resets this breaker", about=command.scope[:64])
        return Decided((e.BreakerReset(command.scope, by.member, command.reason),), answer)
    agent = state.members.get(command.scope.removeprefix("agent:"))
    if agent is not None and by.person in behind(state, agent):
        why = f"{by.person} stands behind {agent.member}, which a mismatch shut out: two others have to say that it may go on"
        return Refusal(Code.SELF_APPROVAL, why, about=command.scope[:64])
    first = next((vote for vote in guard.votes if (voter := state.members.get(vote.by)) and voter.status == "active"), None)
    if first is None:
        backed = e.BreakerResetBacked(command.scope, by.member, by.person, command.reason)
        return Decided((backed,), {"scope": command.scope, "closed": False})
    if first.person == by.person:
        return Refusal(Code.ALREADY_VOTED, f"{by.person} has said so already: it takes a second person", about=command.scope[:64])
    why = f"{first.person}: {first.reason}; {by.person}: {command.reason}"
    return Decided((e.BreakerReset(command.scope, by.member, why),), answer)


def no_scope(state: State, scope: str) -> Refusal | None:
    agent, _, action = scope.removeprefix("agent:").partition(" action:")
    if scope == "tenant" or (scope.startswith("action:") and len(scope) > len("action:")):
        return None
    if scope.startswith("agent:") and agent in state.members and (action or " " not in scope):
        return None
    why = "a scope is tenant, agent:NAME of a member, action:NAME, or both as in 'agent:NAME action:NAME'"
    return Refusal(Code.UNKNOWN, why, about=scope[:64])


def retry(state: State, command: c.RetryLetter, by: Member, facts: Facts, moment: Moment) -> Decision:
    """Proposes the dead letter's intent again, as its own agent, with the old case as parent."""
    if facts.letter is None or facts.lettered is None:
        if facts.letter is not None and not facts.letter.case:
            return Refusal(Code.NOT_ALLOWED, "a quarantined command is no case: whoever sent it sends it again once the fault is mended")
        return unknown("dead letter", command.letter)
    if facts.letter_resolved and facts.prior is None:  # with a prior, the same retry is asked again
        return Refusal(Code.UNKNOWN, "that dead letter is resolved already", about=command.letter)
    agent = state.members.get(facts.lettered.agent)
    if agent is None or agent.status != "active" or agent.kind != kinds.AGENT:
        return Refusal(
            Code.NOT_ALLOWED, "the agent of that case is no longer a member; its intent cannot be proposed again", about=command.letter
        )
    wish = intents.unpack(facts.lettered.intent)
    again = c.Propose(
        action=wish.action, resource=wish.resource, params=wish.params, purpose=wish.purpose,
        key=retry_key(command.letter, command.key),
        cost=wish.cost, parent=facts.letter.case,
    )  # fmt: skip
    above = facts.parent or Ancestor(facts.lettered.agent, facts.lettered.excluded)
    chain = attrs.evolve(above, excluded=(*above.excluded, by.person))  # whoever tries it again has asked for it too
    outcome = proposing.wished(state, again, agent, attrs.evolve(facts, parent=chain), moment)
    if isinstance(outcome, Refusal) or not outcome.events:
        return outcome
    case = moment.fresh.case()
    resolved = e.DeadLetterResolved(command.letter, by.member, "tried again", case, facts.letter.kind, facts.letter_at or moment.now)
    return attrs.evolve(outcome, events=(resolved, *outcome.events), answer={"case": case})


def retry_key(letter: str, key: str) -> str:
    """The idempotency key under which the agent's intent is proposed again: what the shell looks ``facts.prior`` up by."""
    return f"{proposing.RETRY_PREFIX}{letter}:{key}"[:128]


def resolve(command: c.ResolveLetter, by: Member, facts: Facts, moment: Moment) -> Decision:
    """Closes a dead letter with a reason; an effect of unknown outcome stays blocked until it is settled."""
    if facts.letter is None:
        return unknown("dead letter", command.letter)
    if facts.letter_resolved:
        return Decided(answer={"letter": command.letter, "repeated": True})
    opened = facts.letter_at or moment.now  # not durable yet: it was a moment ago
    resolved = e.DeadLetterResolved(command.letter, by.member, command.reason, None, facts.letter.kind, opened)
    return Decided((resolved,), {"letter": command.letter})


def push(command: c.PushBundle, by: Member, facts: Facts) -> Decision:
    """Puts a bundle that loads on the ledger; one that does not is refused with every finding."""
    source = source_of(command)
    if isinstance(source, Refusal):
        return source
    loaded = bundle.load(source) if facts.pushed is None else facts.pushed
    if not isinstance(loaded, bundle.Bundle):
        first = loaded.items[0]
        why = f"the bundle has {len(loaded)} finding(s); the first: {first}"
        return Refusal(Code.BUNDLE_INVALID, why, detail=tuple(str(f) for f in loaded.items[:50]))
    if facts.bundle_of(loaded.digest) is not None:
        return Decided(answer={"bundle": loaded.digest, "repeated": True})
    commit = command.commit or ""
    if commit and _COMMIT.fullmatch(commit) is None:
        return Refusal(Code.MALFORMED, "a commit is 40 or 64 hexadecimal digits", about="commit")
    pushed = e.BundlePushed(loaded.digest, source.files, loaded.name, by.member, by.person, commit, command.dirty)
    return Decided((pushed,), {"bundle": loaded.digest})


def source_of(command: c.PushBundle) -> bundle.Source | Refusal:
    """The files, if they are files and not too much to be read at all."""
    files = {path: content for path, content in command.files.items() if isinstance(content, bytes)}
    if len(files) != len(command.files):
        return Refusal(Code.MALFORMED, "a bundle's files are paths with their bytes")
    if sum(map(len, files.values())) > LARGEST_BUNDLE:
        return Refusal(Code.MALFORMED, f"a bundle has at most {LARGEST_BUNDLE // 1024} KiB")
    return bundle.Source(files)


def activate(state: State, command: c.ActivateBundle, by: Member, facts: Facts, moment: Moment) -> Decision:
    """Puts a pushed bundle in force: at once while founding, by quorum afterwards."""
    loaded = facts.bundle_of(command.bundle)
    if loaded is None:
        return unknown("bundle", command.bundle.hex()[:16])
    if state.bundle == command.bundle:
        return Decided(answer={"bundle": command.bundle, "applied": True, "repeated": True})
    activated = attrs.evolve(
        activation(state, command.bundle, loaded), by=by.member, person=by.person, author=facts.author, reason=command.reason or ""
    )
    changes: tuple[e.Event, ...] = (activated, *retention.set_anew(state, loaded.settings.retention))
    return governed.change(state, governed.ACTIVATE, f"bundle/{command.bundle.hex()[:16]}", changes, by, command.key, moment)


def activation(state: State, digest: bytes, loaded: bundle.Bundle) -> e.BundleActivated:
    """With what the fold has to know of the bundle, since it reads none: what is counted, and what is limited."""
    return e.BundleActivated(
        bundle=digest,
        previous=state.bundle,
        counters=tuple(counters.definition(counter) for counter in declared.counters(loaded.declared)),
        zone=loaded.zone,
        limits=tuple(budgets.definition(limit) for limit in loaded.budgets),
    )
