"""How an actor lives: started, handed what waits for it batch by batch, stopped in order, or ended by a crash.

open mailbox ──▶ start() ──▶ ready ──▶ receive ──▶ handle(batch) ──┐
                                          ▲                        │
                                          └────────────────────────┘
stopped in order: ... ──▶ stop(), under the child's shutdown deadline ──▶ close mailbox
crashed:          ... ──▶ close mailbox; stop() is not called, for the state is not to be trusted
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import trio

from actors.kernel.cell import Life
from actors.kernel.envelope import Envelope
from actors.kernel.mailbox import Mailbox

M = TypeVar("M")


class Actor(Protocol[M]):
    async def start(self) -> None:
        """Become ready.  Messages already queue."""

    async def handle(self, batch: list[Envelope[M]], /) -> None:
        """Act on everything that waited.  An exception is a crash: the whole batch's questions fail."""

    async def stop(self) -> None:
        """Last words before an orderly end."""


async def run_actor(make: Callable[[], Actor[M]], mailbox: Mailbox[M], *, task_status: Life) -> None:
    """One life: a fresh actor from ``make``.  Give ``partial(run_actor, make, mailbox)`` to a ``Child`` as its start."""
    mailbox.open()
    cause: BaseException | None = None
    try:
        actor = make()
        await actor.start()
        task_status.started()
        try:
            while True:
                await actor.handle(await mailbox.receive())
        except trio.Cancelled:
            with trio.CancelScope(shield=True, deadline=task_status.closing_deadline()):
                await actor.stop()
            raise
    except BaseException as end:
        cause = end
        raise
    finally:
        mailbox.close(cause)
