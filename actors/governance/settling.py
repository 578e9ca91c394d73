"""An outcome that nobody knows is settled: by what verifiers see at the target, or by the word of persons.

Nothing is ever done again by itself: an effect that did not happen is free to be asked for, and whoever wants it asks.
"""

from __future__ import annotations

from . import attesting, canonical, kinds, looking, probe
from . import commands as c
from . import events as e
from .canonical import Value
from .decision import Decided, Decision, Moment
from .ids import Instant
from .refusals import Code, Refusal, unknown
from .signed_time import skewed
from .signing import Purpose, same, verifies
from .state import Member, Run, Said, State
from .warrant import CLOCK_ALLOWANCE

MOST_LISTED = 200  # effects in one list: more than anybody settles at once, and they fit a message whatever agents wrote
_TOLD = {"succeeded": probe.HAPPENED, "failed": probe.DID_NOT}


def probed(state: State, command: c.Probe, by: Member, moment: Moment) -> Decision:
    """Takes in whether a verifier found the effect; settles it when enough persons have found the same, and nothing contradicts."""
    try:
        seen = probe.unverified_unpack(command.statement)
    except canonical.NotCanonical as error:
        return Refusal(Code.MALFORMED, f"the probe is malformed: {error}")
    if not verifies(Purpose.PROBE, by.public_key, command.statement, command.signature):
        return Refusal(Code.SIGNATURE_INVALID, "the signature is not yours over this probe", about=seen.run)
    run = state.runs.get(seen.run)
    asked = None if run is None else looking.probe(run.verify)
    if run is None or asked is None or run.case != seen.case or run.status != "unknown":
        return unknown("run whose outcome is to be probed", seen.run)
    if (no := attesting.may_not(state, run, by)) is not None:
        return no
    if not same(seen.warrant, canonical.digest(run.fields)) or [check[0] for check in seen.checks] != [asked["name"]]:
        return Refusal(Code.STATEMENT_MISMATCH, f"the probe is about another warrant, or is not {asked['name']}", about=run.run)
    if (late := skewed(seen.time, moment.now, about=run.run, then="set your clock")) is not None:
        return late
    if seen.found == probe.DID_NOT and (still := quiet_at(run)) > moment.now:
        why = "its executor may still be acting: that it did not happen can be seen when the warrant is over, or the executor has reported"
        return Refusal(Code.TOO_EARLY, why, max(1, (still - moment.now) // 1000), about=run.run)
    event = e.EffectProbed(run.case, run.run, by.member, by.person, seen.found, seen.checks, command.statement, command.signature)
    said = (*run.seen, Said(by.member, by.person, seen.found))
    return Decided((event, *_settled(state, run, said, by)), {"case": run.case, "run": run.run})


def quiet_at(run: Run) -> Instant:
    """From when on nobody acts for this run any more: its executor has reported, or must have stopped when the warrant was over."""
    return Instant(0) if run.receipt else Instant(run.terms.expires_at + CLOCK_ALLOWANCE)


def _settled(state: State, run: Run, said: tuple[Said, ...], by: Member) -> tuple[e.Event, ...]:
    """What follows from what verifiers have found; nothing where they contradict each other or the executor: that takes a person."""
    needs = looking.demanded(run.verify)
    found = {one.what for one in said} - {probe.CANNOT_TELL}
    count = sum(one.what in found for one in said)
    if len(found | ({_TOLD[run.late]} if run.late in _TOLD else set())) != 1 or count < needs.needed:
        return ()
    happened = found == {probe.HAPPENED}
    why = f"{', '.join(one.person for one in said if one.what in found)} looked: it {'happened' if happened else 'did not happen'}"
    return _over(state, run, happened, by.member, looking.basis(needs, count), why)


def settle(state: State, command: c.SettleEffect, by: Member) -> Decision:
    """A person says whether an effect of unknown outcome happened; of what two had to approve it takes two, once the tenant is sealed."""
    run = state.runs.get(command.run)
    if run is None or run.status != "unknown":
        return unknown("run of unknown outcome", command.run)
    answer = {"case": run.case, "run": run.run, "settled": True}
    if not takes_two(state, run):
        if by.kind != kinds.ADMIN:
            return Refusal(Code.NOT_ALLOWED, "an admin says what became of this run", about=run.run)
        return Decided(_over(state, run, command.happened, by.member, "person", command.reason), answer)
    if by.person in state.cases[run.case].excluded:
        why = f"{by.person} stands behind the agent of this case: two others have to say what became of it"
        return Refusal(Code.SELF_APPROVAL, why, about=run.run)
    word = "happened" if command.happened else "did_not_happen"
    first = run.vouched[0] if run.vouched else None
    if first is not None and first.person == by.person and first.what == word:
        return Refusal(Code.ALREADY_VOTED, f"{by.person} has said so already: it takes a second person", about=run.run)
    if first is None or first.person == by.person or first.what != word:  # a word against the one before takes its place
        vouched = e.EffectVouched(run.case, run.run, command.happened, by.member, by.person, command.reason)
        return Decided((vouched,), {**answer, "settled": False})
    why = f"{first.person} and {by.person}: {command.reason}"
    return Decided(_over(state, run, command.happened, by.member, "person", why), answer)


def listed(state: State) -> list[Value]:
    """The effects that wait to be settled, the oldest first; at most ``MOST_LISTED`` of them, and ``status`` says how many there are."""
    waiting = sorted((run for run in state.runs.values() if run.status == "unknown"), key=lambda run: (run.since, run.run))
    return [
        {
            "run": run.run, "case": run.case, "effect": run.effect, "agent": run.agent, "executor": run.redeemer, "action": run.action,
            "resource": run.terms.resource, "since": run.since, "cost": run.cost, "late": run.late,
            "seen": [{"person": said.person, "found": said.what} for said in run.seen],
            "vouched": [{"person": said.person, "found": said.what} for said in run.vouched],
            "probe": looking.probe(run.verify) is not None, "takes_two": takes_two(state, run), "letter": run.letter or "",
        }
        for run in waiting[:MOST_LISTED]
    ]  # fmt: skip


def takes_two(state: State, run: Run) -> bool:
    return state.phase == "sealed" and run.terms.tier == "T2"


def _over(state: State, run: Run, happened: bool, by: str, basis: str, why: str) -> tuple[e.Event, ...]:
    """The outcome is known: with it goes the run's dead letter, unless a person has resolved that already."""
    closes = state.cases[run.case].ends_with_this
    settled = e.EffectSettled(run.case, run.run, run.effect, happened, by, basis, why, closes=closes)
    if not run.letter:
        return (settled,)
    said = f"{run.run} is settled, it {'happened' if happened else 'did not happen'}: {why}"
    return (settled, e.DeadLetterResolved(run.letter, by, said, None, "unknown", run.since))
