"""What of a tenant's log is still there, month by month, and what of it the law lets go.  Reads only, in stretches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from actors.governance import events as e
from actors.governance import retention
from actors.governance.codec import decode
from actors.governance.decision import Span
from actors.governance.ids import Instant
from actors.governance.months import month_of
from actors.governance.retention import FORGETTABLE, Item
from actors.governance.state import State
from ledger import Header, Ledger
from ledger.forgetting import MOST_RANGES, MOST_REMOVED, Month
from ledger.header import parse
from ledger.tail import LONGEST_CASE

STRETCH = 4096  # entries looked at in one read transaction: some 20 ms
MOST_SPANS = 1 << 16  # cases whose months are remembered in one pass: entries of a case lie close together


@attrs.frozen
class Seen:
    """One month.  ``going`` and ``kept`` (why → how many) only where it is over its retention at the date asked about."""

    month: str
    entries: int
    bodies: int
    bytes: int
    due: Instant
    over: bool
    going: int = 0
    kept: Mapping[str, int] = attrs.field(factory=dict)


@attrs.frozen
class Chunk:
    """What one removal takes: rising ranges of one month."""

    month: str
    ranges: tuple[tuple[int, int], ...]
    bodies: int


class Log:
    """One tenant's log; remembers what months that are over weigh, until ``changed``."""

    def __init__(self, ledger: Ledger, name: str) -> None:
        self._ledger, self._name = ledger, name
        self._weights: dict[tuple[int, int], tuple[int, int]] = {}

    def changed(self) -> None:
        """Bodies have gone."""
        self._weights.clear()

    def months(self, state: State, date: Instant) -> list[Seen]:
        """Every month, oldest first."""
        found, months = list[Seen](), self._ledger.months(self._name)
        for month in months:
            bodies, size = self._weight(month, over=month is not months[-1])
            due = retention.due_at(state, month.month)
            seen = Seen(month.month, month.stop - month.start, bodies, size, due, due <= date)
            if seen.over and bodies:
                why = Counter(kept for _, kept in self._judged(state, month, date))
                seen = attrs.evolve(seen, going=why.pop("", 0), kept=dict(why))
            found.append(seen)
        return found

    def expired(self, state: State, name: str, date: Instant) -> Iterator[Chunk]:
        """What goes of a month at ``date``."""
        for month in self._ledger.months(self._name):
            if month.month == name and retention.due_at(state, name) <= date:
                yield from _chunks((name, seq) for seq, why in self._judged(state, month, date) if not why)

    def erased(self, what: Sequence[str]) -> Iterator[Chunk]:
        """What goes of cases and entries that were named."""
        found = sorted(
            (header.sequence, month_of(Instant(header.time)))
            for header in self._headers(what)
            if header.tag in FORGETTABLE and self._ledger.read(self._name, header.sequence, header.sequence + 1)[0].sealed is not None
        )
        return _chunks((month, seq) for seq, month in found)

    def knows(self, case: str) -> bool:
        """Whether it has entries of this case."""
        return 0 < len(case.encode()) <= LONGEST_CASE and bool(self._ledger.case_entries(self._name, case))

    def spans(self, what: Sequence[str]) -> dict[str, Span]:
        """Of each case or entry named whose body may be removed at all: where its case lies, or the entry itself."""
        found = {}
        for name in what:
            headers = [header for header in self._headers([name]) if header.tag in FORGETTABLE]
            if headers:
                case = headers[0].case
                found[name] = Span(case, *(self._span(case) if case else _own(headers[0])))
        return found

    def _headers(self, what: Iterable[str]) -> Iterator[Header]:
        seen, size = set[int](), self._ledger.head(self._name).size
        for name in what:
            if name.isdecimal() and name.isascii():
                places = [int(name)] if len(name) < 20 and int(name) < size else []
            else:
                places = self._ledger.case_entries(self._name, name) if len(name.encode()) <= LONGEST_CASE else []
            for seq in places:
                if seq not in seen:
                    seen.add(seq)
                    yield self._header(seq)

    def _header(self, seq: int) -> Header:
        (record,) = self._ledger.read(self._name, seq, seq + 1)
        return parse(record.entry)

    def _judged(self, state: State, month: Month, date: Instant) -> Iterator[tuple[int, str]]:
        """Each body of the month that is there, and why it stays."""
        spans: dict[str, tuple[str, str]] = {}
        for start in range(month.start, month.stop, STRETCH):
            for header, _ in self._ledger.held_bodies(self._name, start, min(start + STRETCH, month.stop)):
                if header.case and header.case not in spans:
                    if len(spans) >= MOST_SPANS:
                        spans.clear()
                    spans[header.case] = self._span(header.case, month)
                span = spans[header.case] if header.case else _own(header)
                yield header.sequence, retention.kept(state, Item(header.tag, header.case, span, self._bundle(header)), date)

    def _span(self, case: str, known: Month | None = None) -> tuple[str, str]:
        """The months of its first and its last entry; of those in the ``known`` month no header is read."""
        entries = self._ledger.case_entries(self._name, case)
        first, last = (
            known.month if known is not None and known.start <= seq < known.stop else _own(self._header(seq))[0]
            for seq in (entries[0], entries[-1])
        )
        return first, last

    def _bundle(self, header: Header) -> str:
        if header.tag != e.BundlePushed.TAG:
            return ""
        (record,) = self._ledger.read(self._name, header.sequence, header.sequence + 1)
        event = decode(header.tag, self._ledger.open_body(self._name, record))
        return event.bundle.hex() if isinstance(event, e.BundlePushed) else ""

    def _weight(self, month: Month, *, over: bool) -> tuple[int, int]:
        place = (month.start, month.stop)
        found = self._weights.get(place)
        if found is None:
            parts = [
                self._ledger.weight(self._name, start, min(start + STRETCH, month.stop))
                for start in range(month.start, month.stop, STRETCH)
            ]
            found = sum(bodies for bodies, _ in parts), sum(size for _, size in parts)
            if over:
                self._weights[place] = found
        return found


def _own(header: Header) -> tuple[str, str]:
    month = month_of(Instant(header.time))
    return month, month


def _chunks(going: Iterable[tuple[str, int]]) -> Iterator[Chunk]:
    """(month, sequence) in rising order, cut so that each chunk is one removal."""
    month, ranges, bodies = "", list[tuple[int, int]](), 0
    for at, seq in going:
        touches = bool(ranges) and ranges[-1][1] == seq
        if ranges and (at != month or bodies == MOST_REMOVED or (not touches and len(ranges) == MOST_RANGES)):
            yield Chunk(month, tuple(ranges), bodies)
            ranges, bodies, touches = [], 0, False
        month = at
        if touches:
            ranges[-1] = (ranges[-1][0], seq + 1)
        else:
            ranges.append((seq, seq + 1))
        bodies += 1
    if ranges:
        yield Chunk(month, tuple(ranges), bodies)
