"""What one attempt came to, and when the next one is.

The delays are those of the Standard Webhooks specification: ten attempts over three days.  A fifth is added at random, so that
what failed together does not come back together; a server's Retry-After is waited for, up to a day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Final, TypeAlias

import attrs

DELAYS: Final = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)  # s
JITTER = 0.2  # of a delay
LONGEST = 86_400.0  # s a server can make us wait: the longest delay there is
THROTTLED = frozenset({429, 502, 503, 504})  # too much for it: nothing else goes there before the next attempt, either


@attrs.frozen
class Delivered:
    """Taken: a status from 200 to 299, or exit code 0."""


@attrs.frozen
class Failed:
    """``after``: s before it should be tried again.  ``whole``: that holds for everything of this target."""

    why: str
    after: float = 0.0
    whole: bool = False


@attrs.frozen
class Gone:
    """The target wants nothing more: 410."""

    why: str


Attempt: TypeAlias = Delivered | Failed | Gone


def of_status(status: int, headers: Mapping[str, str], now: float) -> Attempt:
    """What a server's answer means.  A redirection is a failure: whoever moves says so in the configuration."""
    if 200 <= status < 300:
        return Delivered()
    if status == 410:
        return Gone("it answered 410: it wants nothing more")
    after = retry_after(headers.get("retry-after", ""), now)
    return Failed(f"it answered {status}", after, whole=status in THROTTLED)


def retry_after(written: str, now: float) -> float:
    """Seconds, from a number of them or an HTTP date (RFC 9110 §10.2.3); 0 for nothing and for nonsense."""
    if written.strip().isascii() and written.strip().isdigit():
        return min(float(written), LONGEST)
    try:
        return min(max(0.0, parsedate_to_datetime(written).timestamp() - now), LONGEST)
    except (ValueError, OverflowError):  # a year of eleven digits
        return 0.0


def next_attempt(delays: Sequence[float], attempts: int, failed: Failed, now: float, chance: float) -> float | None:
    """When, after so many attempts, or None where that was the last.  ``chance`` is from 0 to 1."""
    if attempts > len(delays):
        return None
    return now + max(delays[attempts - 1], failed.after) * (1 + JITTER * chance)
