"""What is asked of breakers and dead letters."""

from __future__ import annotations

import attrs


@attrs.frozen
class TripBreaker:
    scope: str
    reason: str


@attrs.frozen
class ResetBreaker:
    scope: str
    reason: str


@attrs.frozen
class RetryLetter:
    letter: str
    key: str


@attrs.frozen
class ResolveLetter:
    letter: str
    reason: str
