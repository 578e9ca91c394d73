"""What a verifier signs after it has looked at the target itself."""

from __future__ import annotations

from typing import cast

import attrs

from . import canonical
from .ids import CaseId, Instant, RunId

FIELDS = ("case", "run", "receipt", "verdict", "checks", "time")
_KINDS: canonical.Kinds = {"case": str, "run": str, "receipt": bytes, "verdict": str, "checks": list, "time": int}
MOST_ROWS = 16  # as many as an action has checks at most
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
    fields = canonical.unpack_typed(packed, FIELDS, _KINDS)
    checks = read_rows(fields["checks"])
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
        checks=checks,
        time=Instant(cast(int, fields["time"])),
    )


def read_rows(value: object) -> tuple[tuple[str, str, str, bool], ...]:
    """The rows of what was looked at; raises ``NotCanonical``."""
    rows = []
    for row in cast("list[list[object]]", [row if isinstance(row, list) else [] for row in cast("list[object]", value)]):
        if [type(part) for part in row] != [str, str, str, bool]:
            raise canonical.NotCanonical("a check is name, expected, observed, agrees")
        rows.append((str(row[0]), str(row[1]), str(row[2]), bool(row[3])))
    if len(rows) > MOST_ROWS:
        raise canonical.NotCanonical(f"there are more than {MOST_ROWS} checks")
    return tuple(rows)
