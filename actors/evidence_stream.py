"""Evidence of one case as a subscription: the heads first, then every entry with its proof, then how many they were.

The work is done in threads, a stretch at a time and one stretch at once in the whole node, so that nobody's decisions wait for an
auditor.  A connection that is lost begins again from the start: heads move on, and evidence is under one pair of them.
"""

from __future__ import annotations

from functools import partial

import trio

from actors import evidence
from actors.scribe import Scribe
from actors.subscriptions import Subscription

PATIENCE = 3.0  # s to wait for the node's log to commit to what a case has just become; it does so every second
_AGAIN = 0.25  # s between two looks
_PROVING = trio.CapacityLimiter(1)  # proofs and bodies cost a thread that competes with the event loop


async def case_evidence(subscription: Subscription, scribe: Scribe, tenant: str, case: str) -> None:
    """Sends it and ends.  The caller has seen to it that whoever asks may."""
    ledger = scribe.ledger
    last = evidence.last_entry(ledger, tenant, case)
    with trio.move_on_after(PATIENCE):
        while last is not None and evidence.committed_size(ledger, tenant) <= last:  # noqa: ASYNC110  # nobody announces a commitment
            await trio.sleep(_AGAIN)
    made = await trio.to_thread.run_sync(evidence.plan, ledger, tenant, case, limiter=_PROVING)
    if made is None:
        subscription.end("there is no such case")
        return
    sent = 0
    for item in await trio.to_thread.run_sync(lambda: list(evidence.opening(ledger, made)), limiter=_PROVING):
        await subscription.send(sent, item)
    for log, places in evidence.stretches(made):
        for item in await trio.to_thread.run_sync(partial(evidence.part, ledger, made, log, places), limiter=_PROVING):
            await subscription.send(sent, item)
            sent += 1
    await subscription.send(sent, {"kind": "end", "entries": sent})
    subscription.end("that is all")
