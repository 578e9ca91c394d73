"""Which bodies a log says were removed: the only ones that may be missing.

The entry ``log.bodies_removed/1`` of the same log names them in its public part, as ranges [start, stop) of sequence
numbers below its own, so that a check needs no data key.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from ledger import canonical
from ledger.errors import VerificationError
from ledger.header import Header

TAG = "log.bodies_removed/1"
INDEX = b"removals"  # the index key of the newest removal of a log; each ``follows`` the one before, so that all are found


def compose(ranges: Iterable[tuple[int, int]], month: str, why: str) -> bytes:
    """The public part of the entry: which bodies, of which month's key, and for what kind of reason."""
    return canonical.encode({"month": month, "removed": [list(item) for item in ranges], "why": why})


def parse(header: Header) -> list[tuple[int, int]]:
    """The ranges that an entry removes, or VerificationError."""
    listed = canonical.decode_map(header.public).get("removed") if header.public else None
    found = []
    for item in listed if isinstance(listed, list) else [None]:
        match item:
            case [int() as start, int() as stop] if 0 <= start < stop <= header.sequence:
                found.append((start, stop))
            case _:
                raise VerificationError("a removal that does not say which bodies", index=header.sequence)
    return found


@attrs.define
class Ranges:
    """Sequence numbers seen in rising order, kept as ranges: a month that was removed is one."""

    held: list[list[int]] = attrs.Factory(list)

    def add(self, index: int) -> None:
        """Take in the next number."""
        if self.held and self.held[-1][1] == index:
            self.held[-1][1] = index + 1
        else:
            self.held.append([index, index + 1])

    def first_outside(self, allowed: Iterable[tuple[int, int]]) -> int | None:
        """The first number that is in none of ``allowed``."""
        merged = Ranges()
        for start, stop in sorted(allowed):
            if merged.held and start <= merged.held[-1][1]:
                merged.held[-1][1] = max(stop, merged.held[-1][1])
            else:
                merged.held.append([start, stop])
        for start, stop in self.held:
            cover = next((item for item in merged.held if item[0] <= start < item[1]), None)
            if cover is None:
                return start
            if cover[1] < stop:
                return cover[1]
        return None

    def count(self) -> int:
        """How many numbers there are."""
        return sum(stop - start for start, stop in self.held)
