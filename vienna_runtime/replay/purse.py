"""What the candidate's budgets would have said to each grant, and what of the record counts in them.

A node asks budgets when it grants: at once at T0, else at the last vote, for which the moment of the recorded warrant stands
here.  What counts is what was recorded of the cases that the candidate would have granted, under its limits and in its
time zone.  Warrants and runs of all others count for nothing, or one refund that a limit refuses would use that limit up.
What the candidate newly allows was never carried out: it counts for nothing either, so that what is found to be newly allowed is
the most that could be.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import attrs

from actors.governance import budgets, granting
from actors.governance import events as e
from actors.governance import intent as intents
from actors.governance import warrant as warrants
from actors.governance.decision import Moment
from actors.governance.ids import Fresh, Instant
from actors.governance.refusals import Refusal
from actors.governance.state import Case, Given, State

_FRESH = Fresh(bytes(32))  # of a warrant that nobody will ever be given


class Purse:
    """Beside a state into which the record is folded."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._granted: dict[str, e.CaseDecided] = {}  # open cases that the candidate would have granted
        self._refused: set[str] = set()  # open cases that it would not

    def asked(
        self, case: Case, verdict: e.CaseDecided, wish: intents.Intent, now: Instant, given: tuple[Given, ...] = ()
    ) -> Refusal | None:
        """What budgets refuse of a verdict that would be granted now."""
        executor = self._state.members[verdict.executor]
        terms = granting.warrant(self._state, case, verdict, wish, executor, given, Moment(now, _FRESH))
        admitted = budgets.admits(self._state, terms, now)
        return admitted if isinstance(admitted, Refusal) else None

    def decided(self, verdict: e.CaseDecided) -> None:
        """Whether the case would have been granted, as far as is known by now."""
        if verdict.permitted:
            self._granted[verdict.case] = verdict
        else:
            self._granted.pop(verdict.case, None)
            self._refused.add(verdict.case)

    def as_granted(self, event: e.Event) -> e.Event:
        """A recorded warrant without a cap, with the one that it would have had: it counts at that until the report says what it cost."""
        verdict = self._granted.get(event.case) if isinstance(event, e.WarrantIssued) else None
        if not isinstance(event, e.WarrantIssued) or verdict is None:
            return event
        terms = warrants.unpack_own(event.fields)
        if terms.cost_cap is not None or verdict.cost_cap is None:
            return event
        return attrs.evolve(event, fields=warrants.pack(attrs.evolve(terms, cost_cap=verdict.cost_cap)))

    @contextmanager
    def counting(self, event: e.Event) -> Iterator[None]:
        """While the event is folded: whether it counts."""
        case, limits = getattr(event, "case", ""), self._state.limits
        if case in self._refused:
            self._state.limits = ()
        yield
        if case in self._refused:
            self._state.limits = limits
        if getattr(event, "closes", False):
            self._granted.pop(case, None)
            self._refused.discard(case)
