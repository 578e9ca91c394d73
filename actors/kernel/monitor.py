"""Be told of a death: wait for the end of an actor's present life, and learn what ended it."""

from __future__ import annotations

from typing import Any

import attrs

from actors.kernel.mailbox import Mailbox


@attrs.frozen
class Death:
    name: str
    cause: BaseException | None  # None: it never lived, or ended by itself; trio.Cancelled: it was stopped


class Monitor:
    """Watches one actor from outside.  Watching changes nothing in what is watched."""

    def __init__(self, mailbox: Mailbox[Any]) -> None:
        self._mailbox = mailbox

    async def wait_death(self) -> Death:
        """Until the present life is over; at once when nobody lives there."""
        await self._mailbox.wait_closed()
        return Death(self._mailbox.name, self._mailbox.cause)
