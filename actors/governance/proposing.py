"""From a wish to a verdict: a case is denied, waits for people, or is granted at once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import cast

import attrs

from . import (
    asking,
    breaker,
    budgets,
    canonical,
    card,
    card_facts,
    constraints,
    envelopes,
    granting,
    kinds,
    looking,
    pauses,
    reviewing,
    watching,
)
from . import commands as c
from . import events as e
from . import intent as intents
from .bundle import Bundle
from .canonical import Value
from .decision import Decided, Decision, Facts, Moment
from .detectors.alarm import Alarm
from .facts import Past, record
from .ids import CaseId, Cost, Digest, Instant, Micros, Person, RunId
from .judge import Forbidden, Permitted, judge
from .persons import behind
from .refusals import Code, Refusal, unknown
from .state import Case, LiveWarrant, Member, State
from .tiers import Tier

LARGEST_INTENT = 64 * 1024  # bytes: an open case keeps it in memory, and a person must be able to read it on a card
TRIPS = "this intent trips the breaker"  # begins the end of a case whose own intent is one too many
RETRY_PREFIX = "retry:"  # idempotency keys of intents proposed again from a dead letter: an agent that took one would stand in its way


def propose(state: State, command: c.Propose, by: Member, facts: Facts, moment: Moment) -> Decision:
    """Records the intent with its verdict; with ``run``, also redeems a T0 warrant addressed to the agent itself."""
    if command.key.startswith(RETRY_PREFIX):
        return Refusal(Code.MALFORMED, f"propose: an idempotency key does not begin with {RETRY_PREFIX}, which is kept for dead letters")
    return wished(state, command, by, facts, moment)


def wished(state: State, command: c.Propose, by: Member, facts: Facts, moment: Moment) -> Decision:
    """As ``propose``, under any key: also for an intent that is proposed again for its agent."""
    if command.action.startswith(intents.GOVERNED):
        return Refusal(Code.NOT_ALLOWED, f"actions under {intents.GOVERNED} are the tenant's own changes and are not proposed")
    wish = intent_of(command)
    try:
        packed = intents.pack(wish)
        args = wish.args
    except canonical.NotCanonical as error:
        return Refusal(Code.MALFORMED, f"propose: the params have no canonical form: {error}")
    if len(packed) > LARGEST_INTENT:
        return Refusal(
            Code.TOO_LARGE, f"the intent has {len(packed)} bytes, at most {LARGEST_INTENT}: put large content where both sides can read it"
        )
    if facts.prior is not None:
        return repeat(facts.prior, packed, command.key)
    if (paused := pauses.refusal(state, by.member)) is not None:
        return paused
    if wish.parent is not None and facts.parent is None:
        return unknown("parent case", wish.parent)
    if wish.deadline is not None and wish.deadline <= moment.now:
        return Refusal(Code.MALFORMED, "propose: the deadline has already passed")
    if not facts.clock_ok:
        return Refusal(Code.CLOCK_IN_DOUBT, "the node's clocks disagree; nothing is granted until they agree again", 5000)
    if facts.active is None:
        return Refusal(Code.NO_POLICY, "no policy bundle is active; an admin activates one with: vienna policy activate")
    effect = intents.effect_id(state.tenant, args)
    if effect in state.blocked:
        return Refusal(
            Code.EFFECT_BLOCKED, f"run {state.blocked[effect]} may already have done exactly this; it has to be settled first", about=effect
        )
    if command.run is not None and (facts.run is not None or command.run in state.runs):
        return Refusal(Code.RUN_REUSED, "this run id was used before", about=command.run)
    case = Case(
        case=moment.fresh.case(),
        agent=by.member,
        intent=packed,
        intent_digest=Digest(canonical.digest(packed)),
        key=command.key,
        parent=wish.parent,
        founding=state.phase == "founding",
        excluded=excluded(state, by, facts),
    )
    proposed = e.IntentProposed(case.case, by.member, packed, command.key, wish.parent, case.founding, case.excluded)
    run = None if command.run is None else RunId(command.run)
    return _verdict(state, proposed, case, wish, by, facts.active, moment, run, facts.past)


def intent_of(command: c.Propose) -> intents.Intent:
    """What is proposed, as it is judged and recorded."""
    return intents.Intent(
        action=command.action,
        resource=command.resource,
        params=command.params,
        purpose=command.purpose,
        cost=Cost(command.cost),
        state_digest=command.state_digest,
        parent=None if command.parent is None else CaseId(command.parent),
        deadline=None if command.deadline is None else Instant(command.deadline),
    )


def repeat(prior: e.IntentProposed, packed: bytes, key: str) -> Decision:
    """The same key with the same intent is the same case; with another it is refused."""
    if prior.intent == packed:
        return Decided(answer={"case": prior.case, "repeated": True})
    return Refusal(Code.KEY_REUSED, "this idempotency key was used for another intent", about=key[:64])


def excluded(state: State, by: Member, facts: Facts) -> tuple[Person, ...]:
    """The persons who can fill no seat: behind the requester, behind its owner, and along the chain of parents."""
    above = () if facts.parent is None else map(Person, facts.parent.excluded)
    return tuple(sorted(behind(state, by).union(above)))


def decided(state: State, case: Case, bundle: Bundle, wish: intents.Intent, agent: Member, now: Instant, past: Past) -> e.CaseDecided:
    """Asks ``bundle`` about the wish; the verdict as an event, with the facts it rests on."""
    question = asking.question("propose", state, bundle, case, wish, agent, 0, now, past)
    return as_event(case, bundle, judge(bundle, question), wish, state.authors, record(question.facts))


def as_event(
    case: Case,
    bundle: Bundle,
    answer: Permitted | Forbidden,
    wish: intents.Intent,
    authors: tuple[str, ...],
    shown: Mapping[str, Value] | None = None,
) -> e.CaseDecided:
    """The answer as the verdict it makes, with the facts it was shown where they are to be recorded; ``authors`` are the bundle's."""
    told = {} if shown is None else shown
    if isinstance(answer, Forbidden):
        return e.CaseDecided(case.case, False, answer.policies, bundle.digest, answer.why, facts=told)
    duty, action = answer.obligations, bundle.catalogue[wish.action]
    cap = budgets.capped(bundle.budgets, case.agent, wish.action, duty.cost_cap, partial(action.worst_cost, wish.params), wish.cost)
    verify = looking.wanted(action, duty.verify, wish.resource, wish.params)
    if verify is None:
        why = "policy asks for an observation that cannot be named for this intent"
        return e.CaseDecided(case.case, False, answer.policies, bundle.digest, why, facts=told)
    quorum, persons, looked_at = reviewing.demanded(duty, bundle.settings, authors, case.case)
    return e.CaseDecided(
        case=case.case,
        permitted=True,
        policies=answer.policies,
        bundle=bundle.digest,
        why=f"permitted at {duty.tier} by {', '.join(answer.policies)}",
        tier=duty.tier,
        quorum=quorum,
        ttl=Micros(duty.ttl),
        uses=duty.uses,
        executor=case.agent if duty.executor == "agent" else duty.executor,
        persons=persons,
        verify=verify,
        cost_cap=None if cap is None else Cost(cap),
        state_digest=case.state_digest or wish.state_digest,
        constraints=constraints.form({name: duty.limits[name] for name in sorted(duty.wide - looking.params_named(action, verify))}),
        facts=told,
        review=looked_at,
    )


def on_state(verdict: e.CaseDecided, state_digest: bytes, *, uses_left: int) -> e.CaseDecided:
    """The same verdict, bound to the target's state as it was just read; uses that were burnt stay burnt."""
    return attrs.evolve(verdict, state_digest=state_digest, uses=min(verdict.uses, uses_left))


def _verdict(
    state: State,
    proposed: e.IntentProposed,
    case: Case,
    wish: intents.Intent,
    by: Member,
    bundle: Bundle,
    moment: Moment,
    run: RunId | None,
    past: Past,
) -> Decision:
    verdict = decided(state, case, bundle, wish, by, moment.now, past)
    if not verdict.permitted:
        letter = e.DeadLetterOpened(moment.fresh.dead_letter(), case.case, "denied", verdict.why, state.last_letter, closes=True)
        return Decided((proposed, verdict, letter), {"case": case.case})
    return proceed(state, (proposed,), case, verdict, wish, by, bundle, moment, run)


def proceed(
    state: State,
    before: tuple[e.Event, ...],
    case: Case,
    verdict: e.CaseDecided,
    wish: intents.Intent,
    agent: Member,
    bundle: Bundle,
    moment: Moment,
    run: RunId | None = None,
    latest: Instant | None = None,
    instead: LiveWarrant | None = None,
) -> Decision:
    """After a permitting verdict: a warrant at once (T0), or a card for people, who have until ``latest`` at most.

    ``case`` need not be in the state yet; ``instead`` is its warrant that ends with this decision.
    """
    if run is not None and (action := bundle.catalogue.get(wish.action)) is not None and action.witnessed:
        return Refusal(Code.NOT_WITNESSED, "policy demands witnesses for this action: propose without a run, and redeem when they have it")
    admitted = breaker.admits(state, case.agent, wish.action, case.case, moment.now)
    if isinstance(admitted, Refusal):
        return admitted
    executor = state.members.get(verdict.executor)
    if executor is None or executor.status != "active" or executor.kind not in (kinds.EXECUTOR, kinds.AGENT):
        return Refusal(Code.POLICY_FORBIDS, f"policy names the executor {verdict.executor!r}, and there is no active executor of that name")
    if executor.kind == kinds.AGENT and (executor.member != case.agent or verdict.tier != "T0"):
        return Refusal(Code.POLICY_FORBIDS, "an agent executes by itself only what is its own and T0")
    trips = watching.tripping(state, case, bundle.settings.breaker, moment.now) if case.case not in state.cases else None
    if verdict.tier == "T0":
        if trips is not None:
            return _ended_by_its_trip(state, before, case, verdict, trips, moment)
        terms = granting.warrant(state, case, verdict, wish, executor, (), moment)
        granted = granting.granted(state, terms, moment.now, instead)
        if isinstance(granted, Refusal):
            return granted
        events = (*before, verdict, *admitted, *granted)
        if run is None or executor.member != case.agent:
            return Decided(events, {"case": case.case})
        opened = granting.passback(state, terms, case, verdict, wish, agent, bundle, moment, run)
        if isinstance(opened, Refusal):
            return opened
        return Decided((*events, opened), {"case": case.case, "run": run})
    if run is not None:
        return Refusal(Code.NOT_ALLOWED, f"policy sets {verdict.tier}: propose without a run, and wait for the approval")
    expires = Instant(moment.now + bundle.settings.approval_deadline[cast(Tier, verdict.tier)])
    expires = min([expires, *(end for end in (wish.deadline, latest) if end is not None)])
    shown = card.render(case, verdict, card_facts.facts(state, case.case, case.agent, bundle.catalogue[wish.action], moment.now), expires)
    held = (*before, verdict, e.ApprovalRequested(case.case, shown, expires))
    approved = envelopes.completed(state, case, verdict, wish, (), bundle, moment)
    if approved is None or trips is not None:  # what was approved in advance was not approved for a burst
        return Decided(held, {"case": case.case})
    given, used = approved
    granted = granting.granted(state, granting.warrant(state, case, verdict, wish, executor, given, moment), moment.now, instead)
    if isinstance(granted, Refusal):  # what was approved in advance does not fit the budgets now: it waits for people, who may see it fit
        return Decided(held, {"case": case.case})
    return Decided((*held, *admitted, *used, *granted), {"case": case.case})


def _ended_by_its_trip(
    state: State, before: tuple[e.Event, ...], case: Case, verdict: e.CaseDecided, trips: tuple[str, Alarm], moment: Moment
) -> Decision:
    """The intent that makes a burst is on record, for that is what trips, and nothing is granted to it."""
    scope, alarm = trips
    why = f"{TRIPS} of {scope}: {alarm.why}"
    letter = e.DeadLetterOpened(moment.fresh.dead_letter(), case.case, "expired", why, state.last_letter, closes=True)
    return Decided((*before, verdict, e.CaseExpired(case.case, why), letter), refusal=Refusal(Code.BREAKER_OPEN, why, about=scope[:64]))
