"""The server's end of one session: calls come in batches, answers and events are posted without waiting.

A handler that receives slowly slows its peer down, through the bounded read-ahead of the carrier and TCP.  A peer that
does not read loses its connection when its outbox is full: it is told so with `bye`, and memory stays bounded.
"""

from __future__ import annotations

import trio

from transport.carrier import Carrier
from transport.errors import ConnectionClosed, ProtocolError, VerificationError
from transport.limits import Limits
from transport.outbox import Outbox, OutboxFull
from transport.packing import Message
from transport.server_session import ServerSession
from transport.session import DONE, LAGGING, PROTOCOL, SILENT, UNPROVEN, ServerState


class Connection:
    def __init__(
        self, *, carrier: Carrier, session: ServerSession, session_id: str, principal: str, identity: object, remote: str, limits: Limits
    ) -> None:
        self.session_id = session_id
        self.principal = principal
        self.identity = identity  # what the gate said this peer is; never anything the peer says of itself
        self.remote = remote
        self._carrier = carrier
        self._session = session
        self._limits = limits
        self._outbox = Outbox(limits)
        self._ending: tuple[str, str] | None = None
        self._abort_at = float("inf")
        self._reading = False

    @property
    def agent(self) -> str:
        """What the peer's software calls itself.  Unverified: for logs only."""
        return self._session.agent

    async def establish(self) -> None:
        """Greet and prove; returns when the session is open.  The caller sets the deadline and runs `write_out` beside it."""
        while self._session.state is not ServerState.OPEN:
            if await self._next():
                raise AssertionError("a call before the session is open")  # the session refuses that

    async def receive(self) -> list[Message]:
        """The next calls, as they came in one frame; `credit` and `cease` among them.  Raises ConnectionClosed at the end."""
        while True:
            if calls := await self._next():
                return calls

    def post(self, message: Message) -> None:
        """Queue an answer or event; never waits.  Raises IllegalMessage for one the session does not allow.

        Of a connection or subscription that is over it does nothing: what was decided stays on the ledger, and the peer
        asks again when it is back.
        """
        if self._ending is None and self._session.ended is None and (packed := self._session.post(message)) is not None:
            self._put(packed)

    def credit(self, sub: int) -> int:
        """How many events may be posted to this subscription now; none when it or the connection is over."""
        return self._session.credit(sub) if self._ending is None else 0

    async def wait_room(self) -> None:
        """Until so little waits for the peer that an event of any size may be posted: for what comes from a store, at any speed."""
        while self._ending is None and self._outbox.holds_more_than(self._limits.outbox_bytes // 4):
            await self._outbox.wait_written()

    def tick(self, now: float) -> None:
        """Keep the heartbeat: ping into silence, end what is dead or does not take its goodbye."""
        if now >= self._abort_at:
            self._carrier.abort()
        elif self._ending is None and self._reading:  # who does not read cannot judge silence
            if self._session.tick(now):
                self._flush()
            else:
                self._end(SILENT, "nothing was heard for too long", now)

    async def write_out(self) -> None:
        """The writer: run it for as long as the connection lives."""
        await self._outbox.write_to(self._carrier)

    async def aclose(self, code: str = DONE, why: str = "") -> None:
        """Say `bye`, give what is queued a moment to leave, and close.  Idempotent."""
        self._end(code, why, trio.current_time())
        try:
            with trio.move_on_after(self._limits.closing_seconds):
                await self._outbox.wait_drained()
                await self._carrier.close(self._ending[0] if self._ending else code)
        finally:
            self._carrier.abort()

    async def _next(self) -> list[Message]:
        if self._ending is None and self._session.ended is not None:
            self._ending = (self._session.ended.code, self._session.ended.why)
        if self._ending is not None:
            raise ConnectionClosed(*self._ending)
        self._reading = True
        try:
            data = await self._carrier.read()
        except ConnectionClosed as closed:
            if self._ending is None:
                self._ending = (closed.code, closed.why)
            raise ConnectionClosed(*self._ending) from None
        except ProtocolError as error:
            raise self._refuse(PROTOCOL, error) from error
        finally:
            self._reading = False
        if self._ending is not None:
            raise ConnectionClosed(*self._ending)
        try:
            calls = self._session.receive(data, trio.current_time())
        except ProtocolError as error:
            raise self._refuse(PROTOCOL, error) from error
        except VerificationError as error:
            raise self._refuse(UNPROVEN, error) from error
        self._flush()
        return calls

    def _refuse(self, code: str, error: Exception) -> ConnectionClosed:
        self._end(code, str(error), trio.current_time())
        return ConnectionClosed(code, str(error))

    def _flush(self) -> None:
        for packed in self._session.take():
            self._put(packed)

    def _put(self, packed: bytes) -> None:
        try:
            self._outbox.put(packed)
        except OutboxFull:
            self._end(LAGGING, "too much waits for you and you do not read", trio.current_time())

    def _end(self, code: str, why: str, now: float) -> None:
        if self._ending is None:
            self._ending = (code, why)
        self._outbox.seal(self._session.bye(*self._ending))
        self._abort_at = min(self._abort_at, now + self._limits.closing_seconds)
