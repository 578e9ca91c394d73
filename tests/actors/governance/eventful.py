"""A log with most kinds of entries, the same in every run: what events and states are packed and read back from."""

from __future__ import annotations

from typing import Any

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import inventory
from actors.governance.decision import Operator
from actors.governance.ids import HOUR


def eventful(bench: Any) -> Any:
    """``bench``, a founded tenant, after a busy hour."""
    bench.done(bench.report(bench.running("files.write", run="r1")), "till")
    bench.done(bench.attest("r1", agrees=False), "emil")
    bench.running("orders.refund", by="ben", run="r2")
    held = bench.propose("orders.payout", by="ben")
    bench.done(bench.vote(held, "dora", "deny"), "dora")
    bench.done(c.RetryLetter(bench.last(e.DeadLetterOpened).letter, "again"), "greta")
    bench.pass_time(HOUR)
    return bench


def full(bench: Any) -> Any:
    """``eventful``, and much that stays open: what is promised, counted, paused, held, tripped and found."""
    eventful(bench)
    bench.done(c.ResetBreaker("agent:ada", "seen"), "greta")
    number = {"journal": "j1", "number": 1}
    bench.done(bench.report(bench.running(by="ben", run="r3", key="k3"), evidence={inventory.COUNTED: number}), "till")
    number = {"journal": "j1", "number": 3}
    bench.done(bench.report(bench.running(by="ben", run="r4", key="k4"), evidence={inventory.COUNTED: number}), "till")
    bench.running(by="ben", run="r5", key="k5")
    bench.propose("orders.payout", by="ben", key="k6")
    bench.done(c.TripBreaker("action:files.write", "by hand"), "greta")
    bench.done(c.PlaceHold("tenant", "a court"), "greta")
    bench.done(c.Pause("agent:mallory", "it deletes"), "greta")
    bench.done(c.Pause("tenant", "halt"), Operator("otto"))
    return bench
