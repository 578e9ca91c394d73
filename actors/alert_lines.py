"""An alert as it is told on the wire: by its number, which is its place in the log."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from actors.governance.alert_book import Alerts


def listed(book: Alerts) -> list[Mapping[str, object]]:
    """The remembered ones, newest first: of each key the last that was raised, and what was counted since."""
    found = sorted(book.known.values(), key=lambda known: -known.number)
    return [told(known.number, known.at, attrs.asdict(known)) for known in found]


def told(number: int, at: int, fields: Mapping[str, object]) -> Mapping[str, object]:
    renamed = {"concerns": "case", "at": "time", "since": "repeated"}
    left_out = ("number", "previous", "key", "at")
    told = {renamed.get(name, name): value for name, value in fields.items() if name not in left_out}
    return {"alert": number, "time": at, **told}
