"""What carries frames between two sessions: a WebSocket, or memory.  Both are held to one conformance suite."""

from __future__ import annotations

from typing import Protocol


class Carrier(Protocol):
    """One task reads while another writes.  Every method that fails because it is over raises ConnectionClosed."""

    async def read(self) -> bytes:
        """The next frame; raises ProtocolError for one that is not binary."""
        ...

    async def write(self, frame: bytes) -> None: ...

    async def close(self, code: str) -> None:
        """Say that nothing follows, and close; ``code`` is a session's ending code.  Never raises ConnectionClosed."""
        ...

    def abort(self) -> None:
        """Close at once; whoever waits in read or write gets ConnectionClosed."""
        ...
