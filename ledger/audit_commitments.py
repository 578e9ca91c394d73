"""What the node's log committed to, against each log's own tree, in memory that does not grow with the node's years.

A commitment is looked at when the node's log is read: the root at its size follows from a few stored nodes of the log,
of which most are those of the commitment before.  That these nodes are the ones that the log's entries give is found out
later, when that log is read.  So a commitment that does not hold is kept, one a log, and counts once the log's own
entries have been found to be in order; if they are not, their fault is the finding.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ledger import stored
from ledger.commitments import Committed, name_hash
from ledger.environment import Environment, Txn
from ledger.errors import VerificationError
from ledger.tail import Tail
from ledger.tree import NodeAt, frontier_places, root_of


@attrs.define
class CommittedLog:
    """One log as the node's log saw it so far."""

    log: str
    tail: Tail
    count: int = 0
    size: int = 0  # of the last commitment
    wrong: VerificationError | None = None  # the first commitment that does not hold
    _nodes: dict[tuple[int, int], bytes] = attrs.Factory(dict)  # the frontier at that size, by place

    def check(self, head: Committed, node_at: NodeAt) -> None:
        """Take in the next commitment to this log."""
        if head.size <= self.size:
            raise VerificationError("the node's commitments to a log do not rise")
        self.count, self.size = self.count + 1, head.size
        if self.wrong is not None:
            return
        if head.size > self.tail.size:
            self.wrong = VerificationError(f"the node committed to size {head.size}, the log ends at {self.tail.size}", log=self.log)
            return
        before = self._nodes
        try:
            self._nodes = {place: before.get(place) or node_at(*place) for place in frontier_places(head.size)}
        except VerificationError as error:
            self.wrong = error.at(self.log)
            return
        if root_of(list(self._nodes.values())) != head.root:
            self.wrong = VerificationError("the node committed to another root at this size", log=self.log, index=head.size - 1)


class CommittedLogs:
    """Every log that has a row, by the name that commitments have for it."""

    def __init__(self, rows: Mapping[str, Tail]) -> None:
        self._logs = {name_hash(log): CommittedLog(log, tail) for log, tail in rows.items()}
        self._unknown = set[bytes]()

    def check(self, env: Environment, txn: Txn, head: Committed) -> None:
        """Take in the next commitment of the node's log."""
        known = self._logs.get(head.name)
        if known is None:  # a log without a row: that it was admitted and is missing, or was never, is found in time
            self._unknown.add(head.name)
        else:
            known.check(head, stored.nodes(env, txn, known.tail.id))

    def of(self, log: str) -> CommittedLog:
        """What was committed to of one log."""
        return self._logs[name_hash(log)]

    def names(self) -> set[bytes]:
        """Of all logs that were committed to."""
        return self._unknown | {name for name, known in self._logs.items() if known.count}
