"""No principal holds more connections at once than its share, so that one in trouble leaves room for the others.

Whoever is over it is turned away at the gate, before a session begins and anything could be asked; a connection that
slips through while others are being greeted is closed before its first call is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs

from actors.gate import Identity
from transport.errors import ConnectionClosed
from transport.gate import Admission, Gate, Rejection
from transport.session import DONE

RETRY = 1000  # ms; a connection that was lost without a word is noticed within a few heartbeats


@attrs.define(eq=False)
class Crowd:
    """The transport's ``Gate`` before another one, and the count of who is inside."""

    gate: Gate
    most: int  # connections of one principal
    note: Callable[[str, str], None]  # source and code of a refusal before any decision, to be counted
    _inside: Counter[tuple[str, str]] = attrs.field(factory=Counter, init=False)

    async def admit(self, bearer: str | None, remote: str) -> Admission | Rejection:
        """As the gate behind it decides; 429 where the principal is inside too often."""
        admission = await self.gate.admit(bearer, remote)
        if isinstance(admission, Admission) and self._inside.get(_who(admission.identity), 0) >= self.most:
            self.note(remote, "crowded")
            return Rejection(status=429, retry_after=RETRY)
        return admission

    @contextmanager
    def counted(self, identity: object) -> Iterator[None]:
        """A connection of that principal, for as long as it is there; raises ``ConnectionClosed`` for one too many."""
        who = _who(identity)
        if self._inside.get(who, 0) >= self.most:
            raise ConnectionClosed(DONE, f"you have {self.most} connections already, which is as many as one may have")
        self._inside[who] += 1
        try:
            yield
        finally:
            self._inside[who] -= 1
            if not self._inside[who]:
                del self._inside[who]


def _who(identity: object) -> tuple[str, str]:
    assert isinstance(identity, Identity)
    return identity.tenant, identity.name
