"""A trip or a pause: nothing granted or redeemed under the older epoch slips past it."""

from __future__ import annotations

from typing import Any

import pytest

from actors.errors import StaleScope
from actors.scribe import Discarded, Durable

B, S = "belvedere", "schoenbrunn"


async def test_a_batch_under_an_older_epoch_of_its_scope_is_not_taken(bench: Any) -> None:
    assert bench.scribe.scope_epoch(B, "agent:ada") == 0
    bench.submit(B, "granted", scopes={"agent:ada": 0, "agent:ben": 0})
    assert bench.scribe.raise_scope(B, "agent:ada") == 1
    bench.submit(B, "tripped", urgent=True)
    with pytest.raises(StaleScope, match="agent:ada"):
        bench.submit(B, "slips between", scopes={"agent:ada": 0})
    bench.submit(B, "another agent", scopes={"agent:ben": 0})
    last = bench.submit(B, "probe", scopes={"agent:ada": 1})
    assert await bench.scribe.settled(B, last) == Durable()
    assert bench.words(B) == ["granted", "tripped", "another agent", "probe"]
    assert bench.scribe.statistics().entries == 0  # the refused one gave its room back


async def test_a_scope_of_the_node_holds_in_every_log_and_a_tenants_in_its_own(bench: Any) -> None:
    bench.scribe.raise_scope(B, "tenant")
    bench.submit(S, "own scope", scopes={"tenant": 0})
    bench.scribe.raise_scope("", "node")
    for log in (B, S):
        with pytest.raises(StaleScope, match="'node' of log ''"):
            bench.submit(log, "redeemed", node_scopes={"node": 0})


async def test_a_raised_scope_stays_raised_when_its_entry_is_discarded(bench: Any) -> None:
    bench.disk.broken["commit"] = 1
    bench.scribe.raise_scope(B, "agent:ada")
    assert await bench.scribe.settled(B, bench.submit(B, "tripped")) == Discarded()
    await bench.scribe.wait_epoch(B, 1)
    await bench.scribe.wait_writable()
    with pytest.raises(StaleScope):
        bench.submit(B, "redeemed", scopes={"agent:ada": 0})
