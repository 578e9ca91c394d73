"""From what is to be looked at to the check that looks, and from what was seen to what is signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actors.governance import attestation as attestations
from actors.governance import canonical
from actors.governance import probe as probes
from actors.governance.attestation import Attestation
from actors.governance.ids import CaseId, Instant, RunId
from actors.governance.probe import CANNOT_TELL, DID_NOT, HAPPENED, Probe
from vienna_runtime.executors.receipts import RESULT
from vienna_runtime.verifiers.kinds import kind_of
from vienna_runtime.verifiers.observe import Absent, Claim, Expectation, Inconclusive, Observation, Seen, Sight, Value
from vienna_runtime.verifiers.task import Asked, Task

ARGUMENT = "verify."  # a check may declare what the warrant says about the look as parameters of this prefix
Row = tuple[str, str, str, bool]

_MOST_SHOWN = 500  # characters of a value in the attestation: it is for people, the comparison was made on the value itself


def check_for(asked: Asked, action: str, checks: Mapping[str, Sight]) -> str | Inconclusive:
    """The name of the check to make: for this look of this action, for a look of that name, for the action, or for its kind.

    It must be of that kind: policy said how to look, and another way of looking would answer another question.
    """
    named = [name for name in (f"{action}.{asked.name}", asked.name, action, asked.kind) if name in checks]
    fitting = [name for name in named if kind_of(checks[name]) == asked.kind]
    if fitting:
        return fitting[0]
    if named:
        return Inconclusive(why=f"policy asks for {asked.kind!r}, and the check for {named[0]} is of kind {kind_of(checks[named[0]])!r}")
    return Inconclusive(why=f"this verifier has no check for {action}, and none named {asked.name!r} or {asked.kind!r}")


def expectation(check: str, asked: Asked, task: Task) -> Expectation:
    """What to look at: the warrant's own words, and beside them what the receipt claims."""
    warrant, claim = task.warrant, None
    if task.told is not None:
        evidence = task.told.evidence
        result = evidence.get(RESULT, b"")
        claim = Claim(
            result=result if isinstance(result, bytes) else b"",
            result_digest=task.told.result_digest,
            evidence={name: value for name, value in evidence.items() if name != RESULT},
        )
    return Expectation(
        check=check,
        resource=warrant.resource,
        params={**warrant.params, **{ARGUMENT + name: value for name, value in asked.arguments.items()}},
        claim=claim,
        effect_id=warrant.effect,
    )


def row(name: str, seen: Seen) -> Row:
    """One look, as it is signed and recorded."""
    if isinstance(seen, Inconclusive):
        return (name, "an observation", seen.why[:_MOST_SHOWN], False)
    return (name, _shown(seen.expected), _shown(seen.observed), seen.agrees)


def attestation(task: Task, looks: Sequence[tuple[str, Seen]], now: int) -> bytes:
    """The canonical bytes to sign, about exactly this receipt."""
    return attestations.pack(
        Attestation(
            case=CaseId(task.case),
            run=RunId(task.run),
            receipt=canonical.digest(task.receipt),
            verdict=verdict([seen for _, seen in looks]),
            checks=tuple(row(name, seen) for name, seen in looks),
            time=Instant(now),
        )
    )


def probe(task: Task, looks: Sequence[tuple[str, Seen]], now: int) -> bytes:
    """The canonical bytes to sign, about exactly this warrant's effect."""
    return probes.pack(
        Probe(
            case=CaseId(task.case),
            run=RunId(task.run),
            warrant=canonical.digest(task.fields),
            found=found([seen for _, seen in looks]),
            checks=tuple(row(name, seen) for name, seen in looks),
            time=Instant(now),
        )
    )


def verdict(looks: Sequence[Seen]) -> str:
    """A mismatch that was seen counts although something else could not be; agreement counts only where all was seen."""
    if any(isinstance(seen, Observation) and not seen.agrees for seen in looks):
        return "mismatched"
    return "inconclusive" if any(isinstance(seen, Inconclusive) for seen in looks) else "verified"


def found(looks: Sequence[Seen]) -> str:
    return {"verified": HAPPENED, "mismatched": DID_NOT, "inconclusive": CANNOT_TELL}[verdict(looks)]


def _shown(value: Value) -> str:
    match value:
        case Absent():
            return "nothing there"
        case bytes():
            return value.hex()
        case _:
            return str(value)[:_MOST_SHOWN]
