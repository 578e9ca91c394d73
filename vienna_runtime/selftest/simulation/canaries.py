"""Canaries, as their end on the log tells of them, and as whoever proposed them knows: none is granted, and each ends as one does.

held ──▶ caught by who denies it │ missed where the quorum is filled │ ended, after it expired or was withdrawn, or under another bundle
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from actors.governance import events as e
from vienna_runtime.selftest.simulation.entries import Broken
from vienna_runtime.selftest.simulation.remembered import CaseNow, Who

NEVER = "a canary is never granted"
ENDS = "a canary ends as what came of it"


@attrs.define(eq=False)
class Canaries:
    """One tenant's.  ``members`` are the account's own."""

    members: Mapping[str, Who]
    known: dict[str, str] = attrs.Factory(dict)  # cases, and whose they are, as far as an admin has heard
    over: set[str] = attrs.Factory(set)

    def granted(self, case: str) -> None:
        if case in self.known or case in self.over:
            raise Broken(NEVER, case)

    def ended(self, event: e.CanaryMissed | e.CanaryCaught | e.CanaryEnded, case: CaseNow, *, denied_by: str) -> None:
        """Before it closes; ``denied_by``: the person, where somebody denied it."""
        who = self.members.get(event.by)
        if self.known.get(case.case, event.by) != event.by or who is None or who.kind != "admin":
            raise Broken(ENDS, f"{case.case} is said to be of {event.by}")
        if not event.closes or not case.card:
            raise Broken(ENDS, f"{case.case} goes on, or was never shown")
        match event:
            case e.CanaryMissed():
                so = case.place == "held" and set(event.persons) == set(case.given)
            case e.CanaryCaught():
                so = case.denied and event.person == denied_by and set(event.persons) == set(case.given) - {denied_by}
            case _:
                so = not case.denied and set(event.persons) <= set(case.agreed)
        if not so:
            raise Broken(ENDS, f"{case.case}, {case.place}, approved by {sorted(case.given)}: {event}")
        self.over.add(case.case)
        case.place = "over"
