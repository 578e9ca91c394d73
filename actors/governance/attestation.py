"""What a verifier signs after it has looked at the target itself."""

from __future__ import annotations

from typing import cast

import attrs

from . import canonical
from .ids import CaseId, Instant, RunId

FIELDS = ("case", "run", "receipt", "verdict", "checks", "time")
ALLOWED_SKEW = 60_000_000  # µs between a signed time and legal time
VERDICTS = ("verified", "mismatched", "inconclusive")


@attrs.frozen
class Attestation:
    """``receipt`` is the digest of the receipt it was compared with; ``checks`` are (name, expected, observed, agrees)."""

    case: CaseId
    run: RunId
    receipt: bytes
    verdict: str
    checks: tuple[tuple[str, str, str, bool], ...]
    time: Instant


def pack(attestation: Attestation) -> bytes:
    return canonical.pack_fields([(name, getattr(attestation, name)) for name in FIELDS])


def unverified_unpack(packed: bytes) -> Attestation:
    """The attestation as it stands, nothing checked but its form and that its verdict follows from its checks; raises ``NotCanonical``."""
    fields = canonical.unpack_fields(packed, FIELDS)
    for name, kind in (("case", str), ("run", str), ("receipt", bytes), ("verdict", str), ("checks", list), ("time", int)):
        if type(fields[name]) is not kind:
            raise canonical.NotCanonical(f"the field {name} is not {kind.__name__}")
    checks = []
    for check in cast("list[list[object]]", [check if isinstance(check, list) else [] for check in cast("list[object]", fields["checks"])]):
        if [type(part) for part in check] != [str, str, str, bool]:
            raise canonical.NotCanonical("a check is name, expected, observed, agrees")
        checks.append((str(check[0]), str(check[1]), str(check[2]), bool(check[3])))
    verdict = cast(str, fields["verdict"])
    if verdict not in VERDICTS or not checks:
        raise canonical.NotCanonical("a verdict is one of " + ", ".join(VERDICTS) + ", with at least one check")
    if verdict == "verified" and not all(check[3] for check in checks):
        raise canonical.NotCanonical("verified, and yet a check disagrees")
    if verdict == "mismatched" and all(check[3] for check in checks):
        raise canonical.NotCanonical("mismatched, and yet every check agrees")
    return Attestation(
        case=CaseId(cast(str, fields["case"])),
        run=RunId(cast(str, fields["run"])),
        receipt=cast(bytes, fields["receipt"]),
        verdict=verdict,
        checks=tuple(checks),
        time=Instant(cast(int, fields["time"])),
    )
