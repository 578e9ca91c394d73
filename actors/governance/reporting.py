"""After the act: receipts, and what follows from them in the same batch."""

from __future__ import annotations

from . import canonical, links, looking, receipt, stocktaking
from . import commands as c
from . import events as e
from .decision import Decided, Decision, Facts, Moment
from .ids import MINUTE, Instant, Micros
from .refusals import Code, Refusal, unknown
from .signing import Purpose, same, verifies
from .state import Member, Run, State

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
        return _late(state, command, told, run, by, moment)
    if told.ended > moment.now + receipt.CLOCK_ALLOWANCE:
        return Refusal(Code.TIME_SKEWED, "the receipt's times lie more than 60 s ahead of the node's: set your clock", about=run.run)
    within = facts.active.settings.verification_deadline if facts.active is not None else VERIFY_WITHIN
    reported = e.RunReported(run.case, run.run, told.outcome, told.cost, command.receipt, command.signature, Instant(moment.now + within))
    also = stocktaking.received(state, told, by, moment)
    return Decided((reported, *_outcome(state, run, told, moment), *also), {"case": run.case, "run": run.run})


def _outcome(state: State, run: Run, told: receipt.Receipt, moment: Moment) -> tuple[e.Event, ...]:
    """What the receipt alone settles."""
    if told.outcome == "unknown":
        why = "the executor does not know whether it happened"
        unknown_run = e.RunUnknown(run.case, run.run, run.effect, why)
        return (unknown_run, e.DeadLetterOpened(moment.fresh.dead_letter(), run.case, "unknown", why, state.last_letter, closes=False))
    checks = receipt.compare(told, links.narrowed(run.terms, run.chain), run.args_digest, opened=run.opened)
    agrees = all(check[3] for check in checks)
    if not agrees:
        return closing(state, run, "mismatched", "receipt", checks, moment, outcome=told.outcome)
    if looking.checks(run.verify) and told.outcome == "succeeded":
        return ()  # a verifier looks before anything is said
    return closing(state, run, "consistent", "receipt", checks, moment, outcome=told.outcome)


def persons_behind(state: State, run: Run) -> frozenset[str]:
    """Whose work this run is: the persons behind its executor, its agent and everybody who handed the warrant on, whatever other
    members stand for them."""
    members = (state.members.get(name) for name in (run.redeemer, run.agent, *run.holders))
    return frozenset(member.person for member in members if member is not None)


def _late(state: State, command: c.Report, told: receipt.Receipt, run: Run, by: Member, moment: Moment) -> Decision:
    """A receipt of a run whose outcome is unknown already is kept as evidence; it settles nothing by itself."""
    if run.receipt and same(run.receipt, canonical.digest(command.receipt)):
        return Decided(answer={"case": run.case, "run": run.run, "repeated": True})
    if run.late:
        return Refusal(Code.RUN_CLOSED, "a late report of this run was recorded already, in other words", about=run.run)
    if told.ended > moment.now + receipt.CLOCK_ALLOWANCE:
        return Refusal(Code.TIME_SKEWED, "the receipt's times lie more than 60 s ahead of the node's: set your clock", about=run.run)
    late = e.RunReportedLate(run.case, run.run, told.outcome, told.cost, command.receipt, command.signature)
    return Decided((late, *stocktaking.received(state, told, by, moment)), {"case": run.case, "run": run.run, "late": True})


def inconclusive(state: State, run: Run, why: str, moment: Moment, *, basis: str = "receipt") -> tuple[e.Event, ...]:
    """The end of a run whose observation never came."""
    return closing(state, run, "inconclusive", basis, (("observation", "in time", why, False),), moment)


def closing(
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


def overdue(state: State, run: Run, moment: Moment) -> tuple[e.Event, ...]:
    """The end of waiting for a report: the outcome is unknown and blocks its effect."""
    why = "no report within its deadline"
    letter = e.DeadLetterOpened(moment.fresh.dead_letter(), run.case, "unknown", why, state.last_letter, closes=False)
    return (e.RunUnknown(run.case, run.run, run.effect, why), letter)
