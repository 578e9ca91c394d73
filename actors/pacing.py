"""Keeps the rates of a tenant's bundle, before anything is decided: each member's, each call's of a member, and the tenant's.

Kept in memory alone: after a restart everybody begins rested.  What reports or stops something is paced by itself, so that
nobody's ordinary load keeps them from it, and never counts towards the tenant's rate.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from actors.governance.calls import CALLS
from actors.governance.rates import Rate, Rates, after, wait
from actors.governance.refusals import Code, Refusal

MOST_REMEMBERED = 10_000  # who is beyond it and asked least lately begins rested; members with calls of their own are fewer
_TENANT = ("", "")


class Pace:
    """For one tenant.  ``now`` gives µs of a clock that never goes back."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._arrivals: OrderedDict[tuple[str, str], int] = OrderedDict()

    def refuses(self, rates: Rates, member: str, tag: str) -> Refusal | None:
        """None, having counted it, where the call keeps to all rates; else which it does not keep to, having counted nothing."""
        urgent = CALLS[tag].urgent
        asked: list[tuple[tuple[str, str], Rate, str]] = []
        if rates.principal is not None:
            asked.append(((member, "urgent" if urgent else ""), rates.principal, "all that one member asks"))
        if rates.tenant is not None and not urgent:
            asked.append((_TENANT, rates.tenant, "all that the tenant asks"))
        if (own := rates.calls.get(tag)) is not None:
            asked.append(((member, tag), own, f"what one member asks by {tag}"))
        now = self._now()
        for key, rate, what in asked:
            if (left := wait(rate, self._arrivals.get(key, 0), now)) > 0:
                return Refusal(Code.RATE_LIMITED, f"too often: {what} is limited to {rate}; nothing was decided", -(-left // 1000))
        for key, rate, _ in asked:
            self._arrivals[key] = after(rate, self._arrivals.pop(key, 0), now)
        while len(self._arrivals) > MOST_REMEMBERED:
            self._arrivals.popitem(last=False)
        return None
