from __future__ import annotations

from typing import Any

import pytest

from actors.governance import attestation, canonical
from actors.governance.attestation import Attestation
from actors.governance.ids import CaseId, Instant, RunId

AGREES, DISAGREES = ("digest", "a", "a", True), ("digest", "a", "b", False)


def seen(**changed: Any) -> bytes:
    fields = {
        "case": CaseId("c1"),
        "run": RunId("r1"),
        "receipt": b"r" * 32,
        "verdict": "verified",
        "checks": (AGREES,),
        "time": Instant(1),
    }
    return attestation.pack(Attestation(**{**fields, **changed}))


@pytest.mark.parametrize(("verdict", "checks"), [("verified", (AGREES,)), ("mismatched", (AGREES, DISAGREES)), ("inconclusive", (AGREES,))])
def test_a_verdict_that_follows_from_its_checks_is_read_back(verdict: str, checks: Any) -> None:
    read = attestation.unverified_unpack(seen(verdict=verdict, checks=checks))
    assert (read.verdict, read.checks) == (verdict, checks)


@pytest.mark.parametrize(
    "changed",
    [
        {"verdict": "verified", "checks": (AGREES, DISAGREES)}, {"verdict": "mismatched"}, {"verdict": "fine"}, {"checks": ()},
        {"checks": (("digest", "a", "a", 1),)}, {"checks": (("digest", "a", True),)}, {"checks": ("digest",)},
        {"time": True}, {"receipt": "r"},
    ],
)  # fmt: skip
def test_a_verdict_that_does_not_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(canonical.NotCanonical):
        attestation.unverified_unpack(seen(**changed))
