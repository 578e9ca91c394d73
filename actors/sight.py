"""How much of each position of a log a reader is sent: header and body, the header, or nothing but its leaf hash.

    admin, approver, auditor      header and body
    operator                      the header
    agent, executor, verifier     header and body of the cases that `case.show` shows it, the leaf hash of all else

A filter leaves out more, never less.  Whatever a reader may see, it gets something for every position, so that it recomputes
the root over all of them.  Entries that removed bodies are shown to everybody, by their headers at least: without them a
body that is gone could not be told from one that is withheld.

Decided when a position is sent: a case in which a verifier gets its part later is shown to it from then on.
"""

from __future__ import annotations

import enum
from collections import OrderedDict
from collections.abc import Iterator

import attrs

from actors.agent import sees
from actors.governance import events as e
from actors.governance import kinds
from actors.recall import Recall
from ledger import BodyRemoved, Header, Ledger, Record, removal
from ledger.header import parse

WHOLE_LOG = frozenset({kinds.ADMIN, kinds.APPROVER, kinds.AUDITOR})
MOST_REMEMBERED = 4096  # cases whose visibility is kept; asked for again costs one reading of the case
_REMOVAL = removal.TAG.encode()


class Shown(enum.Enum):
    WHOLE = "whole"
    HEADER = "header"
    LEAF = "leaf"


@attrs.frozen
class Filter:
    """What was asked for: one case, tags that begin in one of these ways, or both; nothing leaves out nothing."""

    case: str | None = None
    tags: tuple[str, ...] = ()

    def may_take(self, entry: bytes) -> bool:
        """False where the packed header cannot be one that is asked for: told without parsing it, for most are not."""
        return (self.case is None or self.case.encode() in entry) and (not self.tags or any(tag.encode() in entry for tag in self.tags))

    def takes(self, header: Header) -> bool:
        return (self.case is None or header.case == self.case) and (not self.tags or header.tag.startswith(self.tags))


class Sight:
    """One reader's view of one log."""

    def __init__(self, ledger: Ledger, log: str, member: str, kind: str, wanted: Filter) -> None:
        self._ledger, self._log, self._recall = ledger, log, Recall(ledger, log)
        self._member, self._kind, self._wanted = member, kind, wanted
        self._all = wanted == Filter()
        self._cases: OrderedDict[str, bool] = OrderedDict()

    def of(self, record: Record) -> Shown:
        """What the reader gets of this position; raises VerificationError where a header that has to be looked at is damaged."""
        if self._all and self._kind in WHOLE_LOG:
            return Shown.WHOLE
        if self._all and self._kind == kinds.OPERATOR:
            return Shown.HEADER
        if _REMOVAL not in record.entry and not self._wanted.may_take(record.entry):
            return Shown.LEAF
        header = parse(record.entry)
        if self._wanted.takes(header):
            if self._kind in WHOLE_LOG:
                return Shown.WHOLE
            if self._kind == kinds.OPERATOR:
                return Shown.HEADER
            if header.case and self._takes_part(header):
                return Shown.WHOLE
        if header.tag == removal.TAG:
            return Shown.WHOLE if self._kind in WHOLE_LOG else Shown.HEADER
        return Shown.LEAF

    def _takes_part(self, header: Header) -> bool:
        known = self._cases.pop(header.case, None)
        if known is None:
            # All that is durable counts, also what comes further on: who executes is said after what is proposed.
            known = any(self._names_reader(found) for found in self._headers(header.case))
        elif not known:
            known = self._names_reader(header)
        self._cases[header.case] = known
        if len(self._cases) > MOST_REMEMBERED:
            self._cases.popitem(last=False)
        return known

    def _headers(self, case: str) -> Iterator[Header]:
        for seq in self._ledger.case_entries(self._log, case):
            (record,) = self._ledger.read(self._log, seq, seq + 1)
            yield parse(record.entry)

    def _names_reader(self, header: Header) -> bool:
        try:
            return sees(self._member, self._kind, [self._recall.entry(header.sequence)[1]])
        except BodyRemoved:  # the header still says who proposed, and who opened the run
            return header.actor == self._member and header.tag in (e.IntentProposed.TAG, e.RunOpened.TAG)
