"""The only way to reach an actor: a name and its mailbox's slot.  Stays good over the actor's restarts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import trio

from actors.errors import AskTimeout, MailboxFull
from actors.kernel.mailbox import Mailbox
from actors.kernel.reply import Reply

M = TypeVar("M", contravariant=True)
R = TypeVar("R")


class Ref(Generic[M]):
    """Where to send messages of type ``M``.  Every way of sending raises ``ActorDied`` when nobody lives there."""

    __slots__ = ("_mailbox",)

    def __init__(self, mailbox: Mailbox[Any]) -> None:
        self._mailbox = mailbox

    @property
    def name(self) -> str:
        return self._mailbox.name

    @property
    def is_alive(self) -> bool:
        return self._mailbox.is_open

    def __repr__(self) -> str:
        return f"<Ref {self.name}>"

    async def tell(self, message: M, *, urgent: bool = False, trace: str = "") -> None:
        """Send, waiting for room."""
        await self._mailbox.put(message, urgent=urgent, trace=trace)

    def tell_nowait(self, message: M, *, urgent: bool = False, trace: str = "") -> None:
        """Send now, or raise ``MailboxFull``."""
        self._mailbox.put_nowait(message, urgent=urgent, trace=trace)

    async def ask(self, make: Callable[[Reply[R]], M], *, timeout: float | None = None, urgent: bool = False, trace: str = "") -> R:
        """The answer to the message that ``make`` builds around the way back.

        After ``AskTimeout`` or ``ActorDied`` it is not known whether the message was acted upon.
        """
        if timeout is None:
            return await self._ask(make, urgent=urgent, trace=trace)
        with trio.move_on_after(timeout):
            return await self._ask(make, urgent=urgent, trace=trace)
        raise AskTimeout(self.name, timeout)

    async def _ask(self, make: Callable[[Reply[R]], M], *, urgent: bool, trace: str) -> R:
        reply: Reply[R] = Reply(self._mailbox.debts)
        try:
            message = make(reply)
            try:
                self._mailbox.put_nowait(message, urgent=urgent, trace=trace)  # saves a turn of the event loop
            except MailboxFull:
                await self._mailbox.put(message, urgent=urgent, trace=trace)
            return await reply.wait()
        finally:
            reply.abandon()
