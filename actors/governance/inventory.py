"""What an executor signs about the receipts it has made: a counter without gaps, and what became of each since a number.

Each receipt carries its journal and number in its evidence, under ``counted``; so a receipt that never came leaves a hole that
another receipt or an inventory shows.
"""

from __future__ import annotations

from typing import cast

import attrs

from . import canonical
from .canonical import Value
from .ids import Instant, RunId
from .receipt import Receipt

FIELDS = ("tenant", "journal", "counter", "since", "entries", "time")
_KINDS: canonical.Kinds = {"tenant": str, "journal": str, "counter": int, "since": int, "entries": list, "time": int}
COUNTED = "counted"  # in a receipt's evidence: journal and number
MOST_ENTRIES = 64  # in one statement: each run of it may have to be looked up
LONGEST_JOURNAL = 32
TOLD, PENDING, REFUSED = BECAME = ("told", "pending", "refused")


@attrs.frozen
class Made:
    """One receipt, as its executor remembers it."""

    number: int
    run: RunId
    receipt: bytes  # digest
    became: str  # told: the node took it; pending: it is on its way; refused: the node would not take it


@attrs.frozen
class Inventory:
    """``counter`` is the newest number; ``entries`` are those after ``since``, as far as they fit and are remembered."""

    tenant: str
    journal: str
    counter: int
    since: int
    entries: tuple[Made, ...]
    time: Instant


def pack(inventory: Inventory) -> bytes:
    rows: list[Value] = [[made.number, made.run, made.receipt, made.became] for made in inventory.entries]
    return canonical.pack_fields([(name, rows if name == "entries" else getattr(inventory, name)) for name in FIELDS])


def unverified_unpack(packed: bytes) -> Inventory:
    """The statement as it stands, nothing checked but its form; raises ``NotCanonical``."""
    fields = canonical.unpack_typed(packed, FIELDS, _KINDS)
    counter, since, journal = cast(int, fields["counter"]), cast(int, fields["since"]), cast(str, fields["journal"])
    entries = tuple(map(_made, cast("list[object]", fields["entries"])))
    numbers = [made.number for made in entries]
    if not 0 <= since <= counter or not 1 <= len(journal) <= LONGEST_JOURNAL or len(entries) > MOST_ENTRIES:
        raise canonical.NotCanonical(f"an inventory has a journal, 0 <= since <= counter, and at most {MOST_ENTRIES} entries")
    if numbers != sorted(set(numbers)) or (numbers and not since < numbers[0] <= numbers[-1] <= counter):
        raise canonical.NotCanonical("the entries of an inventory ascend from after since to the counter")
    if len(entries) < MOST_ENTRIES and numbers and numbers[-1] != counter:
        raise canonical.NotCanonical("an inventory whose entries do not fill it goes up to its counter")
    return Inventory(cast(str, fields["tenant"]), journal, counter, since, entries, Instant(cast(int, fields["time"])))


def _made(row: object) -> Made:
    if not isinstance(row, list) or [type(part) for part in row] != [int, str, bytes, str] or len(row[2]) != 32 or row[3] not in BECAME:
        raise canonical.NotCanonical("an entry of an inventory is number, run, digest of the receipt and what became of it")
    return Made(row[0], RunId(row[1]), row[2], row[3])


def counted(receipt: Receipt) -> tuple[str, int] | None:
    """The journal and number of a receipt; None for one that its maker does not count."""
    found = receipt.evidence.get(COUNTED)
    if not isinstance(found, dict) or set(found) != {"journal", "number"}:
        return None
    journal, number = found["journal"], found["number"]
    if type(journal) is not str or type(number) is not int or not 1 <= len(journal) <= LONGEST_JOURNAL or number < 1:
        return None
    return journal, number
