"""What a verifier signs after it has looked whether the effect of a run of unknown outcome is there."""

from __future__ import annotations

from typing import cast

import attrs

from . import canonical
from .attestation import read_rows
from .ids import CaseId, Instant, RunId

FIELDS = ("case", "run", "warrant", "found", "checks", "time")
_KINDS: canonical.Kinds = {"case": str, "run": str, "warrant": bytes, "found": str, "checks": list, "time": int}
HAPPENED, DID_NOT, CANNOT_TELL = FOUND = ("happened", "did_not_happen", "cannot_tell")


@attrs.frozen
class Probe:
    """``warrant`` is the digest of the fields of the warrant that the run used; ``checks`` as in an attestation."""

    case: CaseId
    run: RunId
    warrant: bytes
    found: str
    checks: tuple[tuple[str, str, str, bool], ...]
    time: Instant


def pack(probe: Probe) -> bytes:
    return canonical.pack_fields([(name, getattr(probe, name)) for name in FIELDS])


def unverified_unpack(packed: bytes) -> Probe:
    """The statement as it stands, nothing checked but its form and that it follows from its checks; raises ``NotCanonical``."""
    fields = canonical.unpack_typed(packed, FIELDS, _KINDS)
    rows, found = read_rows(fields["checks"]), cast(str, fields["found"])
    if found not in FOUND or not rows:
        raise canonical.NotCanonical("a probe finds one of " + ", ".join(FOUND) + ", with at least one check")
    if (found == HAPPENED) != all(row[3] for row in rows):
        raise canonical.NotCanonical("an effect is there where every check agrees, and only there")
    return Probe(
        case=CaseId(cast(str, fields["case"])),
        run=RunId(cast(str, fields["run"])),
        warrant=cast(bytes, fields["warrant"]),
        found=found,
        checks=rows,
        time=Instant(cast(int, fields["time"])),
    )
