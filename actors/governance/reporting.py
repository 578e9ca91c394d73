"""After the act: receipts, what verifiers saw, and what follows from both in the same batch."""

from __future__ import annotations

from . import attestation, breaker, canonical, receipt
from . import commands as c
from . import events as e
from .decision import Decided, Decision, Facts, Moment
from .ids import MINUTE, Instant, Micros
from .refusals import Code, Refusal, unknown
from .settings import BreakerLimits
from .signing import Purpose, same, verifies
from .state import Case, Member, Run, State

VERIFY_WITHIN = Micros(10 * MINUTE)  # where no bundle says otherwise; an observation that takes longer says little about the act


def report(state: State, command: c.Report, by: Member, facts: Facts, moment: Moment) -> Decision:
    """Takes the receipt in, compares it with the warrant, and closes the run unless policy asks for an observation.

    A receipt that merely agrees is *consistent*, never *verified*.
    """
    try:
        told = receipt.unverified_unpack(command.receipt)
    except canonical.NotCanonical as error:
        return Refusal(Code.MALFORMED, f"the receipt is malformed: {error}")
    if not verifies(Purpose.RECEIPT, by.public_key, command.receipt, command.signature):
        return Refusal(Code.SIGNATURE_INVALID, "the signature is not yours over this receipt", about=told.run)
    run = state.runs.get(told.run)
    if run is None or run.redeemer != by.member or run.warrant != told.warrant:
        if facts.run is not None and facts.run.redeemer == by.member:
            return Refusal(Code.RUN_CLOSED, "the run is closed already", about=told.run)
        return unknown("run", told.run)
    if run.status == "reported":
        if same(run.receipt, canonical.digest(command.receipt)):
            return Decided(answer={"case": run.case, "run": run.run, "repeated": True})
        return Refusal(Code.RUN_CLOSED, "the run was reported already, in other words", about=run.run)
    if run.status == "unknown":
        return Refusal(Code.RUN_CLOSED, "the report came too late: the outcome is unknown until a person settles it", about=run.run)
    if told.ended > moment.now + receipt.CLOCK_ALLOWANCE:
        return Refusal(Code.TIME_SKEWED, "the receipt's times lie more than 60 s ahead of the node's: set your clock", about=run.run)
    within = facts.active.settings.verification_deadline if facts.active is not None else VERIFY_WITHIN
    reported = e.RunReported(run.case, run.run, told.outcome, told.cost, command.receipt, command.signature, Instant(moment.now + within))
    return Decided((reported, *_outcome(state, run, told, moment)), {"case": run.case, "run": run.run})


def _outcome(state: State, run: Run, told: receipt.Receipt, moment: Moment) -> tuple[e.Event, ...]:
    """What the receipt alone settles."""
    if told.outcome == "unknown":
        why = "the executor does not know whether it happened"
        unknown_run = e.RunUnknown(run.case, run.run, run.effect, why)
        return (unknown_run, e.DeadLetterOpened(moment.fresh.dead_letter(), run.case, "unknown", why, state.last_letter, closes=False))
    checks = receipt.compare(told, run.terms, run.args_digest, opened=run.opened)
    agrees = all(check[3] for check in checks)
    if not agrees:
        return _closing(state, run, "mismatched", "receipt", checks, moment, outcome=told.outcome)
    if run.verify and told.outcome == "succeeded":
        return ()  # a verifier looks before anything is said
    return _closing(state, run, "consistent", "receipt", checks, moment, outcome=told.outcome)


def attest(state: State, command: c.Attest, by: Member, moment: Moment) -> Decision:
    """Takes in what a verifier saw; its person stands behind neither the executor nor the agent of the case."""
    try:
        seen = attestation.unverified_unpack(command.attestation)
    except canonical.NotCanonical as error:
        return Refusal(Code.MALFORMED, f"the attestation is malformed: {error}")
    if not verifies(Purpose.ATTESTATION, by.public_key, command.attestation, command.signature):
        return Refusal(Code.SIGNATURE_INVALID, "the signature is not yours over this attestation", about=seen.run)
    run = state.runs.get(seen.run)
    if run is None or run.case != seen.case or run.status != "reported":
        return unknown("run that waits for verification", seen.run)
    if by.person in persons_behind(state, run):
        why = f"nobody verifies its own work, and {by.person} stands behind this run's executor or agent too: another person has to look"
        return Refusal(Code.NOT_ALLOWED, why, about=run.run)
    if not same(seen.receipt, run.receipt):
        return Refusal(Code.STATEMENT_MISMATCH, "the attestation is about another receipt", about=run.run)
    if abs(seen.time - moment.now) > attestation.ALLOWED_SKEW:
        return Refusal(Code.TIME_SKEWED, "the signed time is more than 60 s from the node's: set your clock", about=run.run)
    closing = _closing(state, run, seen.verdict, "observed", seen.checks, moment, by=by, signed=(command.attestation, command.signature))
    return Decided(closing, {"case": run.case, "run": run.run})


def persons_behind(state: State, run: Run) -> frozenset[str]:
    """Whose work this run is: the persons behind its executor and behind its agent, whatever other members stand for them."""
    members = (state.members.get(name) for name in (run.redeemer, run.agent))
    return frozenset(member.person for member in members if member is not None)


def inconclusive(state: State, run: Run, why: str, moment: Moment) -> tuple[e.Event, ...]:
    """The end of a run whose observation never came."""
    return _closing(state, run, "inconclusive", "receipt", (("observation", "in time", why, False),), moment)


def _closing(
    state: State,
    run: Run,
    verdict: str,
    basis: str,
    checks: tuple[receipt.Check, ...],
    moment: Moment,
    *,
    outcome: str = "succeeded",
    by: Member | None = None,
    signed: tuple[bytes, bytes] | None = None,
) -> tuple[e.Event, ...]:
    """The verdict, and a dead letter where the run did not end well; the last event closes the case if nothing of it is live."""
    case = state.cases[run.case]
    last = case.ends_with_this
    kind = _bad_end(verdict, outcome)
    verified = e.RunVerified(
        case=run.case,
        run=run.run,
        verdict=verdict,
        basis=basis,
        checks=checks,
        verifier=by.member if by is not None else None,
        statement=signed[0] if signed is not None else None,
        signature=signed[1] if signed is not None else None,
        closes=last and kind is None,
    )
    if kind is None:
        return (verified,)
    why = "; ".join(f"{name}: expected {expected}, observed {observed}" for name, expected, observed, agrees in checks if not agrees)
    letter = e.DeadLetterOpened(moment.fresh.dead_letter(), run.case, kind, why or f"the run {outcome}", state.last_letter, closes=last)
    return (verified, letter)


def _bad_end(verdict: str, outcome: str) -> str | None:
    if verdict in ("mismatched", "inconclusive"):
        return verdict
    return None if outcome == "succeeded" else outcome


def settle(state: State, command: c.SettleEffect, by: Member) -> Decision:
    """A person says whether an effect of unknown outcome happened; only then may it be asked for again."""
    run = state.runs.get(command.run)
    if run is None or run.status != "unknown":
        return unknown("run of unknown outcome", command.run)
    case: Case = state.cases[run.case]
    settled = e.EffectSettled(run.case, run.run, run.effect, command.happened, by.member, command.reason, closes=case.ends_with_this)
    return Decided((settled,), {"case": run.case, "run": run.run})


def overdue(state: State, run: Run, moment: Moment) -> tuple[e.Event, ...]:
    """The end of waiting for a report: the outcome is unknown and blocks its effect."""
    why = "no report within its deadline"
    letter = e.DeadLetterOpened(moment.fresh.dead_letter(), run.case, "unknown", why, state.last_letter, closes=False)
    return (e.RunUnknown(run.case, run.run, run.effect, why), letter)


def react(state: State, event: e.Event, run: Run, limits: BreakerLimits, at: Instant) -> list[e.Event]:
    """What the breakers make of a run's end, in the same batch.  ``run`` is the run as it was before the event."""
    match event:
        case e.RunVerified():
            good = event.verdict != "mismatched" and run.outcome in ("", "succeeded")
            return breaker.react(state, run, at, limits, good=good)
        case e.RunUnknown():
            return breaker.react(state, run, at, limits, good=False)
        case _:
            return []
