"""What callers hand in and get back.

    Draft ──in a Batch──▶ append_many ──▶ Receipt        durable
                                      ├─▶ Conflict       the log is elsewhere; this batch was not written
                                      ├─▶ Frozen         the log takes no entries; this batch was not written
                                      └─▶ Refused        a draft that cannot be an entry; this batch was not written

A log is named by a text: a tenant's id, or ``""`` for the node's own.  These are built by the thousand per second:
nothing here validates on construction, the ledger checks a draft when it packs it.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import attrs

NODE = ""  # the name of the node's own log


class Draft(NamedTuple):
    """What a caller wants remembered.  A tuple, which is made in a third of the time: every entry begins as one."""

    tag: str
    time: int  # µs
    actor: str
    body: bytes
    case: str = ""
    step: int = 0  # the case's own counter
    follows: tuple[int, ...] = ()  # earlier sequence numbers of the same log
    public: bytes = b""  # a canonical map carried in the clear, in the header; omitted when empty
    keys: tuple[bytes, ...] = ()  # index keys that find this entry from now on; the last writer wins


@attrs.frozen
class Batch:
    """Drafts that become entries together or not at all."""

    log: str
    position: int  # the size of the log that these were decided on
    drafts: tuple[Draft, ...]


@attrs.frozen
class Receipt:
    """The batch is durable: its entries are ``first`` and following, under a checkpoint that covers them."""

    log: str
    first: int
    size: int  # of the tree that the checkpoint signs; other batches of the same commit are in it too
    root: bytes
    checkpoint: bytes


@attrs.frozen
class Conflict:
    """Not written: the log has another size than the batch was decided on."""

    log: str
    expected: int
    actual: int


@attrs.frozen
class Frozen:
    """Not written: the log did not match when it was opened."""

    log: str
    why: str


@attrs.frozen
class Refused:
    """Not written: the draft at ``index`` of the batch cannot be an entry, or there is no such log (index -1)."""

    log: str
    index: int
    why: str


Answer: TypeAlias = Receipt | Conflict | Frozen | Refused


@attrs.frozen
class Record:
    """One entry as stored: the header's bytes are what the tree hashes."""

    seq: int
    entry: bytes
    sealed: bytes | None  # None when the body was removed


@attrs.frozen
class Head:
    """Where a log ends, as last made durable."""

    size: int
    root: bytes
    checkpoint: bytes
    frozen: str | None = None  # why it takes no entries
