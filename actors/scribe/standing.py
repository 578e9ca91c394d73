"""Where one log stands with the scribe: its epoch, its next position, its scopes, and which submissions were given up."""

from __future__ import annotations

import attrs

REMEMBERED = 64  # failures of one log whose submissions are still told apart; answers leave within seconds of theirs


@attrs.define(eq=False)
class Standing:
    log: str
    position: int
    frozen: str | None
    epoch: int = 1
    over: bool = False  # the epoch has ended and the next has not begun
    scopes: dict[str, int] = attrs.Factory(dict)
    discarded: list[tuple[int, int]] = attrs.Factory(list)  # first and last submission given up, oldest first
    forgotten: int = 0  # submissions up to here are no longer told apart: they count as discarded

    def discard(self, first: int, last: int) -> None:
        """Every submission of this log from ``first`` to ``last`` is given up."""
        self.discarded.append((first, last))
        if len(self.discarded) > REMEMBERED:
            self.forgotten = self.discarded.pop(0)[1]

    def is_discarded(self, submission: int) -> bool:
        """An old submission that can no longer be told apart counts as discarded: *indeterminate* is never a lie."""
        if not self.discarded:
            return False
        return 0 < submission <= self.forgotten or any(first <= submission <= last for first, last in reversed(self.discarded))

    def begin(self, position: int, frozen: str | None) -> None:
        """A new epoch, from the durable state."""
        self.epoch += 1
        self.position = position
        self.frozen = frozen
        self.over = False
