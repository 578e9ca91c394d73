"""Approvals that were signed in advance, and each use of them."""

from __future__ import annotations

from typing import ClassVar

import attrs

from ..ids import CaseId, Cost, MemberId, Person


@attrs.frozen
class EnvelopeSigned:
    TAG: ClassVar[str] = "envelope.signed/1"
    envelope: str
    approver: MemberId
    person: Person
    template: bytes  # canonical bytes, see envelope.py
    statement: bytes
    signature: bytes


@attrs.frozen
class EnvelopeUsed:
    """Its signer counts as having approved: in the same batch as the warrant that rests on it, and before it."""

    TAG: ClassVar[str] = "envelope.used/1"
    case: CaseId
    envelope: str
    approver: MemberId
    person: Person
    number: int  # which use of the envelope this is, from 1
    spent: Cost  # what was reserved of its total before
    cost: Cost  # what this use reserves: the warrant costs no more; 0 where the envelope has no total


@attrs.frozen
class EnvelopeRevoked:
    TAG: ClassVar[str] = "envelope.revoked/1"
    envelope: str
    by: MemberId
    reason: str


@attrs.frozen
class EnvelopeEnded:
    """It approves nothing any more, for a reason that lies in the log before."""

    TAG: ClassVar[str] = "envelope.ended/1"
    envelope: str
    why: str
