"""Verifiers say what they saw of a reported run, and the verdict follows when enough persons have looked.

verified        as many different persons as policy asks for saw it as expected, and nobody otherwise
mismatched      one of them saw it otherwise: a receipt that reality contradicts is never noise, whoever else agrees
inconclusive    as many can no longer see it: those who looked could not, or time is over
"""

from __future__ import annotations

from . import attestation, canonical, kinds, looking, reporting
from . import commands as c
from . import events as e
from .decision import Decided, Decision, Moment
from .looking import Count
from .refusals import Code, Refusal, unknown
from .signed_time import skewed
from .signing import Purpose, same, verifies
from .state import Member, Run, Said, State


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
    if (no := may_not(state, run, by)) is not None:
        return no
    if not same(seen.receipt, run.receipt):
        return Refusal(Code.STATEMENT_MISMATCH, "the attestation is about another receipt", about=run.run)
    if (late := skewed(seen.time, moment.now, about=run.run, then="set your clock")) is not None:
        return late
    asked = looking.names(run.verify)
    if sorted(check[0] for check in seen.checks) != sorted(asked):
        why = f"the warrant asks for {', '.join(sorted(asked))}: each of them once, and nothing else"
        return Refusal(Code.STATEMENT_MISMATCH, why, about=run.run)
    answer = {"case": run.case, "run": run.run}
    needs = looking.demanded(run.verify)
    if needs.of == 1:
        return Decided(
            reporting.closing(
                state, run, seen.verdict, looking.OBSERVED, seen.checks, moment, by=by, signed=(command.attestation, command.signature)
            ),
            answer,
        )
    attested = e.RunAttested(run.case, run.run, by.member, by.person, seen.verdict, seen.checks, command.attestation, command.signature)
    said = (*run.seen, Said(by.member, by.person, seen.verdict))
    count = counted(said)
    verdict = None
    if count.no:
        verdict = "mismatched"
    elif count.yes >= needs.needed:
        verdict = "verified"
    elif not count.open(needs, len(others(state, run, said))):
        verdict = "inconclusive"
    if verdict is None:
        return Decided((attested,), answer)
    basis = looking.basis(needs, count.no or count.yes)
    return Decided((attested, *reporting.closing(state, run, verdict, basis, seen.checks, moment)), answer)


def counted(said: tuple[Said, ...]) -> Count:
    what = [one.what for one in said]
    return Count(what.count("verified"), what.count("mismatched"), what.count("inconclusive"))


def may_not(state: State, run: Run, by: Member) -> Refusal | None:
    """Why this member's look does not count, or None."""
    if by.person in reporting.persons_behind(state, run):
        why = f"nobody verifies its own work, and {by.person} stands behind this run's executor or agent too: another person has to look"
        return Refusal(Code.NOT_ALLOWED, why, about=run.run)
    if any(one.person == by.person for one in run.seen):
        return Refusal(Code.ALREADY_VOTED, f"{by.person} has looked at this run already, and counts once", about=run.run)
    if len(run.seen) >= looking.demanded(run.verify).of:
        return Refusal(Code.NO_SEAT, "as many persons have looked as policy asks for", about=run.run)
    return None


def others(state: State, run: Run, said: tuple[Said, ...]) -> frozenset[str]:
    """The persons who could look yet."""
    gone = reporting.persons_behind(state, run) | {one.person for one in said}
    return frozenset(member.person for member in state.active(kinds.VERIFIER)) - gone


def overdue(state: State, run: Run, moment: Moment) -> tuple[e.Event, ...]:
    """The end of a run that too few have looked at in time."""
    needs, count = looking.demanded(run.verify), counted(run.seen)
    if needs.of == 1:
        return reporting.inconclusive(state, run, "no observation within its deadline", moment)
    why = f"{needs.needed} persons had to see it, and {count.yes} did within its deadline"
    return reporting.inconclusive(state, run, why, moment, basis=looking.basis(needs, count.yes))
