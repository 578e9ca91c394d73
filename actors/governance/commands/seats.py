"""What is asked about seats that approvers hand on."""

from __future__ import annotations

import attrs


@attrs.frozen
class DelegateSeat:
    statement: bytes
    signature: bytes


@attrs.frozen
class ReturnSeat:
    whose: str | None  # None: one's own
    reason: str
