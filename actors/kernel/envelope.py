"""What travels beside a message: the trace it belongs to, which context variables would lose on the way."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

M = TypeVar("M")


class Envelope(NamedTuple, Generic[M]):  # a named tuple, not attrs: made once a message, in half the time
    message: M
    trace: str = ""
