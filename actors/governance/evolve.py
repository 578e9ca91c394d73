"""Folds one recorded event into the state.  Never refuses: the ledger is already true."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, assert_never, get_args

import attrs

from . import (
    alerts,
    breaker,
    budgets,
    canonical,
    counters,
    folding_approvals,
    folding_canaries,
    letters,
    links,
    narrowing,
    pauses,
    readers,
    recovery,
    revoking,
    shadowing,
    stocktaking,
    watching,
)
from . import events as e
from . import warrant as warrants
from .approval import unverified_unpack as unpack_statement
from .ids import Cost, Digest, Instant
from .retention import retained
from .state import Ask, Case, Invitation, LiveWarrant, Member, Run, Said, State, epoch, worthless

Fold: TypeAlias = Callable[[State, Any, Case | None, Instant], None]  # state, event, its case as far as it is open, when

SLACK = 4_096  # deadlines that may lie on the heap although what they were for is over


def evolve(state: State, event: e.Event, at: Instant, seq: int) -> None:
    """Changes ``state`` as ``event``, entry ``seq`` of the log, recorded at ``at``, says."""
    state.size = seq + 1
    state.time = at
    case = state.cases.get(getattr(event, "case", ""))
    if case is not None and not isinstance(event, e.BreakerProbed):
        case.step += 1
        case.last = seq
    if (found := alerts.cause(state, event)) is not None:
        alerts.noted(state.alerts, found, at)
    if state.counts:
        counters.note(state, event, case, at)
    if state.limits:
        budgets.note(state, event, at)
    _FOLDS[type(event)](state, event, case, at)
    if case is not None and getattr(event, "closes", False):
        del state.cases[case.case]
        for digest, when in state.judged.items():
            if when >= case.began:  # in force, or decided under, during its life: needed as long as the case is there to be checked
                state.judged[digest] = at
        if len(state.deadlines) > SLACK and len(state.deadlines) > 8 * (len(state.cases) + len(state.warrants) + len(state.runs)):
            remember_deadlines(state)  # most of them are of closed cases: state is bounded, and a rebuild is paid by what it drops


def _decided(
    state: State,
    event: e.IntentProposed | e.CaseDecided | e.ApprovalRequested | e.ApprovalGiven | e.ApprovalDenied | e.ChangeApplied,
    case: Case | None,
    at: Instant,
) -> None:
    if isinstance(event, e.IntentProposed):
        state.tally.proposed += 1
        if state.bundle is not None:
            state.judged[state.bundle.hex()] = state.time
        case = state.cases[event.case] = Case(
            case=event.case,
            agent=event.agent,
            intent=event.intent,
            intent_digest=Digest(canonical.digest(event.intent)),
            key=event.key,
            parent=event.parent,
            founding=event.founding,
            excluded=event.excluded,
            began=state.time,
            last=state.size - 1,  # this entry
        )
        watching.proposed(state, case, at)
        return
    if case is None:
        return
    match event:
        case e.CaseDecided():
            case.tier, case.quorum, case.persons, case.executor = event.tier, event.quorum, event.persons, event.executor
            case.ttl, case.uses, case.cost_cap, case.verify = event.ttl, event.uses, event.cost_cap, event.verify
            case.constraints, case.review = event.constraints, event.review
            case.bundle, case.policies, case.state_digest = event.bundle, event.policies, event.state_digest
            state.judged[event.bundle.hex()] = state.time
            case.given = ()
            if event.permitted:
                watching.decided(state, case, at, permitted=True)
            else:
                case.status = "over"
        case e.ApprovalRequested():
            case.status = "held"
            case.card = canonical.digest(event.card)
            case.card_bytes = event.card
            case.stage, case.opened = 0, {}
            case.expires_at = event.expires_at
            state.remind(event.expires_at, "held", case.case)
        case e.ApprovalGiven():
            case.given = (*case.given, narrowing.given(event.approver, event.person, unpack_statement(event.statement), event.seats))
            readers.decided(state, event, case, at)
        case e.ApprovalDenied():
            readers.decided(state, event, case, at)
            _drop_votes(case)
        case e.ChangeApplied():
            case.status = "applied"
        case _:
            assert_never(event)


def _ended(_state: State, _event: e.CaseExpired | e.CaseCancelled, case: Case | None, _at: Instant) -> None:
    _drop_votes(case)


def _drop_votes(case: Case | None) -> None:
    if case is not None:
        case.status = "over"


def _warranted(
    state: State, event: e.WarrantIssued | e.WarrantRevoked | e.WarrantExpired | e.TargetStale, case: Case | None, at: Instant
) -> None:
    match event:
        case e.WarrantIssued():
            terms = warrants.unpack_own(event.fields)
            state.tally.warranted += 1
            state.warrants[event.warrant] = LiveWarrant(
                warrant=event.warrant,
                case=event.case,
                fields=event.fields,
                digest=Digest(canonical.digest(event.fields)),
                agent=terms.agent,
                executor=terms.executor,
                action=terms.action,
                verify=terms.verify,
                expires_at=terms.expires_at,
                uses_left=terms.uses,
                epoch=epoch(state, terms.agent, terms.action),
                read=terms,
            )
            state.remind(terms.expires_at, "warrant", event.warrant)
            if case is not None:
                case.status = "warranted"
                case.card_bytes = b""
                case.live += 1
                if state.counts:
                    case.granted = (*case.granted, (at, counters.worst(terms, case.wish)))
        case e.WarrantRevoked() | e.WarrantExpired():
            _end_warrant(state, event.warrant, case)
        case e.TargetStale():
            _end_warrant(state, event.warrant, case)
            if case is not None:
                case.stale = event.attempt
                case.status = "proposed"
        case _:
            assert_never(event)


def _end_warrant(state: State, name: str, case: Case | None) -> None:
    if state.warrants.pop(name, None) is not None and case is not None:
        case.live -= 1


def _executed(
    state: State,
    event: e.RunOpened | e.RunReported | e.RunUnknown | e.RunVerified,
    case: Case | None,
    at: Instant,
) -> None:
    if isinstance(event, e.RunOpened):
        _opened(state, event, case, at)
        return
    run = state.runs.get(event.run)
    if run is None:
        return
    match event:
        case e.RunReported():
            run.status = "reported"
            stocktaking.note(state, run.redeemer, event.receipt, at)
            run.outcome, run.cost = event.outcome, Cost(budgets.charged(run.terms, event.cost))
            run.receipt = canonical.digest(event.receipt)
            run.due = event.verify_by
            state.remind(event.verify_by, "verify", run.run)
            if event.outcome != "unknown":
                watching.reported(state, run, run.cost, at)
        case e.RunUnknown():
            run.status, run.since = "unknown", at
            state.blocked[event.effect] = run.run
            state.tally.unknown += 1
            watching.became_unknown(state, run, at)
        case e.RunVerified():
            del state.runs[run.run]
            if case is not None:
                case.live -= 1
            state.tally.verified += event.verdict == "verified"
            state.tally.consistent += event.verdict == "consistent"
            state.tally.mismatched += event.verdict == "mismatched"
            state.tally.failed += run.outcome == "failed"
            readers.came_of_it(state, run, event.verdict)
            watching.ended(state, run, event.verdict, at)
        case _:
            assert_never(event)


def _looked(
    state: State,
    event: e.RunAttested | e.RunReportedLate | e.EffectProbed | e.EffectVouched | e.EffectSettled,
    case: Case | None,
    at: Instant,
) -> None:
    run = state.runs.get(event.run)
    if run is None:
        return
    match event:
        case e.RunAttested():
            run.seen = (*run.seen, Said(event.verifier, event.person, event.verdict))
        case e.EffectProbed():
            run.seen = (*run.seen, Said(event.verifier, event.person, event.found))
        case e.RunReportedLate():
            stocktaking.note(state, run.redeemer, event.receipt, at)
            run.late, run.receipt = event.outcome, canonical.digest(event.receipt)
            run.cost = Cost(max(run.cost, event.cost))
        case e.EffectVouched():
            run.vouched = (Said(event.by, event.person, "happened" if event.happened else "did_not_happen"),)
        case e.EffectSettled():
            del state.runs[run.run]
            _unblock(state, event.effect)
            state.tally.verified += event.happened and event.basis != "person"
            if case is not None:
                case.live -= 1
        case _:
            assert_never(event)


def _unblock(state: State, effect: str) -> None:
    """The effect stays blocked while another run of it is unknown: by the newest, for the order of ``runs`` is lost in a snapshot."""
    state.blocked.pop(effect, None)
    waiting = [run for run in state.runs.values() if run.status == "unknown" and run.effect == effect]
    if waiting:
        state.blocked[effect] = max(waiting, key=lambda run: (run.since, run.run)).run


def _opened(state: State, event: e.RunOpened, case: Case | None, at: Instant) -> None:
    warrant = state.warrants[event.warrant]
    state.tally.runs += 1
    state.runs[event.run] = Run(
        run=event.run,
        case=event.case,
        warrant=event.warrant,
        fields=warrant.fields,
        agent=warrant.agent,
        action=warrant.action,
        verify=warrant.verify,
        redeemer=event.redeemer,
        effect=event.effect,
        args_digest=event.args_digest,
        opened=at,
        due=event.report_by,
        chain=event.chain,
        holders=event.holders,
        read=warrant.read,
    )
    state.remind(event.report_by, "report", event.run)
    if case is not None:
        case.live += 1
    for digest in links.digests(event.chain):
        warrant.by_link[digest.hex()] = warrant.by_link.get(digest.hex(), 0) + 1
    warrant.begun = warrant.begun or event.use == 1
    if event.use > 1:
        done = lambda asked: attrs.evolve(asked, params=None, redeemed=True) if asked.use == event.use else asked  # noqa: E731
        warrant.asks = tuple(map(done, warrant.asks))
    warrant.uses_left -= 1
    if warrant.uses_left == 0:
        _end_warrant(state, event.warrant, case)


def _asked_or_revoked(state: State, event: e.WarrantUseAsked | e.WarrantsRevoked, _case: Case | None, _at: Instant) -> None:
    match event:
        case e.WarrantUseAsked():
            live = state.warrants[event.warrant]
            params = None if event.params is None else canonical.pack(event.params)  # type: ignore[arg-type]  # values, as decoded
            live.asks = (*live.asks, Ask(event.use, event.key, b"" if params is None else canonical.digest(params), params))
        case e.WarrantsRevoked():
            revoking.revoked(state, event)
            _remind_of_worthless(state)
        case _:
            assert_never(event)


Noted = e.DeadLetterOpened | e.DeadLetterResolved | e.DeadLetterResolvedBefore | e.DeadLettersAged | e.CommandRefused


def _noted(state: State, event: Noted, case: Case | None, at: Instant) -> None:
    match event:
        case e.DeadLetterOpened():
            letters.opened(state, event, case, at)
            if case is not None and event.kind == "denied":
                watching.decided(state, case, at, permitted=False)
        case e.DeadLetterResolvedBefore():
            letters.resolved_before(state, event)
        case e.DeadLettersAged():
            letters.said(state, event)
        case e.DeadLetterResolved():
            letters.resolved(state, event)
        case e.CommandRefused():
            state.tally.refused += 1
        case _:
            assert_never(event)


def _guarded(state: State, event: breaker.Guarding, _case: Case | None, at: Instant) -> None:
    breaker.fold(state, event, at)
    if isinstance(event, (e.BreakerTripped, e.BreakerTrippedBefore)):
        _remind_of_worthless(state)


def _remind_of_worthless(state: State) -> None:
    for live in state.warrants.values():
        if worthless(state, live) is not None:
            state.remind(Instant(0), "warrant", live.warrant)


Membership = (
    e.TenantFounded | e.TenantSealed | e.MemberInvited
    | e.MemberEnrolled | e.MemberConfirmed | e.MemberChanged | e.MemberRevoked | e.BundlePushed | e.BundleActivated
)  # fmt: skip

Keeping = (
    e.RetentionSet | e.HoldPlaced | e.HoldReleased | e.DateConfirmed | e.ErasureOrdered | e.BodiesRemoved | e.ForgettingEnded
)  # fmt: skip

# What a decision rests on beside its case.  Each of these entries, and each entry of a case, names the newest one before it.
STANDING = frozenset(
    {
        e.TenantFounded, e.TenantSealed, e.TenantSuspended, e.TenantResumed, e.MemberInvited,
        e.MemberEnrolled, e.MemberConfirmed, e.MemberChanged, e.MemberRevoked, e.BundleActivated, e.EnvelopeSigned, e.EnvelopeRevoked,
        e.SeatDelegated, e.SeatReturned, e.ScopePaused, e.ScopeResumed,
    }
)  # fmt: skip


def _membership(state: State, event: Membership, _case: Case | None, at: Instant) -> None:
    if type(event) in STANDING:
        state.standing = state.size - 1  # this entry
    match event:
        case e.TenantFounded():
            state.phase = "founding"
        case e.TenantSealed():
            state.phase = "sealed"
        case e.MemberInvited():
            _drop_invitations(state, event.member)
            fields = attrs.asdict(event, filter=lambda a, _: a.name in ("member", "kind", "person", "owner", "invitation"))
            state.members[event.member] = Member(**fields, roles=frozenset(event.roles), status="invited")
            state.invitations[event.invitation] = Invitation(event.invitation, event.member, event.token_hash, event.expires_at)
            state.remind(event.expires_at, "invitation", event.invitation)
        case e.MemberEnrolled():
            member = state.members[event.member]
            member.status, member.public_key, member.key_id, member.key_hash = "enrolled", event.public_key, event.key_id, event.key_hash
            state.invitations.pop(event.invitation, None)
        case e.MemberConfirmed():
            state.members[event.member].status = "active"
        case e.MemberChanged():
            state.members[event.member].roles = frozenset(event.roles)
        case e.MemberRevoked():
            state.members[event.member].status = "revoked"
            _drop_invitations(state, event.member)
            _remind_of_worthless(state)
            folding_approvals.left(state, event.member)
        case e.BundlePushed():
            pass
        case e.BundleActivated():
            counters.declare(state, event.counters, at)
            budgets.declare(state, event.zone, event.limits)
            state.bundle = event.bundle
            state.authors = tuple(sorted({event.author, event.person} - {""}))
            state.judged[event.bundle.hex()] = state.time
            _remind_to_decide_again(state)
            letters.remember(state)
            for known in state.envelopes.values():
                if known.bundle != event.bundle:
                    folding_approvals.end(state, known, "another bundle was activated")
        case _:
            assert_never(event)


def _paused(state: State, event: pauses.Pauses, _case: Case | None, at: Instant) -> None:
    state.standing = state.size - 1  # this entry
    pauses.folded(state, event, at)
    _remind_of_worthless(state)


def _alerted(state: State, event: e.AlertRaised | e.AlertAcknowledged, _case: Case | None, at: Instant) -> None:
    alerts.folded(state.alerts, event, at, state.size - 1)


def _remind_to_decide_again(state: State) -> None:
    """Cases that wait for people under another bundle than the active one: due at once."""
    for case in state.cases.values():
        if case.status == "held" and case.bundle != state.bundle:
            state.remind(Instant(0), "bundle", case.case)


def _drop_invitations(state: State, member: str) -> None:
    """A newer invitation replaces an older one, and a revocation ends it: what lies about is worth nothing."""
    for name in [known.invitation for known in state.invitations.values() if known.member == member]:
        del state.invitations[name]


def remember_deadlines(state: State) -> None:
    """Makes ``state.deadlines`` anew from everything that is open: after a snapshot was read, and when most of them are over."""
    state.deadlines = []
    for case in state.cases.values():
        if case.status == "held":
            state.remind(Instant(0) if case.orphaned else case.expires_at, "held", case.case)
    _remind_to_decide_again(state)
    letters.remember(state)
    for live in state.warrants.values():
        state.remind(live.expires_at if worthless(state, live) is None else Instant(0), "warrant", live.warrant)
    for run in state.runs.values():
        if run.status != "unknown":
            state.remind(run.due, "report" if run.status == "open" else "verify", run.run)
    for known in state.envelopes.values():
        state.remind(Instant(0) if known.ended else known.until, "envelope", known.envelope)
    for invitation in state.invitations.values():
        state.remind(invitation.expires_at, "invitation", invitation.invitation)


def _kept(state: State, event: Keeping, _case: Case | None, at: Instant) -> None:
    retained(state, event, at)


def _nothing(_state: State, _event: e.Event, _case: Case | None, _at: Instant) -> None:
    """What is recorded and changes nothing that is remembered."""


def _for_each(kinds: Any, fold: Fold) -> dict[type, Fold]:
    return dict.fromkeys(get_args(kinds), fold)


# How each kind of event is folded.  A subject of its own file brings its own table, and is added here.
_FOLDS: Mapping[type, Fold] = {
    **_for_each(e.IntentProposed | e.CaseDecided | e.ApprovalRequested | e.ApprovalGiven | e.ApprovalDenied | e.ChangeApplied, _decided),
    **_for_each(folding_approvals.Asked, folding_approvals.asked),
    **_for_each(folding_approvals.Talked, folding_approvals.talked),
    **_for_each(folding_approvals.InAdvance, folding_approvals.in_advance),
    **_for_each(folding_approvals.Seats, folding_approvals.seated),
    **_for_each(folding_canaries.Canaries, folding_canaries.folded),
    **_for_each(e.CaseExpired | e.CaseCancelled, _ended),
    **_for_each(e.WarrantIssued | e.WarrantRevoked | e.WarrantExpired | e.TargetStale, _warranted),
    **_for_each(e.WarrantUseAsked | e.WarrantsRevoked, _asked_or_revoked),
    **_for_each(e.RunOpened | e.RunReported | e.RunUnknown | e.RunVerified, _executed),
    **_for_each(e.RunAttested | e.RunReportedLate | e.EffectProbed | e.EffectVouched | e.EffectSettled, _looked),
    **_for_each(breaker.Guarding, _guarded),
    **_for_each(Noted, _noted),
    **_for_each(stocktaking.Reconciling, stocktaking.folded),
    **_for_each(Keeping, _kept),
    **_for_each(Membership, _membership),
    **_for_each(pauses.Pauses, _paused),
    **_for_each(e.AlertRaised | e.AlertAcknowledged, _alerted),
    e.BudgetWarned: _nothing,
    e.CommandQuarantined: _nothing,
    **_for_each(shadowing.Shadowing, shadowing.folded),
    **_for_each(recovery.Recovering, recovery.folded),
    e.SnapshotMade: _nothing,
}
if missing := set(get_args(e.Event)) - _FOLDS.keys():
    raise TypeError(f"nothing folds {sorted(kind.__name__ for kind in missing)}")
