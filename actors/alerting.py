"""Every alert as it becomes durable, for whoever subscribed to them."""

from __future__ import annotations

import attrs
import trio

from actors.alert_lines import told
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import index
from actors.recall import Recall
from actors.scribe import Scribe
from actors.subscriptions import Subscription

PAGE = 256  # found in the index at once; then the others have their turn
PATIENCE = 30.0  # s between two looks where nothing was written


async def alert_tail(subscription: Subscription, scribe: Scribe, log: str, ask: c.TailAlerts) -> None:
    """Every alert that stands at ``ask.start`` or later, in order, each once; for ever, or to the end of what there is."""
    ledger, recall = scribe.ledger, Recall(scribe.ledger, log)
    prefix, after = index.alert_key(), b""
    start = ledger.head(log).size if ask.start is None else ask.start
    while True:
        size = ledger.head(log).size
        page = ledger.find_under(log, prefix, after=after, limit=PAGE)
        for _, seq in page:
            if seq < start:
                continue
            header, event = recall.told(seq)
            if isinstance(event, e.AlertRaised):  # else its body was forgotten
                await subscription.send(seq, told(seq, header.time, attrs.asdict(event)))
        if page:
            after = page[-1][0]
            await trio.lowlevel.checkpoint()  # with credit in hand nothing above has waited
        elif not ask.follow:
            subscription.end("that is all")
            return
        else:
            with trio.move_on_after(PATIENCE):
                await scribe.grown.wait_for(log, size + 1, size)
