"""Long work that an operator asks of the node itself."""

from __future__ import annotations

import attrs


@attrs.frozen
class Archive:
    """Move the oldest closed month of a log, or a part of it, out of the database; None is the node's own log."""

    before: int  # µs: what is not over by then stays
    tenant: str | None = None


@attrs.frozen
class ListKeys:
    """The keys of one log, without their secrets; None is the node's own log."""

    tenant: str | None = None


@attrs.frozen
class RotateKey:
    """A new key in place of ``replaces``, which signs beside it for a while unless others may have it."""

    kind: str
    replaces: bytes
    overlap: int  # µs
    compromised: bool = False
    tenant: str | None = None


@attrs.frozen
class RetireKeys:
    """End the overlap: the newest key signs alone."""

    kind: str
    tenant: str | None = None
