"""Long work that operators ask of the node itself, one piece at a time, beside everything else that goes on.

A piece of work may take seconds and outlives the connection that asked for it.  It decides nothing: what it writes goes
through the scribe in turn with the commits, and repeating it is harmless.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import structlog
import trio

from actors.governance import commands as c
from actors.governance.refusals import Code, Refusal
from actors.messages import Outcome, Respond, Unsettled
from ledger import BadDraft, CommitFailed, UnknownLog, VerificationError, WritingStopped

log = structlog.get_logger(__name__)

Chore: TypeAlias = Callable[[Any, str], Awaitable[Outcome]]  # what was asked, by which operator

MOST_WAITING = 16  # an operator's script waits for each answer; more is somebody in a loop
RETRY = 1000  # ms; about as long as a piece of work


class Housekeeper:
    """Chores by the class of what asks for them."""

    def __init__(self, chores: Mapping[type, Chore]) -> None:
        self._chores = chores
        self._send, self._receive = trio.open_memory_channel[tuple[c.Chore, str, Respond]](MOST_WAITING)

    def ask(self, ask: c.Chore, by: str, respond: Respond) -> None:
        """Have it done; answered when it is, or at once when too much waits."""
        try:
            self._send.send_nowait((ask, by, respond))
        except trio.WouldBlock:
            respond(Refusal(Code.BUSY, "other work of this kind is waiting", RETRY))

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        task_status.started()
        while True:
            ask, by, respond = await self._receive.receive()
            outcome: Outcome = Unsettled("the node stopped in the middle of it; asking again is harmless")
            try:
                outcome = await self._done(ask, by)
            finally:
                respond(outcome)

    async def _done(self, ask: c.Chore, by: str) -> Outcome:
        try:
            return await self._chores[type(ask)](ask, by)
        except UnknownLog as error:
            return Refusal(Code.UNKNOWN, str(error))
        except BadDraft as error:
            return Refusal(Code.BUSY, str(error), RETRY)
        except WritingStopped as error:
            return Refusal(Code.READ_ONLY, str(error), RETRY)
        except CommitFailed as error:
            return Unsettled(str(error))
        except VerificationError as error:
            log.error("a chore found damage", chore=type(ask).__name__, why=str(error))
            return Refusal(Code.FROZEN, str(error))
        except OSError as error:
            return Refusal(Code.READ_ONLY, f"the disk: {error.strerror or error}", RETRY)
