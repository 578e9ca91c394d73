"""Months of the calendar in UTC, written like 2026-11: what bodies are kept and forgotten by."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from .ids import SECOND, Instant

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])", re.ASCII)
REMEMBERED = 256  # months: asked for once a body when a month is looked through, and there are twelve a year
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def month_of(at: Instant) -> str:
    """The month that an instant lies in."""
    return (_EPOCH + timedelta(seconds=at // SECOND)).strftime("%Y-%m")


def is_month(text: str) -> bool:
    return _MONTH.fullmatch(text) is not None and text >= "1970"


@lru_cache(REMEMBERED)
def begin_of(month: str) -> Instant:
    """Its first instant."""
    return Instant(round((datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC) - _EPOCH).total_seconds()) * SECOND)


@lru_cache(REMEMBERED)
def end_of(month: str) -> Instant:
    """The first instant after it."""
    year, number = int(month[:4]), int(month[5:])
    return begin_of(f"{year + number // 12:04}-{number % 12 + 1:02}")
