"""Asks a node for the evidence of a case."""

from __future__ import annotations

from collections.abc import Callable

from vienna_runtime.client import Vienna
from vienna_runtime.client.errors import Unreachable
from vienna_runtime.evidence.collect import Collector
from vienna_runtime.evidence.form import Evidence


def nobody_watches(entries: int) -> None:
    """No progress is shown."""


async def fetch(vienna: Vienna, case: str, progress: Callable[[int], None] = nobody_watches) -> Evidence:
    """The evidence as the node gave it, not looked at; ``progress`` is told how many entries came so far."""
    collector = Collector()
    async with vienna.stream("case.evidence", lambda _: {"case": case}) as items:
        async for item in items:
            found = collector.feed(item)
            if found is not None:
                return found
            progress(collector.entries)
    raise Unreachable("the node ended the evidence before it was whole; ask again")
