"""Redemption: the one moment at which a warrant is known to be live.  It is recorded before anything acts."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from . import asking, breaker, canonical, covering, granting, kinds, pauses, proposing
from . import canary as canaries
from . import commands as c
from . import events as e
from . import warrant as warrants
from .canary import Recognise
from .canonical import Value
from .decision import Decided, Decision, Facts, Moment
from .facts import record
from .ids import RunId
from .judge import Forbidden, judge
from .refusals import Code, Refusal, unknown
from .signing import same
from .state import LiveWarrant, Member, State, epoch

WITNESSING = 1000  # ms until it is worth asking again: witnesses are shown what has grown every few seconds


def redeem(state: State, command: c.Redeem, by: Member, facts: Facts, moment: Moment) -> Decision:
    """Checks in numbered steps, then burns one use and opens the run the redeemer named.

    1. the MAC and the signature over the bytes as received (the signature by the shell's own issuer key, see ``facts.mac_ok``);
    2. the audience, every link of a chain, and that nobody of them is paused or shut out; 3. the run id: repeating it returns the
    same answer; 4. the warrant is live; 5. the arguments of this use and its cost; 6. the breakers' epoch; 7. policy about them,
    under the warrant's bundle and the active one; 8. witnesses, where either bundle demands them; 9. the target's state.
    """
    if not facts.mac_ok:
        return Refusal(Code.WARRANT_FORGED, "the warrant's signature or MAC does not match its fields: it was not issued like this")
    try:
        terms = warrants.unpack_own(command.warrant)  # the MAC says so
    except canonical.NotCanonical as error:
        return Refusal(Code.MALFORMED, f"the warrant is malformed: {error}")
    left = covering.audience(state, command, terms, by, moment.now)
    if isinstance(left, Refusal):
        return left
    hands = covering.holders(state, left)
    if (paused := pauses.refusal(state, terms.agent, by.member, *hands, about=terms.warrant)) is not None:
        return paused
    if (no := breaker.shuts_out(state, hands, terms.action, terms.not_before, about=terms.warrant)) is not None:
        return no
    if facts.run is not None or command.run in state.runs:
        return _again(state, command, by, facts, terms)
    live = state.warrants.get(terms.warrant)
    if live is None or not same(live.digest, canonical.digest(command.warrant)):
        return Refusal(Code.WARRANT_OVER, "the warrant is used up, expired, revoked or replaced", about=terms.warrant)
    use = covering.claim(state, command, terms, state.cases[live.case].wish, left, facts.bundle_of(terms.bundle))
    if isinstance(use, Refusal):
        return use
    if (no := _dead(state, live, use, facts, moment)) is not None:
        return no
    asked = _policies(state, live, terms, use, facts, moment)
    if isinstance(asked, Refusal):
        return asked
    if (no := _unwitnessed(state, live, terms, facts)) is not None:
        return no
    if terms.state_digest is not None and command.state_digest != terms.state_digest:
        return _stale(state, command, by, live, use, asked, facts, moment)
    within = facts.active.settings.report_deadline if facts.active is not None else granting.REPORT_WITHIN
    opened = granting.opened(
        terms, RunId(command.run), by, use, command.state_digest, asked.policies, moment, within, asked.facts, asked.older_facts,
        command.use,
    )  # fmt: skip
    return Decided((opened,), {"case": terms.case, "run": command.run, "effect": use.effect})


def _again(state: State, command: c.Redeem, by: Member, facts: Facts, terms: warrants.Warrant) -> Decision:
    """The same run of the same warrant: the answer it got before.  Anything else under that id is refused."""
    run = state.runs.get(command.run)
    known = run.warrant if run is not None else facts.run.warrant if facts.run is not None else ""
    args = run.args_digest if run is not None else facts.run.args_digest if facts.run is not None else b""
    redeemer = run.redeemer if run is not None else facts.run.redeemer if facts.run is not None else ""
    effect = run.effect if run is not None else facts.run.effect if facts.run is not None else ""
    if known == terms.warrant and redeemer == by.member and same(args, command.args_digest):
        return Decided(answer={"case": terms.case, "run": command.run, "effect": effect, "repeated": True})
    return Refusal(Code.RUN_REUSED, "this run id was used for something else", about=command.run)


def _dead(state: State, live: LiveWarrant, use: covering.Claim, facts: Facts, moment: Moment) -> Refusal | None:
    """Why a warrant that is still remembered cannot be redeemed now, or None."""
    if not facts.clock_ok:
        return Refusal(Code.CLOCK_IN_DOUBT, "the node's clocks disagree; nothing is redeemed until they agree again", 5000)
    if moment.now >= live.expires_at:
        return Refusal(Code.WARRANT_OVER, "the warrant has expired", about=live.warrant)
    if live.revoked:
        return Refusal(Code.WARRANT_OVER, f"the warrant was revoked: {live.revoked}", about=live.warrant)
    if (spent := covering.used_up(live, use)) is not None:
        return Refusal(Code.WARRANT_OVER, spent, about=live.warrant)
    if live.epoch != epoch(state, live.agent, live.action):
        return Refusal(Code.BREAKER_OPEN, "a breaker tripped after the warrant was issued: it is worthless", about=live.warrant)
    agent = state.members.get(live.agent)
    if agent is None or agent.status != "active":
        return Refusal(Code.WARRANT_OVER, "the warrant's agent is no longer a member", about=live.warrant)
    if use.effect in state.blocked:
        return Refusal(Code.EFFECT_BLOCKED, f"run {state.blocked[use.effect]} may already have done exactly this", about=live.warrant)
    admitted = breaker.admits(state, live.agent, live.action, live.case, moment.now)
    return admitted if isinstance(admitted, Refusal) else breaker.one_probe(state, live.agent, live.action, live.case)


@attrs.frozen
class _Permission:
    """By which policies of the bundle in force, on which facts, and on which the warrant's own bundle permits it if that is another."""

    policies: tuple[str, ...]
    facts: Mapping[str, Value]
    older_facts: Mapping[str, Value]


def _policies(
    state: State, live: LiveWarrant, terms: warrants.Warrant, use: covering.Claim, facts: Facts, moment: Moment
) -> _Permission | Refusal:
    """Asks ``execute`` under the warrant's bundle and the active one, on the facts as they are now; both must permit."""
    case, agent = state.cases.get(live.case), state.members.get(live.agent)
    bundle = facts.bundle_of(terms.bundle)
    if case is None or agent is None or bundle is None or facts.active is None:
        return Refusal(Code.NO_POLICY, "the policy this warrant was issued under cannot be read", about=live.warrant)
    found: tuple[str, ...] = ()
    shown: list[Mapping[str, Value]] = [{}]
    for asked in {bundle.digest: bundle, facts.active.digest: facts.active}.values():
        approvals = len(terms.approvals)
        question = asking.question("execute", state, asked, case, use.wish, agent, approvals, moment.now, facts.past)
        answer = judge(asked, question)
        if isinstance(answer, Forbidden):
            return Refusal(Code.POLICY_FORBIDS, f"policy forbids the execution now: {answer.why}", about=live.warrant)
        found = answer.policies
        shown.append(record(question.facts))
    return _Permission(found, shown[-1], shown[-2])


def _unwitnessed(state: State, live: LiveWarrant, terms: warrants.Warrant, facts: Facts) -> Refusal | None:
    """Why an action that must be witnessed first is not, or None.  Everything of the case so far counts, the warrant's entry last."""
    bundles = (facts.bundle_of(terms.bundle), facts.active)
    known = [bundle.catalogue.get(live.action) for bundle in bundles if bundle is not None]
    if not any(action is not None and action.witnessed for action in known):
        return None
    if facts.witnessed_size is None:
        never = "policy demands witnesses for this action, and this node asks none: it is never executed here"
        return Refusal(Code.NOT_WITNESSED, never, about=live.warrant)
    if state.cases[live.case].last < facts.witnessed_size:
        return None
    return Refusal(Code.NOT_WITNESSED, "no quorum of witnesses has cosigned the warrant's entry yet", WITNESSING, about=live.warrant)


def _stale(
    state: State,
    command: c.Redeem,
    by: Member,
    live: LiveWarrant,
    use: covering.Claim,
    asked: _Permission,
    facts: Facts,
    moment: Moment,
) -> Decision:
    """Nothing is burnt; the case is decided again on the state as it is now: T0 at once, else with fresh approvals."""
    case = state.cases[live.case]
    if command.state_digest is None:
        return Refusal(Code.STALE, "the warrant is bound to a state of the target: name the state you just read", about=live.warrant)
    stale = e.TargetStale(
        case.case, live.warrant, command.state_digest, case.stale + 1, asked.facts, asked.older_facts,
        use.params, use.chain, by.member if use.chain is not None else None,
    )  # fmt: skip
    last = case.ends_with_this  # earlier uses of the warrant may still run; the last of them ends the case then
    no = Refusal(Code.STALE, "the target has changed since the decision; the case is being decided again", about=live.warrant)
    wish, agent = case.wish, state.members[case.agent]
    if facts.active is None or case.stale >= facts.active.settings.stale_decisions:
        why = f"the target changed {case.stale + 1} times between decision and redemption"
        letter = e.DeadLetterOpened(moment.fresh.dead_letter(), case.case, "expired", why, state.last_letter, closes=last)
        return Decided((stale, e.CaseExpired(case.case, why), letter), refusal=no)
    verdict = proposing.decided(state, case, facts.active, wish, agent, moment.now, facts.past)
    if not verdict.permitted:
        letter = e.DeadLetterOpened(moment.fresh.dead_letter(), case.case, "denied", verdict.why, state.last_letter, closes=last)
        return Decided((stale, verdict, letter), refusal=no)
    verdict = proposing.on_state(verdict, command.state_digest, uses_left=live.uses_left)
    again = proposing.proceed(state, (stale,), case, verdict, wish, agent, facts.active, moment, instead=live)
    return again if isinstance(again, Refusal) else Decided(again.events, again.answer, no)


def cancel(state: State, command: c.Cancel, by: Member, canary_of: Recognise, moment: Moment) -> Decision:
    """Withdraws a case while it waits for people; an agent only its own."""
    case = state.cases.get(command.case)
    if case is None or (by.kind == kinds.AGENT and case.agent != by.member):
        return unknown("case", command.case)
    if case.status != "held":
        return Refusal(Code.NOT_HELD, f"only a case that waits for approval can be withdrawn; it is {case.status}", about=case.case)
    cancelled = e.CaseCancelled(case.case, by.member, command.reason)
    if (canary := canary_of(case)) is not None:
        return Decided((cancelled, canaries.ended(case, canary)), {"case": case.case})
    letter = e.DeadLetterOpened(
        moment.fresh.dead_letter(), case.case, "cancelled", command.reason, state.last_letter, closes=case.live == 0
    )
    return Decided((cancelled, letter), {"case": case.case})


def revoke(state: State, command: c.RevokeWarrant, by: Member, moment: Moment) -> Decision:
    """Makes one warrant worthless, with a reason."""
    live = state.warrants.get(command.warrant)
    if live is None:
        return unknown("live warrant", command.warrant)
    return Decided(revocation(state, live, f"{by.member}: {command.reason}", moment), {"case": live.case})


def revocation(state: State, live: LiveWarrant, why: str, moment: Moment) -> tuple[e.Event, ...]:
    """The warrant's end, and the case's where nothing of it is still running."""
    case = state.cases.get(live.case)
    last = case is not None and case.ends_with_this
    revoked = e.WarrantRevoked(live.case, live.warrant, why, closes=last and bool(case and case.letter))
    if not last or revoked.closes:
        return (revoked,)
    return (revoked, e.DeadLetterOpened(moment.fresh.dead_letter(), live.case, "revoked", why, state.last_letter, closes=True))
