"""Evidence of one case is checked offline, by the node's verifier key and nothing else: every check by its name.

    1  the file, its signatures, proofs and bodies         ``evidence.proof``
    2  that nothing was left out                           ``evidence.order``
    3  that the law says what was recorded                 ``evidence.replay``

A check that fails does not end the looking; one that rests on what is not there says so.
"""

from __future__ import annotations

import attrs

from actors.governance import views
from ledger import VerifierKey
from ledger.witness_policy import Policy
from vienna_runtime.errors import VerificationError
from vienna_runtime.evidence import decoding, form, order, proof, replay, tripped
from vienna_runtime.evidence.checks import NAMES, Check, Checks


@attrs.frozen(kw_only=True)
class Report:
    """What became of every check, and of the case as far as the file shows."""

    checks: tuple[Check, ...]
    tenant: str = ""
    case: str = ""
    outcome: str = ""  # the case's, in one word
    closed: bool = False
    size: int = 0  # of the tenant's log, under the head in the file
    removed: tuple[int, ...] = ()  # entries whose bodies are gone

    @property
    def good(self) -> bool:
        """Whether nothing failed.  A case that is still open is no failure."""
        return all(check.outcome != "fail" for check in self.checks)

    @property
    def first_failure(self) -> Check | None:
        return next((check for check in self.checks if check.outcome == "fail"), None)


def verify_evidence(packed: bytes, key: VerifierKey, policy: Policy | None = None) -> Report:
    """Everything that can be looked at; never raises for what the file holds.  ``policy``: whose cosignatures are demanded."""
    checks = Checks()
    try:
        evidence = form.unpack(packed)
    except VerificationError as error:
        checks.no("file", str(error))
        return _report(checks, "the file cannot be read")
    checks.yes("file", f"{form.FORMAT}, {len(packed)} bytes")
    proven = proof.prove(evidence, key, checks, policy)
    if proven is None:
        return _report(checks, "the log of the tenant has no key")
    events = decoding.decode(proven.entries, checks)
    closing = [
        entry.seq for entry in proven.entries if entry.header.case == evidence.case and getattr(events.get(entry.seq), "closes", False)
    ]
    steps = order.check_case(proven.entries, evidence.case, closing[0] if closing else None, checks)
    order.check_chain(proven.entries, steps, checks)
    order.check_standing(proven.entries, steps, checks)
    tripped.look(evidence.case, proven.entries, events, checks)
    replay.replay(evidence.case, evidence.tenant, proven, events, checks)
    said = [events[entry.seq] for entry in steps if entry.seq in events]
    return Report(
        checks=checks.result(),
        tenant=evidence.tenant,
        case=evidence.case,
        outcome=views.story(said) if len(said) == len(steps) and steps else "",
        closed=bool(closing),
        size=proven.size,
        removed=proven.removed,
    )


def _report(checks: Checks, why: str) -> Report:
    for name in NAMES:
        checks.skip(name, f"not looked at: {why}")
    return Report(checks=checks.result())
