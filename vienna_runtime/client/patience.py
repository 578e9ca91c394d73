"""How often, and for how long, something is asked again before the client gives up."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Patience:
    """Pauses double from ``first`` to ``longest``; after ``seconds`` in all nothing is asked again.

    A process that must never give up takes ``seconds=math.inf``.
    """

    seconds: float = 30.0  # a node that is restarted is back within this; a person does not wait longer without a word
    first: float = 0.1  # s; a lost connection is usually one lost connection
    longest: float = 3.0  # s; a node coming back is noticed soon, and ten thousand clients do not storm it
    answer: float = 30.0  # s for one answer; a decision takes milliseconds, a full disk makes it wait

    def pause(self, attempt: int) -> float:
        """Seconds before the attempt of that number, from 1."""
        return min(self.longest, self.first * 2.0 ** min(attempt - 1, 16))


PATIENT = Patience()
COSIGNED = 60_000_000  # µs that a cosignature may take: a witness is asked every few seconds and may be restarted
