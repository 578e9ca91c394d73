"""The candidate's half of the shell: what was decided is asked again of a bundle that decides nothing.

A proposal costs the tenant one question noted down, after its own decision was submitted; the candidate is asked once a sweep, so many
at a time, and what it says goes into entries of its own.  Where there are too many, or no room to write, they are passed over and counted.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence

import attrs

from actors.governance import asking, flip, proposing, shadowing
from actors.governance import events as e
from actors.governance import intent as intents
from actors.governance.bundle import Bundle
from actors.governance.facts import Past
from actors.governance.ids import Instant, Micros
from actors.governance.judge import foresee, judge
from actors.governance.question import Forbidden, Question, Unavailable
from actors.governance.state import Case, Shadow, State

WAITING = 1_024  # questions noted down; more than that between two sweeps are passed over
EACH = 256  # asked in one sweep, some ten milliseconds
EVERY = Micros(60_000_000)  # between two entries of counts


@attrs.frozen
class _Noted:
    case: Case
    before: e.CaseDecided
    question: Question


class Shadowing:
    """One tenant's.  Knows nothing that the log does not, but for what has not been counted yet."""

    def __init__(self) -> None:
        self._noted: deque[_Noted] = deque()
        self._bundle = b""
        self._forget()

    def _forget(self) -> None:
        self._noted.clear()
        self._counts: Counter[tuple[str, str, str, str]] = Counter()
        self._compared = self._passed_over = 0
        self._counted_at = Instant(0)

    def note(self, state: State, events: Sequence[e.Event], candidate: Bundle | None, now: Instant, past: Past) -> None:
        """Notes down what was just decided and submitted; ``candidate`` is None until it has been read."""
        if state.shadow is None or not events or not isinstance(events[0], e.IntentProposed):
            return
        if self._bundle != state.shadow.bundle:
            self._bundle = state.shadow.bundle
            self._forget()
        proposed, verdict = events[0], next((event for event in events if isinstance(event, e.CaseDecided)), None)
        agent = state.members.get(proposed.agent)
        if candidate is None or verdict is None or agent is None or len(self._noted) >= WAITING:
            self._passed_over += 1
            return
        wish = intents.unpack_own(proposed.intent)
        case = Case(
            case=proposed.case, agent=proposed.agent, intent=proposed.intent, intent_digest=verdict.bundle, key=proposed.key,  # type: ignore[arg-type]  # nothing reads the digest
            parent=proposed.parent, founding=proposed.founding, excluded=proposed.excluded, read=wish,
        )  # fmt: skip
        self._noted.append(_Noted(case, verdict, asking.question("propose", state, candidate, case, wish, agent, 0, now, past)))

    def go_on(self, state: State, candidate: Bundle | None, now: Instant, submits: Callable[[e.Event], bool]) -> None:
        """Asks the candidate what waits, and has it written; nothing of it is owed to anybody."""
        shadow = state.shadow
        if shadow is None or candidate is None or self._bundle != shadow.bundle or candidate.digest != shadow.bundle:
            return
        taken = [self._noted.popleft() for _ in range(min(EACH, len(self._noted)))]
        foresee(candidate, (one.question for one in taken))
        for one in taken:
            self._compare(one, candidate, shadow, submits)
        if self._counted_at == 0:
            self._counted_at = now
        due = now - self._counted_at >= EVERY or (self._counts and not shadow.counts)
        if (self._compared or self._passed_over) and due and submits(self._entry()):
            self._counts.clear()
            self._compared = self._passed_over = 0
            self._counted_at = now

    def _entry(self) -> e.ShadowCounted:
        differed = tuple((*kind, count) for kind, count in sorted(self._counts.items()))
        return e.ShadowCounted(self._bundle, self._compared, self._passed_over, differed)

    def pending(self) -> tuple[int, int, Counter[tuple[str, str, str, str]]]:
        """What has not been counted on the log yet: compared, passed over, differences."""
        return self._compared, self._passed_over, self._counts

    def _compare(self, one: _Noted, candidate: Bundle, shadow: Shadow, submits: Callable[[e.Event], bool]) -> None:
        shown = one.question.facts
        if any(isinstance(fact, Unavailable) for fact in shown.values()):
            self._passed_over += 1  # only what is in force is counted for: the candidate's own counters have not begun
            return
        self._compared += 1
        answer = judge(candidate, one.question)
        after = proposing.as_event(one.case, candidate, answer, one.case.wish, ())  # whom it bars from approving is no flip
        found = flip.between(one.before, after, failed=isinstance(answer, Forbidden) and bool(answer.errors))
        if found is None:
            return
        action = one.case.wish.action
        key = (found.kind, found.before, found.after, action)
        if key not in self._counts and len(self._counts) >= shadowing.MOST_KINDS:
            key = (found.kind, found.before, found.after, shadowing.OTHERS)
        self._counts[key] += 1
        name = shadowing.kind_of(*key)
        if len(shadow.shown.get(name, ())) < shadowing.FIRST and len(shadow.shown) <= shadowing.MOST_KINDS:
            submits(
                e.ShadowDiffered(
                    shadow.bundle, one.case.case, one.case.agent, key[3], found.kind, found.before, found.after,
                    one.before.why, after.why, after.policies,
                )
            )  # fmt: skip
