"""A submission between its owner and the ledger."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from actors.scribe.standing import Standing
from ledger import NODE, Batch, Draft, Ledger


@attrs.define(eq=False)
class Queued:
    number: int
    standing: Standing
    position: int | None
    drafts: tuple[Draft, ...]
    entries: int  # as reserved
    size: int  # bytes
    urgent: bool
    epoch: int


def batches_of(ledger: Ledger, taken: Sequence[Queued]) -> tuple[list[Batch], list[Queued]]:
    """What the ledger is given for the queue, and whose it is.  What belongs to an epoch that has ended is left out."""
    batches: list[Batch] = []
    owners: list[Queued] = []
    node_position = ledger.head(NODE).size
    for queued in taken:
        if queued.epoch == queued.standing.epoch:
            position = queued.position
            if position is None:
                position = node_position
                node_position += len(queued.drafts)
            batches.append(Batch(queued.standing.log, position, queued.drafts))
            owners.append(queued)
    return batches, owners
