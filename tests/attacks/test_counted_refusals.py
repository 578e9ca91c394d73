"""Malformed calls are no entries and no letters: they are counted on the node's log, by sender and code, while it runs."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from typing import Any

import trio

from actors.governance.codec import decode_node
from actors.governance.node_law import RefusalsCounted
from ledger import NODE
from ledger.header import parse

COUNTING = str(Path(__file__).parent / "counting_node.py")
CAST = (
    ("ada", "agent", "ada", ("reader",), "anna"),
    ("till", "executor", "till", (), None),
    ("otto", "auditor", "otto", (), None),
)
MALFORMED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("no.such/call", {}),
    ("status", {"more": 1}),
    ("case.show", {}),
    ("case.show", {"case": 1}),
    ("case.show", {"case": "x" * 65}),
    ("tail", {"start": 0}),
)


async def test_malformed_calls_are_counted_by_sender_and_code_within_the_minute_and_change_no_tenants_log(fresh: Any) -> None:
    fresh.program = (COUNTING,)
    fresh.serve()
    for tenant in ("belvedere", "schoenbrunn"):
        await fresh.found_tenant(tenant, cast=CAST)
    wanted = {
        ("belvedere/otto", "malformed"): len(MALFORMED),
        ("belvedere/ada", "malformed"): 3,
        ("belvedere/ada", "not_allowed"): 2,
        ("belvedere/till", "malformed"): 1,
        ("schoenbrunn/otto", "malformed"): 1,
    }
    async with fresh.cast("otto", "ada", "till") as (otto, ada, till), fresh.cast("otto", "ada", tenant="schoenbrunn") as (other, mark):
        sizes = [(await line.done("status"))["entries"] for line in (otto, other)]
        for tag, fields in MALFORMED:
            assert await otto.refused(tag, **fields) == "malformed"
        assert await other.refused("status", more=1) == "malformed"
        for _ in range(3):
            assert await ada.refused("propose", action="notes.read") == "malformed"
        for _ in range(2):
            assert await ada.refused("member.list") == "not_allowed"  # it parses, and is for others
        garbage = {"statement": b"no statement", "signature": bytes(64)}
        assert await till.refused("executor.inventory", **garbage) == "malformed"  # said by the tenant's own actor
        async with fresh.as_operator() as operator:
            for _ in range(2):  # the counts of the second entry were taken after the first was durable, so after all that is wanted
                await until_counted(operator, mark)
        assert [(await line.done("status"))["entries"] for line in (otto, other)] == sizes
        assert (await otto.done("dead_letter.list", limit=10))["letters"] == []
    fresh.end(signal.SIGKILL)  # a node that ends in order writes down what it has counted; this one had to have done so
    assert written(fresh) == wanted
    assert fresh.verify()


async def until_counted(operator: Any, mark: Any) -> None:
    """One more malformed call, and an entry that was not there before it."""
    begun = False
    with trio.fail_after(60):
        async with operator.link.subscribe("tail", {"start": 0}, credit=256) as stream:
            async for event in stream:
                value = event.value
                if value["kind"] == "checkpoint" and not begun:
                    begun = True  # all that was there is read
                    assert await mark.refused("status", more=1) == "malformed"
                elif begun and value["kind"] == "entry" and parse(value["entry"]).tag == RefusalsCounted.TAG:
                    return


def written(stage: Any) -> Counter[tuple[str, str]]:
    """What stands on the node's log, the marks left out."""
    counted: Counter[tuple[str, str]] = Counter()
    ledger = stage.ledger()
    try:
        for record in ledger.read(NODE, 0, ledger.head(NODE).size):
            if parse(record.entry).tag == RefusalsCounted.TAG:
                entry = decode_node(RefusalsCounted.TAG, ledger.open_body(NODE, record))
                assert isinstance(entry, RefusalsCounted)
                for source, code, count in entry.counts:
                    counted[source, code] += count
    finally:
        ledger.close()
    assert counted.pop(("schoenbrunn/ada", "malformed")) == 2
    return counted
