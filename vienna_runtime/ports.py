"""What a node has from the machine it runs on, as arguments: whoever simulates the machine gives others.

The disk is the ledger's own port, see ``ledger.medium``; everything else that is not computed comes through here.
"""

from __future__ import annotations

import os
import random
from collections.abc import Awaitable, Callable
from typing import Protocol

import attrs

from actors.aside import Aside, InThread
from actors.kernel import Clock, SystemClock
from actors.kernel.cell import Life
from actors.scribe.scribe import Runner
from transport.attend import Handle
from transport.gate import Gate
from transport.limits import Limits
from transport.server import Http


class Door(Protocol):
    """Where peers come in."""

    async def __call__(
        self,
        *,
        origin: str,
        gate: Gate,
        handle: Handle,
        limits: Limits,
        http: Http | None,
        knock: Callable[[str], bool],
        task_status: Life,
    ) -> None:
        """As ``transport.server.serve``: until cancelled."""
        ...


@attrs.frozen(kw_only=True)
class Ports:
    """The defaults are the real ones."""

    door: Door
    runner: Runner  # does all writing
    keep: Callable[..., Awaitable[None]]  # a child's life that notes outside the ledger how far it has come
    clock: Clock = attrs.field(factory=SystemClock)
    jitter: Callable[[], float] = random.random
    entropy: Callable[[int], bytes] = os.urandom
    aside: Aside = attrs.field(factory=InThread)
