"""From what is to be verified to what is looked at, and from what was seen to what is attested."""

from __future__ import annotations

from collections.abc import Mapping

from actors.governance import attestation as attestations
from actors.governance import canonical
from actors.governance import receipt as receipts
from actors.governance.attestation import Attestation
from actors.governance.canonical import NotCanonical
from actors.governance.ids import CaseId, Instant, RunId
from actors.governance.receipt import Receipt
from actors.governance.warrant import Warrant
from vienna_runtime.executors.receipts import RESULT
from vienna_runtime.verifiers.exit_code import ExitCode
from vienna_runtime.verifiers.file_digest import FileDigest
from vienna_runtime.verifiers.git_ref import GitRef
from vienna_runtime.verifiers.observe import Absent, Claim, Expectation, Inconclusive, Seen, Sight, Value

KINDS: Mapping[type, str] = {FileDigest: "file_digest", ExitCode: "exit_code", GitRef: "git_ref"}
ARGUMENT = "verify."  # a check may declare the arguments of the warrant's observation as parameters of this prefix

_MOST_SHOWN = 500  # characters of a value in the attestation: it is for people, the comparison was made on the value itself


def check_for(warrant: Warrant, checks: Mapping[str, Sight]) -> str | Inconclusive:
    """The name of the check to make: the one named like the action, else like the kind of observation that policy asks for.

    It must be of that kind: policy said how to look, and another way of looking would answer another question.
    """
    kind = warrant.verify.get("kind", "")
    name = next((name for name in (warrant.action, kind) if name in checks), None)
    if name is None:
        return Inconclusive(why=f"this verifier has no check for {warrant.action} and none named {kind!r}")
    found = KINDS.get(type(checks[name]), type(checks[name]).__name__)
    if found != kind:
        return Inconclusive(why=f"policy asks for {kind!r}, and the check for {name} is of kind {found!r}")
    return name


def expectation(check: str, warrant: Warrant, receipt: Receipt) -> Expectation:
    """What to look at: the warrant's own words, and beside them what the receipt claims."""
    result = receipt.evidence.get(RESULT, b"")
    return Expectation(
        check=check,
        resource=warrant.resource,
        params={**warrant.params, **{ARGUMENT + name: value for name, value in warrant.verify.items()}},
        claim=Claim(
            result=result if isinstance(result, bytes) else b"",
            result_digest=receipt.result_digest,
            evidence={name: value for name, value in receipt.evidence.items() if name != RESULT},
        ),
        effect_id=warrant.effect,
    )


def attestation(case: str, run: str, receipt: bytes, check: str, seen: Seen, now: int) -> bytes:
    """The canonical bytes to sign, about exactly this receipt."""
    checks: tuple[tuple[str, str, str, bool], ...]
    if isinstance(seen, Inconclusive):
        verdict, checks = "inconclusive", ((check, "an observation", seen.why[:_MOST_SHOWN], False),)
    else:
        verdict = "verified" if seen.agrees else "mismatched"
        checks = ((check, _shown(seen.expected), _shown(seen.observed), seen.agrees),)
    return attestations.pack(
        Attestation(
            case=CaseId(case),
            run=RunId(run),
            receipt=canonical.digest(receipt),
            verdict=verdict,
            checks=checks,
            time=Instant(now),
        )
    )


def unpacked(receipt: bytes) -> Receipt | Inconclusive:
    try:
        return receipts.unverified_unpack(receipt)
    except NotCanonical as error:
        return Inconclusive(why=f"the receipt is malformed: {error}")


def _shown(value: Value) -> str:
    match value:
        case Absent():
            return "nothing there"
        case bytes():
            return value.hex()
        case _:
            return str(value)[:_MOST_SHOWN]
