"""States as earlier versions folded them, brought to today's shape step by step.

A snapshot of another shape is not needed while its log can be folded anew.  Where bodies were forgotten it cannot: then a snapshot
that an earlier version made is all there is of them, and whoever changes the shape, or what ``evolve`` makes of a log, says here
how what the version before made becomes what theirs would go on with.  ``tests/actors/governance/test_older.py`` keeps a log and
its state of each version, and fails where a step is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from .signals import UNKNOWN

Fields = dict[str, Any]  # a state as it is packed: objects are maps, and what is looked up by a name is a list of pairs


@attrs.frozen
class Step:
    version: str  # whose snapshots it reads
    fingerprint: bytes  # the shape and fold of those: ``codec.fingerprint()`` as that version worked it out
    change: Callable[[Fields], None]  # in place, to what the next version's step reads, or today's ``State``


def _to_28(state: Fields) -> None:
    """When an executor's numbers were recorded is not known: no inventory counts as overtaken until the next of them comes.  Nor is
    the entry of a breaker's newest trip, so that what would name it names none, as entries of that version did."""
    for _, counted in state["findings"]["counted"]:
        counted["at"] = 0
    for _, breaker in state["breakers"]:
        breaker["tripped"] = UNKNOWN if breaker["at"] else 0


STEPS = (Step("fold/27", bytes.fromhex("6e746fc1ba54b78f99b238a58fbaf0ebab5d16348266fbd7aaadbd163ffad2b7"), _to_28),)


def known(fingerprint: bytes) -> bool:
    return any(step.fingerprint == fingerprint for step in STEPS)


def brought_on(state: Fields, fingerprint: bytes) -> None:
    """From the shape of that fingerprint, which is ``known``, to today's."""
    first = next(number for number, step in enumerate(STEPS) if step.fingerprint == fingerprint)
    for step in STEPS[first:]:
        step.change(state)
