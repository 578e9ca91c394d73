"""What became of a submission: pending, durable, or discarded, which to whoever asked for it means *indeterminate*."""

from __future__ import annotations

from typing import NewType, TypeAlias

import attrs

Submission = NewType("Submission", int)  # counts all submissions of a node's life; 0 is before the first


@attrs.frozen
class Pending:
    """Neither on the disk nor given up."""


@attrs.frozen
class Durable:
    """Synced, under a signed checkpoint: what rests on it may leave."""


@attrs.frozen
class Discarded:
    """Given up with its epoch.  After a failed commit it may be on the disk all the same; the new epoch's state tells."""


Outcome: TypeAlias = Pending | Durable | Discarded

PENDING, DURABLE, DISCARDED = Pending(), Durable(), Discarded()
