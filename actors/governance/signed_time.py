"""What the law asks of everything that people and verifiers sign: a time near its own, and a nonce that is long enough."""

from __future__ import annotations

from .ids import MINUTE, Instant
from .refusals import Code, Refusal

ALLOWED_SKEW = MINUTE  # between a signed time and legal time: beyond it a statement is refused
SHORTEST_NONCE = 16  # bytes


def skewed(signed: Instant, now: Instant, *, about: str = "", then: str = "set your clock and sign again") -> Refusal | None:
    """The refusal of a statement whose time is too far from ``now``, or None."""
    if abs(signed - now) <= ALLOWED_SKEW:
        return None
    return Refusal(Code.TIME_SKEWED, f"the signed time is more than 60 s from the node's: {then}", about=about)
