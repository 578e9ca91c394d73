"""What reconciliation has found and nobody has resolved, as the state remembers it; see reconciling.py."""

from __future__ import annotations

import attrs

from .ids import Instant


@attrs.frozen
class Finding:
    finding: str
    kind: str
    severity: str
    about: str
    since: Instant


@attrs.define
class Counted:
    """The numbers of one executor's receipts, see stocktaking.py."""

    journal: str = ""
    upto: int = 0  # every one up to here is accounted for
    beyond: tuple[tuple[int, int], ...] = ()  # first and last of those that came before others did; at most stocktaking.MOST_RANGES
    claimed: int = 0  # the newest number that an inventory told
    at: Instant = Instant(0)  # when the newest of all this was recorded

    def has(self, number: int) -> bool:
        return number <= self.upto or any(first <= number <= last for first, last in self.beyond)


@attrs.define
class Findings:
    open: dict[str, Finding] = attrs.Factory(dict)  # by kind and what they are about; at most reconciling.MOST_OPEN
    lost: bool = False  # whether more were found than these since the last was resolved
    counted: dict[str, Counted] = attrs.Factory(dict)  # by executor
    last: int | None = None  # sequence number of the newest
