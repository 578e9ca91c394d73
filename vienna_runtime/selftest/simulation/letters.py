"""Dead letters, told again from the log: a chain, of which each is resolved once, and tried again as what it was.

opened ──▶ resolved by an admin
      └──▶ tried again: in the same batch the same wish of the same agent, as the child of its case, without whoever tries it again
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from actors.governance import events as e
from actors.governance import intent as intents
from vienna_runtime.selftest.simulation.entries import Broken
from vienna_runtime.selftest.simulation.remembered import CaseNow, Who

AGAIN = "a dead letter is tried again as what it was"
LISTED = "what is listed is what was asked for"


@attrs.define(eq=False)
class Letters:
    """One tenant's.  ``members`` and ``cases`` are the account's own."""

    members: Mapping[str, Who]
    cases: Mapping[str, CaseNow]
    open: dict[str, str] = attrs.Factory(dict)  # and their cases
    all: list[str] = attrs.Factory(list)
    told: dict[str, tuple[e.DeadLetterOpened, int]] = attrs.Factory(dict)  # and when
    tried: dict[str, str] = attrs.Factory(dict)  # the case as which a letter was tried again
    _last: int | None = None
    _owed: e.DeadLetterResolved | None = None

    def follows(self, event: object) -> None:
        """Looks at every entry: one that is tried again is so in the next."""
        if self._owed is not None:
            if not isinstance(event, e.IntentProposed):
                raise Broken(AGAIN, f"{self._owed.letter} as {self._owed.retried_as}, and then {type(event).__name__}")
            self._is_again(self._owed, event)
            self._owed = None

    def opened(self, event: e.DeadLetterOpened, seq: int, at: int) -> None:
        if event.previous != self._last:
            raise Broken("dead letters are a chain", event.letter)
        self._last = seq
        self.open[event.letter] = event.case
        self.all.append(event.letter)
        self.told[event.letter] = event, at
        if event.case:
            self.cases[event.case].letters += 1

    def resolved(self, event: e.DeadLetterResolved, at: int) -> None:
        if self.open.pop(event.letter, None) is None:
            raise Broken("a dead letter is resolved once", event.letter)
        opened, when = self.told[event.letter]
        if event.kind != opened.kind or not when <= event.opened <= at:
            raise Broken("a dead letter is resolved once", f"{event.letter} as another: {event}, opened at {when}")
        if event.retried_as is not None:
            self._owed = event
            self.tried[event.letter] = event.retried_as

    def _is_again(self, tried: e.DeadLetterResolved, event: e.IntentProposed) -> None:
        before = self.cases[self.told[tried.letter][0].case]
        then, now = intents.unpack(before.intent), intents.unpack(event.intent)
        if event.case != tried.retried_as or event.agent != before.agent or not event.key.startswith(f"retry:{tried.letter}:"):
            raise Broken(AGAIN, f"{tried.letter} of {before.agent} as {event.case} of {event.agent}, under {event.key}")
        if attrs.evolve(then, parent=now.parent, state_digest=now.state_digest, deadline=now.deadline) != now or now.parent != before.case:
            raise Broken(AGAIN, f"{tried.letter}: {now} for {then}")
        by = self.members[tried.by]
        if by.kind != "admin" or by.status != "active" or not {*before.excluded, by.person} <= set(event.excluded):
            raise Broken("nobody approves its own", f"{tried.letter}, tried again by {tried.by}: {event.excluded} are excluded")

    def was_listed(self, asked: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
        """Whether an answer to a list holds what is there, newest first, and nothing that was not asked for."""
        rows = value["letters"]
        numbers = [row["seq"] for row in rows]
        return numbers == sorted(numbers, reverse=True) and all(self._fits(asked, row) for row in rows)

    def _fits(self, asked: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
        letter = row["letter"]
        if letter not in self.told or (row["resolved"] and letter in self.open):
            return False
        opened, when = self.told[letter]
        case = self.cases.get(opened.case)
        own = {
            "letter_kind": opened.kind, "case": opened.case, "whose": None if case is None else case.agent,
            "action": None if case is None else intents.unpack(case.intent).action,
            "letters": "resolved" if row["resolved"] else "open",
        }  # fmt: skip
        return when < asked.get("older", when + 1) and all(asked.get(name, is_so) == is_so for name, is_so in own.items())
