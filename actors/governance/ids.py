"""The names and quantities of the law, as types that cannot be mistaken for each other.

Ids are made by the shell from fresh randomness and handed in; nothing here reads a clock or a random source.
"""

from __future__ import annotations

import hashlib
from typing import NewType

import attrs

TenantId = NewType("TenantId", str)
MemberId = NewType("MemberId", str)  # a principal's name inside its tenant
Person = NewType("Person", str)  # the human being behind a principal; quorums count these
CaseId = NewType("CaseId", str)
WarrantId = NewType("WarrantId", str)
RunId = NewType("RunId", str)  # chosen by the redeemer
EffectId = NewType("EffectId", str)  # hex of the effect's digest
Instant = NewType("Instant", int)  # µs of legal time since the epoch
Micros = NewType("Micros", int)  # a duration in µs
Cost = NewType("Cost", int)  # micro-units of the tenant's currency
Digest = NewType("Digest", bytes)  # SHA-256, 32 bytes

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@attrs.frozen
class Fresh:
    """Randomness for one decision: 32 bytes the shell drew, cut into the ids one command can need."""

    entropy: bytes

    def case(self) -> CaseId:
        """80 bits: collisions within a tenant are out of reach, and the id stays short enough to read aloud."""
        return CaseId("c" + self.entropy[:10].hex())

    def warrant(self) -> WarrantId:
        return WarrantId("w" + self.entropy[10:20].hex())

    def hold(self) -> str:
        """Of a hold, or of an erasure."""
        return "h" + self.entropy[:10].hex()

    def dead_letter(self) -> str:
        return "d" + self.entropy[20:30].hex()

    def finding(self, at: int) -> str:
        """Of the finding ``at`` of those that one decision makes: 80 bits of what these bytes digest to."""
        return "f" + hashlib.sha256(b"finding\0" + self.entropy + at.to_bytes(2, "big")).digest()[:10].hex()
