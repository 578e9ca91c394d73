"""A tail may demand witnesses: a quorum has cosigned all of the log but what is newer than some seconds.

A witness's cosignature says that others are shown this same history.  It comes after the checkpoint, so the newest entries
are always without: how long they may be is the reader's to say.  The age of an entry is taken from its header, or from when
it came here where only its hash did; an entry dated ahead counts from when it came.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

import attrs

from ledger import VerificationError
from ledger.note import VerifierKey
from ledger.witness_policy import Policy

MICROS = 1_000_000
MOST_KEPT = 4096  # ages; those of entries a thousandth of the patience apart, so four times the patience is looked back at


def wall_clock() -> int:
    """µs since 1970 by this machine's clock."""
    return time.time_ns() // 1000


@attrs.define(eq=False)
class Demand:
    """``policy``'s quorum covers everything older than ``patience`` µs; ``keys`` are the log's own, all that it ever had."""

    log: str
    policy: Policy
    keys: Sequence[VerifierKey]
    patience: int
    now: Callable[[], int] = wall_clock
    size: int = 0  # that a quorum has cosigned
    _why: str = attrs.field(default="no head with cosignatures came", init=False)
    _unread: int = attrs.field(default=0, init=False)  # entries before the first that came, of unknown age
    _ages: deque[tuple[int, int]] = attrs.field(factory=deque, init=False)  # (index, µs): an entry between two is as old as the first
    _before: int = attrs.field(default=0, init=False)  # the size of the last checkpoint

    def begins(self, at: int) -> None:
        """Reading begins at ``at``: what lies before is at least as old as this moment."""
        if not self._ages:
            self._unread = at
            self._ages.append((0, self.now()))

    def came(self, index: int, dated: int | None) -> None:
        """The entry at ``index`` came, with the time its header names."""
        now = self.now()
        born = now if dated is None else min(dated, now)
        if index == self._unread or born - self._ages[-1][1] >= max(MICROS, self.patience // 1000):
            self._ages.append((index, born))
            if len(self._ages) > MOST_KEPT:
                self._ages.popleft()

    def witnessed(self, note: bytes) -> None:
        """A head of this log came with cosignatures; one that the policy does not take changes nothing but what is said."""
        try:
            self.size = max(self.size, self.policy.require(note, self.keys).checkpoint.size)
        except VerificationError as error:
            self._why = error.what

    def signed(self, size: int) -> None:
        """A checkpoint of ``size`` came.  What was signed before it has had its witnesses by now; its own come after it."""
        self.check()
        self._before = size

    def check(self) -> None:
        """Raise VerificationError if something that is signed is too old to be without a quorum."""
        self._require(self._before)

    def finish(self, size: int) -> None:
        """Nothing more comes: of ``size`` entries no old one, and none of unknown age, is without a quorum."""
        self._require(size)
        if self.size < min(self._unread, size):
            raise self._wrong(f"before {self._unread}, where reading began; how old they are shows when it begins at {self.size}")

    def _require(self, end: int) -> None:
        while len(self._ages) > 1 and self._ages[1][0] <= self.size:
            self._ages.popleft()
        if self.size < end and (age := self.now() - self._ages[0][1]) > self.patience:
            raise self._wrong(f"and on, the oldest {age // MICROS} s old")

    def _wrong(self, which: str) -> VerificationError:
        return VerificationError(
            f"no quorum of witnesses has cosigned the entries from {self.size} {which}: {self._why}", log=self.log, index=self.size
        )
