"""What waits to be sent: bounded, in order, and sent in as few frames as there are wake-ups.

The writer takes everything that gathered while its previous frame was being written.  No timer: a lone message leaves at
once, and under load dozens share the cost of one frame.
"""

from __future__ import annotations

from collections import deque

import trio

from transport.carrier import Carrier
from transport.errors import ConnectionClosed
from transport.limits import Limits


class OutboxFull(Exception):
    """The peer does not read: more waits for it than the limits allow."""


class Outbox:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._sealed = False
        self._wake = trio.Event()
        self._drained = trio.Event()
        self._written = trio.Event()  # set, and replaced, when a frame was written

    def put(self, packed: bytes) -> None:
        """Queue one message; raises OutboxFull, and queues nothing, when it is full.  After the last word it is ignored."""
        if self._sealed:
            return
        waiting = self._waiting
        if len(waiting) >= self._limits.outbox_messages or self._bytes + len(packed) > self._limits.outbox_bytes:
            raise OutboxFull
        waiting.append(packed)
        self._bytes += len(packed)
        self._wake.set()

    def seal(self, last: bytes) -> None:
        """Queue the last word, past any bound; nothing is taken after it."""
        if not self._sealed:
            self._sealed = True
            self._waiting.append(last)
            self._wake.set()

    def holds_more_than(self, size: int) -> bool:
        """Whether more bytes than that wait to be written."""
        return self._bytes > size and not self._sealed

    async def wait_written(self) -> None:
        """Returns when the next frame was written, or when nothing is written any more."""
        await self._written.wait()

    async def wait_drained(self) -> None:
        """Returns when the last word was written, or can no longer be."""
        await self._drained.wait()

    async def write_to(self, carrier: Carrier) -> None:
        """Write until the last word is out or the carrier is over.  The reading side reports how it ended."""
        try:
            while True:
                while self._waiting:
                    await carrier.write(self._gather())
                    self._written.set()
                    self._written = trio.Event()
                if self._sealed:
                    return
                self._wake = trio.Event()
                await self._wake.wait()
        except ConnectionClosed:
            self._sealed = True
            self._waiting.clear()
            self._bytes = 0
        finally:
            self._written.set()
            self._drained.set()

    def _gather(self) -> bytes:
        """One frame: all that waits, up to the coalesced size; a single larger message goes alone."""
        waiting, limits = self._waiting, self._limits
        if self._bytes <= limits.coalesced_frame and len(waiting) <= limits.messages_per_frame:
            frame = waiting[0] if len(waiting) == 1 else b"".join(waiting)
            waiting.clear()
            self._bytes = 0
            return frame
        parts = [waiting.popleft()]
        size = len(parts[0])
        while waiting and size + len(waiting[0]) <= limits.coalesced_frame and len(parts) < limits.messages_per_frame:
            parts.append(waiting.popleft())
            size += len(parts[-1])
        self._bytes = max(0, self._bytes - size)  # the last word is not counted
        return b"".join(parts)
