"""What stands in for a tenant that cannot go on: everything is refused, in words, until somebody has looked."""

from __future__ import annotations

from actors.governance.refusals import Code, Refusal
from actors.kernel import Envelope
from actors.messages import Asked, Introduce, TenantMessage


class FrozenTenant:
    def __init__(self, why: str) -> None:
        self._why = why

    async def start(self) -> None:
        """Nothing to begin with."""

    async def handle(self, batch: list[Envelope[TenantMessage]]) -> None:
        for envelope in batch:
            message = envelope.message
            if isinstance(message, (Asked, Introduce)):
                message.respond(Refusal(Code.FROZEN, f"the tenant is frozen and takes no entries: {self._why}"))

    async def stop(self) -> None:
        """Nothing to leave behind."""
