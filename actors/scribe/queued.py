"""A submission between its owner and the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import attrs

from actors.scribe.standing import Standing
from ledger import NODE, Batch, Draft, Ledger


@attrs.define(eq=False)
class Queued:
    number: int
    standing: Standing
    position: int | None
    drafts: tuple[Draft, ...]
    entries: int  # that take up room
    size: int  # bytes
    urgent: bool
    epoch: int


def batches_of(ledger: Ledger, taken: Sequence[Queued]) -> tuple[list[Batch], list[list[Queued]]]:
    """One batch a log, for a batch costs as much as an entry; and beside each the submissions that are in it.

    What belongs to an epoch that has ended is left out.  Within an epoch each submission follows on the one before.
    """
    by_log: dict[str, list[Queued]] = {}
    for queued in taken:
        if queued.epoch == queued.standing.epoch:
            by_log.setdefault(queued.standing.log, []).append(queued)
    batches = []
    for log, group in by_log.items():
        position = group[0].position
        drafts = group[0].drafts if len(group) == 1 else tuple(chain.from_iterable(queued.drafts for queued in group))
        batches.append(Batch(log, ledger.head(NODE).size if position is None else position, drafts))
    return batches, list(by_log.values())


def batches_apart(ledger: Ledger, groups: Sequence[list[Queued]]) -> tuple[list[Batch], list[list[Queued]]]:
    """Each submission a batch of its own, for groups that were refused whole: one bad draft costs none that came before it."""
    batches = []
    alone = []
    node_position = ledger.head(NODE).size
    for queued in chain.from_iterable(groups):
        position = queued.position
        if position is None:
            position = node_position
            node_position += len(queued.drafts)
        batches.append(Batch(queued.standing.log, position, queued.drafts))
        alone.append([queued])
    return batches, alone
