"""What policy demands of the people who look at a case, see review.py."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from . import quorum
from .obligations import Obligations
from .quorum import Quorum
from .settings import Settings
from .tiers import TIERS


def demanded(duty: Obligations, settings: Settings, authors: Iterable[str], case: str) -> tuple[str, int, dict[str, object]]:
    """The quorum, the persons it takes at least, and the map, for a case of this id."""
    if duty.quorum is None:
        return "", 0, {}
    reading = settings.reading_time[duty.tier]
    second = duty.tier == "T1" and settings.second_reader > 0 and drawn(case, settings.second_reader)
    if not (second or reading or duty.exclude or duty.escalate):
        return duty.asked, duty.persons, {}
    found: dict[str, object] = {}
    if "author" in duty.exclude and (persons := sorted(set(authors))):
        found["barred"] = persons
    needed = max(TIERS.index(duty.tier), 2 if second else 0)

    def all_of(demand: Quorum) -> Quorum:
        return quorum.every((demand, quorum.any_of(2))) if second else demand

    first = all_of(duty.quorum)
    if duty.escalate:
        stages = [(all_of(demand), within) for demand, within in duty.escalate]
        found["then"] = [[str(stage), max(needed, quorum.least(stage)), within] for stage, within in stages]
    if reading > 0:
        found["reading"] = reading
    if second:
        found["second"] = True
    return str(first), max(needed, quorum.least(first)), found


def drawn(case: str, percent: int) -> bool:
    """Whether a case of this id, which the node draws and no agent chooses, is among so many of a hundred."""
    number = int.from_bytes(hashlib.sha256(b"vienna/second-reader/1\0" + case.encode()).digest()[:8])
    return number * 100 < percent << 64
