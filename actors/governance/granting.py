"""Making a warrant, and opening a run on it: the two steps that let something happen."""

from __future__ import annotations

from collections.abc import Mapping

from . import asking, budgets, covering, narrowing
from . import events as e
from . import intent as intents
from . import warrant as warrants
from .bundle import Bundle
from .canonical import Value
from .decision import Moment
from .facts import Past, record
from .ids import MINUTE, Cost, Instant, Micros, RunId
from .judge import Forbidden, judge
from .refusals import Code, Refusal
from .state import Case, Given, LiveWarrant, Member, State

REPORT_WITHIN = Micros(10 * MINUTE)  # where no bundle says otherwise: long for a build, short for a person who waits


def warrant(
    state: State, case: Case, verdict: e.CaseDecided, wish: intents.Intent, executor: Member, given: tuple[Given, ...], moment: Moment
) -> warrants.Warrant:
    """What the warrant grants.  What an envelope approved in advance was this one thing, so such a warrant is exact.

    Its life, uses and cap are the intersection of what policy obliges and of what each approver narrowed.  The clock starts now,
    with the last approval.
    """
    ttl = min([verdict.ttl, *(g.ttl for g in given if g.ttl is not None)])
    uses = min([verdict.uses, *(g.uses for g in given if g.uses is not None)])
    caps = [cap for cap in (verdict.cost_cap, *(g.cost_cap for g in given)) if cap is not None]
    expires = Instant(moment.now + ttl)
    if wish.deadline is not None:
        expires = min(expires, wish.deadline)
    return warrants.Warrant(
        tenant=state.tenant,
        warrant=moment.fresh.warrant(),
        case=case.case,
        agent=case.agent,
        executor=executor.member,
        holder=executor.public_key,
        action=wish.action,
        resource=wish.resource,
        params=wish.params,
        constraints={} if any(g.envelope for g in given) else narrowing.bounds(verdict.constraints, given),
        intent=case.intent_digest,
        effect=intents.effect_id(state.tenant, wish.args),
        state_digest=verdict.state_digest,
        tier=verdict.tier,
        approvals=tuple(sorted(g.person for g in given)),
        envelopes=tuple(sorted(g.envelope for g in given if g.envelope)),
        bundle=verdict.bundle,
        verify=verdict.verify,
        not_before=moment.now,
        expires_at=expires,
        uses=uses,
        cost_cap=Cost(min(caps)) if caps else None,
    )


def issued(terms: warrants.Warrant) -> e.WarrantIssued:
    """The warrant with its signature still to be made: the law never sees a key."""
    return e.WarrantIssued(terms.case, terms.warrant, warrants.pack(terms), b"", b"")


def granted(state: State, terms: warrants.Warrant, now: Instant, instead: LiveWarrant | None = None) -> tuple[e.Event, ...] | Refusal:
    """The warrant's issue, and what the budgets have to say of it: the one way to a warrant."""
    warned = budgets.admits(state, terms, now, instead)
    return warned if isinstance(warned, Refusal) else (*warned, issued(terms))


def passback(
    state: State,
    terms: warrants.Warrant,
    case: Case,
    verdict: e.CaseDecided,
    wish: intents.Intent,
    agent: Member,
    bundle: Bundle,
    moment: Moment,
    run: RunId,
) -> e.RunOpened | Refusal:
    """Redeems in the same decision what was just granted to the agent itself: policy is asked again, as at every redemption, about
    the very facts of the verdict, for nothing has happened since."""
    past = Past(recorded=lambda _: verdict.facts)
    question = asking.question("execute", state, bundle, case, wish, agent, 0, moment.now, past)
    asked = judge(bundle, question)
    if isinstance(asked, Forbidden):
        return Refusal(Code.POLICY_FORBIDS, f"policy permits the intent and forbids its execution: {asked.why}")
    use = covering.exact(terms, wish)
    return opened(
        terms, run, agent, use, wish.state_digest, asked.policies, moment, bundle.settings.report_deadline, record(question.facts), {}
    )


def opened(
    terms: warrants.Warrant,
    run: RunId,
    redeemer: Member,
    use: covering.Claim,
    state_digest: bytes | None,
    policies: tuple[str, ...],
    moment: Moment,
    report_within: Micros,
    shown: Mapping[str, Value],
    shown_before: Mapping[str, Value],
    number: int = 1,
) -> e.RunOpened:
    """A run and one use burnt, recorded before anything acts."""
    return e.RunOpened(
        case=terms.case,
        warrant=terms.warrant,
        run=run,
        redeemer=redeemer.member,
        effect=use.effect,
        args_digest=use.args,
        state_digest=state_digest,
        policies=policies,
        report_by=Instant(moment.now + report_within),
        facts=shown,
        older_facts=shown_before,
        params=use.params,
        chain=use.chain,
        holders=use.holders,
        use=number,
    )
