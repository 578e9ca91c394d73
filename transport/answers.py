"""What may come back for a call, as values: exactly one of three, and for a subscription events besides.

`Indeterminate` is not an error either: the call was perhaps done, and the same idempotency key asks again safely.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs

from transport.packing import Message


@attrs.frozen
class Reply:
    value: Message


@attrs.frozen(kw_only=True)
class Refused:
    code: str  # for programs
    why: str  # for people
    retry_after: int | None = None  # milliseconds, where waiting helps
    detail: Message | None = None


@attrs.frozen
class Indeterminate:
    why: str


@attrs.frozen(kw_only=True)
class Event:
    at: int  # the position to resume after
    value: Message


@attrs.frozen(kw_only=True)
class Lagging:
    """The subscriber was slower than the log; it is served from the ledger from ``at`` on and misses nothing."""

    at: int


@attrs.frozen(kw_only=True)
class Ceased:
    """The subscription is over: by the subscriber's wish (``why`` is empty) or the server's."""

    why: str


Answer: TypeAlias = Reply | Refused | Indeterminate
Push: TypeAlias = Event | Lagging | Ceased
