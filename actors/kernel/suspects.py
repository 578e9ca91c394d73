"""Which messages an actor fell over: a bounded memory that outlives its lives, kept by whoever keeps its mailbox.

A crash may be bad luck; the same message twice is not.  Whoever has fallen over one is to handle what comes one by one,
and to turn away without looking what it fell over twice.
"""

from __future__ import annotations

from collections import OrderedDict

FALLS = 2  # with one message: the first may be the moment's fault
MOST = 1024  # remembered; an intensity of five falls a minute makes as many in three hours at the least


class Suspects:
    """Messages by their digest.  The oldest is forgotten first; it may then fell its actor as often again."""

    def __init__(self) -> None:
        self._falls: OrderedDict[bytes, int] = OrderedDict()
        self.wary = False  # something has fallen here: what comes is handled one by one

    def __len__(self) -> int:
        return sum(falls >= FALLS for falls in self._falls.values())

    def fell(self, digest: bytes, falls: int = 1) -> bool:
        """Counts it; whether it is quarantined from now on."""
        self.wary = True
        counted = self._falls[digest] = self._falls.pop(digest, 0) + falls
        if len(self._falls) > MOST:
            self._falls.popitem(last=False)
        return counted >= FALLS

    def holds(self, digest: bytes) -> bool:
        """Whether it is quarantined."""
        return self._falls.get(digest, 0) >= FALLS

    def doubtful(self) -> list[bytes]:
        """Those that an actor fell over once."""
        return [digest for digest, falls in self._falls.items() if falls < FALLS]
