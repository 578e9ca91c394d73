"""States that wait to be compared with the ledger, and who wants to hear of it.

Tenants hand them over and never wait; whoever compares takes them one after the other.  It outlives a fall of the comparer.
"""

from __future__ import annotations

import attrs
import trio

from actors.governance.refusals import Code, Refusal
from actors.messages import Done, Outcome, Respond, Unsettled

MOST_WAITING = 64  # states, each some kilobytes to megabytes; a further one has its turn the next time
RETRY = 5_000  # ms; a comparison takes seconds
FELL = "the comparison fell in the middle; asking again is harmless"


@attrs.frozen
class Taken:
    """A durable state as bytes, to be compared with a fold of so many entries."""

    tenant: str
    size: int
    state: bytes


class Comparisons:
    def __init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[tuple[Taken, Respond]](MOST_WAITING)
        self._answering: Respond | None = None

    def ask(self, respond: Respond, outcome: Outcome) -> None:
        """Takes what a tenant handed over; answered when it is compared, or at once where nothing is to be."""
        match outcome:
            case Done(value={"state": b""}):
                respond(outcome)  # it has not grown since it was compared
            case Done(value={"tenant": str(tenant), "size": int(size), "state": bytes(state)}):
                try:
                    self._send.send_nowait((Taken(tenant, size, state), respond))
                except trio.WouldBlock:
                    respond(Refusal(Code.BUSY, "other states wait to be compared", RETRY))
            case _:
                respond(outcome)

    async def next(self) -> Taken:
        """The next one; whoever takes it answers with ``done``.  One that was taken and never answered is answered now."""
        if self._answering is not None:
            self.done(Unsettled(FELL))
        taken, self._answering = await self._receive.receive()
        return taken

    def done(self, outcome: Outcome) -> None:
        respond, self._answering = self._answering, None
        if respond is not None:
            respond(outcome)
