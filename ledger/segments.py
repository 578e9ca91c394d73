"""Closed months outside LMDB: immutable files that proofs, tails and ``verify`` read in place.

    ledger directory
    └── archive/<log id>/<start>-<stop>.entries          what the table ``entries`` held, see ``ledger.column``
                         <start>-<stop>.<turn>.bodies    what the table ``bodies`` held; ``turn`` counts rewritings

The table ``segments`` says which there are: log id ‖ stop → start, turn (the turn is null when no body is left).  Its row is
put in the transaction after which the tables need not hold these entries any more, and the files are durable before it.
Entries never change.  Bodies do once: forgetting writes the file again without some of them, under the next turn.

What lies in a table is read there; only what does not is looked for here.  So nothing costs more than it did for what is new.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import attrs
import msgpack

from ledger.column import Column
from ledger.errors import VerificationError

DIRECTORY = "archive"
MOST_OPEN = 64  # files mapped at a time: each holds a descriptor; a reading walks few


@attrs.frozen
class Segment:
    """Entries [start, stop) of a log that lie in files."""

    log: int
    start: int
    stop: int
    turn: int | None  # of the bodies' file; None when there is none

    @property
    def entries(self) -> str:
        """The entries' file, below the archive's directory."""
        return f"{self.log}/{self.start}-{self.stop}.entries"

    @property
    def bodies(self) -> str | None:
        """The bodies' file, below the archive's directory."""
        return None if self.turn is None else f"{self.log}/{self.start}-{self.stop}.{self.turn}.bodies"

    @property
    def key(self) -> bytes:
        """Its key in the table: by where it stops, so that whoever looks for a number finds it with one seek."""
        return self.log.to_bytes(4, "big") + self.stop.to_bytes(8, "big")

    @property
    def row(self) -> bytes:
        """Its value in the table."""
        packed: bytes = msgpack.packb([self.start, self.turn])
        return packed


def parse(key: bytes, row: bytes) -> Segment:
    """The segment of a row, or VerificationError."""
    log, stop = int.from_bytes(key[:4], "big"), int.from_bytes(key[4:], "big")
    try:
        start, turn = msgpack.unpackb(row)
        segment = Segment(log, start, stop, turn)
        numbers = type(start) is int and (turn is None or type(turn) is int)
        if not numbers or not 0 <= start < stop or segment.row != row or segment.key != key:
            raise ValueError
    except (ValueError, TypeError, msgpack.UnpackException):
        raise VerificationError("a row that says what lies in the archive is damaged", index=stop) from None
    return segment


class Files:
    """The archive's files, opened when asked for; the least recently used are let go."""

    def __init__(self, place: Path) -> None:
        self.place = place / DIRECTORY
        self._lock = threading.Lock()
        self._open: OrderedDict[str, Column] = OrderedDict()

    def entry(self, segment: Segment, index: int) -> bytes:
        """What the table held for the entry."""
        value = self._column(segment, segment.entries).value(index)
        if not value:
            raise VerificationError("the entry is missing in the archive", index=index)
        return value

    def body(self, segment: Segment, index: int) -> bytes | None:
        """What the table held for the body, or None when it was removed."""
        return None if segment.bodies is None else self._column(segment, segment.bodies).value(index) or None

    def entries(self, segment: Segment, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """(index, value) of entries, in order."""
        return self._column(segment, segment.entries).values(start, stop)

    def bodies(self, segment: Segment, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """(index, value) of the bodies that are there, in order."""
        if segment.bodies is not None:
            for index, value in self._column(segment, segment.bodies).values(start, stop):
                if value:
                    yield index, value

    def path(self, name: str) -> Path:
        """Where a file lies."""
        return self.place / name

    def let_go(self, name: str) -> None:
        """Read the file anew when it is next asked for: another was written in its place, which only one that no row names ever is."""
        with self._lock:
            self._open.pop(name, None)

    def remove(self, name: str) -> None:
        """Let go of a file and unlink it; no error when it is gone already."""
        self.let_go(name)
        self.path(name).unlink(missing_ok=True)

    def _column(self, segment: Segment, name: str) -> Column:
        with self._lock:
            found = self._open.get(name)
            if found is not None:
                self._open.move_to_end(name)
                return found
        column = Column(self.path(name), segment.log)
        if (column.first, column.stop) != (segment.start, segment.stop):
            raise VerificationError(f"{name} of the archive holds other entries than the ledger says", index=segment.start)
        with self._lock:
            self._open[name] = column
            while len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)
        return column
