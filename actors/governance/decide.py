"""From (state, command, who, facts, moment) to events or a refusal: the one door to every decision."""

from __future__ import annotations

from typing import assert_never

import attrs

from . import (
    approving,
    attesting,
    conversing,
    enveloping,
    forgetting,
    governed,
    guarding,
    heard,
    membership,
    pauses,
    pausing,
    proposing,
    reconciling,
    recovering,
    redeeming,
    reporting,
    revoking,
    seating,
    settling,
    shadowing,
    stocktaking,
    trying,
    using,
)
from . import commands as c
from .decision import Asker, Decided, Decision, Facts, Invitee, Moment, Operator
from .refusals import Code, Refusal
from .state import Member, State

EVIDENCE = (
    c.Report,
    c.Attest,
    c.Probe,
    c.Cancel,
    c.RevokeWarrant,
    c.RevokeEnvelope,
    c.RevokeWarrants,
    c.RevokeMember,
    c.TripBreaker,
    c.Pause,
    c.AcknowledgeAlert,
    c.PlaceHold,
    c.ObjectToRecovery,
    c.ReturnSeat,
    c.BringEvidence,
    c.TakeStock,
)  # taken in whatever is paused


def decide(state: State, command: c.Command, by: Asker, facts: Facts, moment: Moment) -> Decision:
    """The events that ``command`` makes happen, or why it does not.  Changes nothing."""
    match by:
        case Invitee():
            return membership.enrol(state, command, by, moment) if isinstance(command, c.Enrol) else _not_for("invitee")
        case Operator():
            return _by_operator(state, command, by, moment)
        case Member():
            decision = _by_member(state, command, by, facts, moment)
            if isinstance(command, c.GOVERNED):
                decision = governed.once(decision, facts.prior)
            if (
                state.recovery is None
                or not isinstance(decision, Decided)
                or not decision.events
                or isinstance(command, c.ObjectToRecovery)
            ):
                return decision
            return attrs.evolve(decision, events=(*decision.events, *recovering.seen(state, by, moment)))
        case _:
            assert_never(by)


def _not_for(kind: str) -> Refusal:
    return Refusal(Code.NOT_ALLOWED, f"this is not for {kind}s")


def _by_operator(state: State, command: c.Command, by: Operator, moment: Moment) -> Decision:
    match command:
        case c.Found():
            return membership.found(state, command, by.name, moment)
        case c.Pause():
            return pausing.pause(state, command, by, moment)
        case c.Resume():
            return pausing.resume(state, command, by, moment)
        case c.TripBreaker():
            return guarding.trip(state, command, by, moment)
        case c.ResetBreaker():
            return guarding.reset(state, command, by)
        case c.AgreeToRecovery():
            return recovering.agree(state, command, by, moment)
        case _:
            return _not_for("operator")


def _by_member(state: State, command: c.Command, by: Member, facts: Facts, moment: Moment) -> Decision:
    if by.status != "active":
        return Refusal(Code.NOT_ALLOWED, "your membership has ended")
    denial = isinstance(command, c.Vote) and command.decision == "deny"
    if not denial and not isinstance(command, EVIDENCE) and (no := pauses.shuts_out(state, by)) is not None:
        return no
    match command:
        case c.Propose():
            return proposing.propose(state, command, by, facts, moment)
        case c.ProposeCanary():
            return trying.propose(state, command, by, facts, moment)
        case c.Redeem():
            return redeeming.redeem(state, command, by, facts, moment)
        case c.Report():
            return reporting.report(state, command, by, facts, moment)
        case c.Attest():
            return attesting.attest(state, command, by, moment)
        case c.Probe():
            return settling.probed(state, command, by, moment)
        case c.Vote():
            return approving.vote(state, command, by, facts, moment)
        case c.OpenCard():
            return approving.opened(state, command, by, moment)
        case c.DelegateSeat():
            return seating.delegate(state, command, by, moment)
        case c.ReturnSeat():
            return seating.give_back(state, command, by)
        case c.SignEnvelope():
            return enveloping.sign(state, command, by, facts, moment)
        case c.RevokeEnvelope():
            return enveloping.revoke(state, command, by)
        case c.AskAgent():
            return conversing.ask(state, command, by, moment)
        case c.AnswerApprover():
            return conversing.answer(state, command, by, moment)
        case c.Cancel():
            return redeeming.cancel(state, command, by, facts.canary_of, moment)
        case c.RevokeWarrant():
            return redeeming.revoke(state, command, by, moment)
        case c.RevokeWarrants():
            return revoking.revoke_all(state, command, by)
        case c.UseWarrant():
            return using.ask(state, command, by, facts, moment)
        case c.Invite():
            return membership.invite(state, command, by, moment)
        case c.Confirm():
            return membership.confirm(state, command, by, moment)
        case c.ChangeMember():
            return membership.change(state, command, by, moment)
        case c.RevokeMember():
            return membership.revoke(state, command, by, moment)
        case c.Seal():
            return membership.seal(state, by)
        case c.PushBundle():
            return guarding.push(command, by, facts)
        case c.ActivateBundle():
            return guarding.activate(state, command, by, facts, moment)
        case c.TripBreaker():
            return guarding.trip(state, command, by, moment)
        case c.ResetBreaker():
            return guarding.reset(state, command, by)
        case c.Pause():
            return pausing.pause(state, command, by, moment)
        case c.Resume():
            return pausing.resume(state, command, by, moment)
        case c.AcknowledgeAlert():
            return heard.acknowledge(state, command, by)
        case c.RetryLetter():
            return guarding.retry(state, command, by, facts, moment)
        case c.ResolveLetter():
            return guarding.resolve(command, by, facts, moment)
        case c.ResolveFinding():
            return reconciling.resolve(state, command.finding, command.reason, by, facts)
        case c.TakeStock():
            return stocktaking.take(state, command, by, facts, moment)
        case c.BringEvidence():
            return reconciling.compared(state, command, by, moment)
        case c.SettleEffect():
            return settling.settle(state, command, by)
        case c.PlaceHold():
            return forgetting.place(state, command.scope, command.reason, by, moment, case_known=facts.case_known)
        case c.ReleaseHold():
            return forgetting.release(state, command.hold, command.reason, by, command.key, moment)
        case c.RunRetention():
            return forgetting.run(state, by, command.key, facts, moment)
        case c.Erase():
            return forgetting.erase(state, command.what, command.reason, by, command.key, facts.spans, moment)
        case c.StartShadow():
            return shadowing.start(state, command, by, facts)
        case c.StopShadow():
            return shadowing.stop(state, by)
        case c.InviteForRecovery():
            return recovering.invite(state, command, by, moment)
        case c.AnnounceRecovery():
            return recovering.announce(state, command, by, moment)
        case c.ObjectToRecovery():
            return recovering.object_to(state, command, by, moment)
        case c.ApplyRecovery():
            return recovering.apply(state, command, by, facts, moment)
        case c.Enrol() | c.Found() | c.AgreeToRecovery():
            return _not_for(by.kind)
        case _:
            assert_never(command)
