"""When a side must ping, and when its peer counts as dead.  Pure: the time is an argument.

Anything heard is a sign of life; a ping is sent only into silence, and one at a time.
"""

from __future__ import annotations

from transport.errors import ProtocolError


class Heartbeat:
    __slots__ = ("_awaited", "_count", "_heard", "_interval", "_patience")

    def __init__(self, interval: float, patience: int, now: float) -> None:
        self._interval = interval
        self._patience = patience
        self._heard = now
        self._count = 0
        self._awaited: int | None = None

    def every(self, interval: float) -> None:
        """Take over the interval that the server names."""
        self._interval = interval

    def heard(self, now: float) -> None:
        self._heard = now

    def ping_due(self, now: float) -> int | None:
        """The number to ping with, if it is time.  Asking takes it."""
        if self._awaited is not None or now - self._heard < self._interval:
            return None
        self._count += 1
        self._awaited = self._count
        return self._count

    def ponged(self, number: object) -> None:
        if self._awaited is None or number != self._awaited or type(number) is not int:
            raise ProtocolError("a pong to no ping")
        self._awaited = None

    def next_ping_at(self) -> float | None:
        """None while a pong is awaited."""
        return None if self._awaited is not None else self._heard + self._interval

    def dead_at(self) -> float:
        """When the peer counts as dead if nothing more is heard."""
        return self._heard + self._interval * self._patience
