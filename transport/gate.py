"""Who is let in: what the server asks of the room that knows principals and keys."""

from __future__ import annotations

from typing import Protocol

import attrs


@attrs.frozen(kw_only=True)
class Admission:
    principal: str
    public_key: bytes | None  # None: the bearer is enough, no proof of possession is asked
    identity: object  # the gate's own knowledge of the principal; transport hands it on unread


@attrs.frozen(kw_only=True)
class Rejection:
    status: int  # HTTP: 401, 403, 429 or 503
    retry_after: int | None = None  # milliseconds


class Gate(Protocol):
    async def admit(self, bearer: str | None, remote: str) -> Admission | Rejection:
        """Decide by the secret of the upgrade request and the peer's address.  Called within the handshake's deadline."""
        ...
