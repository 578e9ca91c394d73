"""Seats that approvers hand to one another for a time."""

from __future__ import annotations

from typing import ClassVar

import attrs

from ..ids import MemberId, Person


@attrs.frozen
class SeatDelegated:
    """Until the time that is signed, ``to`` may fill the seats of ``approver`` too; one who had it before has it no more."""

    TAG: ClassVar[str] = "seat.delegated/1"
    approver: MemberId
    person: Person
    to: MemberId
    statement: bytes
    signature: bytes


@attrs.frozen
class SeatReturned:
    TAG: ClassVar[str] = "seat.returned/1"
    approver: MemberId  # whose seat it is
    by: MemberId
    reason: str
