"""What is noted for the detectors of breakers, and what they say of it in the same batch.

    entry                           noted                      asked
    intent.proposed                 rate, repetition, novelty  the same three
    case.decided, permitted         a good verdict
    dead_letter.opened, denied      a bad verdict              denials
    run.reported                    what it cost               spend
    run.unknown                     a bad end, its worst       failures, unknowns, spend
    run.verified                    how it ended               failures; mismatches

``note`` folds, and is the same under every bundle; ``alarms`` only looks.  Both ``follow``, which trips, and a simulation on a
recorded log ask the same ``alarms``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import attrs

from . import breaker, budgets
from . import events as e
from .breaker_limits import BreakerLimits
from .detectors import denials, failures, mismatches, novelty, rate, repetition, spend, unknowns, watched
from .detectors.alarm import BEGINNING, Alarm
from .ids import CaseId, Cost, Instant
from .intent import GOVERNED, unpack
from .signals import Signals, copied
from .state import Case, Run, State, scopes

MOST_SIGNALS = 1_024  # scopes of which something is remembered; then those in which nothing happened for longest are forgotten
_KEPT = MOST_SIGNALS * 3 // 4
_NOTHING = Signals("")


@attrs.frozen
class Subject:
    """Whom and what an entry is about, as it stood before the entry."""

    agent: str
    action: str
    case: CaseId
    good: bool = True  # how a run ended


def subject(state: State, event: e.Event) -> Subject | None:
    """None for what no detector hears of.  Asked before the entry is folded; of an intent that is new, only the agent is known."""
    kind = type(event)
    if kind is e.IntentProposed:
        return Subject(event.agent, "", event.case)  # type: ignore[union-attr]  # kind was looked at
    if kind is e.RunReported or kind is e.RunUnknown or kind is e.RunVerified:
        run = state.runs.get(event.run)  # type: ignore[union-attr]
        if run is None:
            return None
        return Subject(run.agent, run.action, run.case, kind is not e.RunUnknown and _good(run, event))
    if isinstance(event, e.DeadLetterOpened) and event.kind == "denied":
        case = state.cases.get(event.case)
        return None if case is None else Subject(case.agent, case.wish.action, case.case)
    return None


def _good(run: Run, event: e.Event) -> bool:
    return not isinstance(event, e.RunVerified) or (event.verdict != "mismatched" and run.outcome in ("", "succeeded"))


def follow(
    state: State, heard: Sequence[tuple[e.Event, Subject]], limits: BreakerLimits, at: Instant
) -> Iterator[e.BreakerTripped | e.BreakerReset]:
    """What the entries of one batch trip and close.  Each is to be folded before the next is asked for."""
    for event, about in heard:
        for name, scope, alarm in alarms(state, event, about, limits, at, _forgiven(state)):
            if breaker.heeds(breaker.seen(state, scope), name):
                yield breaker.trip(state, scope, at, limits, alarm)
        if isinstance(event, (e.RunVerified, e.RunUnknown)):
            for scope in scopes(about.agent, about.action):
                over = breaker.ended(state, scope, about.case, at, limits, good=about.good)
                if isinstance(over, (e.BreakerTripped, e.BreakerReset)):
                    yield over


def alarms(
    state: State, event: e.Event, about: Subject, limits: BreakerLimits, at: Instant, since: Callable[[str, str], Instant]
) -> Iterator[tuple[str, str, Alarm]]:
    """Which detectors would trip which scopes now: detector, scope, what it says.  ``since``: what was seen up to then is forgiven."""
    own = state.signals.get(f"agent:{about.agent}", _NOTHING)
    match event:
        case e.IntentProposed():
            case = state.cases.get(event.case)  # gone where it was denied at once
            action = unpack(event.intent).action if case is None else case.wish.action
            if not action.startswith(GOVERNED):
                yield from _asked(own, about.agent, action, limits, at, since)
        case e.DeadLetterOpened():
            for scope in _of(limits.denials.scopes, about.agent, about.action):
                yield from _found(scope, denials.judge(own, at, limits.denials, since(denials.NAME, scope)))
        case e.RunReported():
            yield from _spent(state, about, limits, at, since)
        case e.RunVerified() | e.RunUnknown():
            if isinstance(event, e.RunVerified) and event.verdict == "mismatched":
                scope = f"agent:{about.agent}"
                yield from _found(scope, mismatches.judge(own, at, limits.mismatches, since(mismatches.NAME, scope)))
            if not about.good:
                for scope, seen in _each(state, limits.scopes, about):
                    yield from _found(scope, failures.judge(seen, at, limits.of_failures, since(failures.NAME, scope)))
            if isinstance(event, e.RunUnknown):
                for scope, seen in _each(state, limits.unknowns.scopes, about):
                    yield from _found(scope, unknowns.judge(seen, at, limits.unknowns, since(unknowns.NAME, scope)))
                yield from _spent(state, about, limits, at, since)
        case _:
            pass


def tripping(state: State, case: Case, limits: BreakerLimits, at: Instant) -> tuple[str, Alarm] | None:
    """Which scope the intent of ``case`` will trip in the batch that records it, and why, or None.  The case is not in the state yet."""
    seen = state.signals.get(f"agent:{case.agent}", _NOTHING)
    if not (
        rate.close(seen, at, limits.rate) or repetition.close(seen, limits.repetition, case.wish.args) or novelty.close(limits.novelty)
    ):
        return None  # nearly always: no copy is made
    own = copied(seen)
    _note_intent(own, case, at, state.zone)
    for name, scope, alarm in _asked(own, case.agent, case.wish.action, limits, at, _forgiven(state)):
        if breaker.heeds(breaker.seen(state, scope), name):
            return scope, alarm
    return None


def _asked(
    own: Signals, agent: str, action: str, limits: BreakerLimits, at: Instant, since: Callable[[str, str], Instant]
) -> Iterator[tuple[str, str, Alarm]]:
    for scope in _of(limits.rate.scopes, agent, action):
        yield from _found(scope, rate.judge(own, at, limits.rate, since(rate.NAME, scope)))
    if limits.repetition.reads or action not in limits.reading:
        for scope in _of(limits.repetition.scopes, agent, action):
            yield from _found(scope, repetition.judge(own, at, limits.repetition, since(repetition.NAME, scope)))
    for scope in _of(limits.novelty.scopes, agent, action):
        yield from _found(scope, novelty.judge(own, at, limits.novelty, since(novelty.NAME, scope)))


def _spent(
    state: State, about: Subject, limits: BreakerLimits, at: Instant, since: Callable[[str, str], Instant]
) -> Iterator[tuple[str, str, Alarm]]:
    if limits.spend.most is None:
        return
    for scope, seen in _each(state, limits.spend.scopes, about):
        yield from _found(scope, spend.judge(seen, at, limits.spend, since(spend.NAME, scope)))


def _found(scope: str, alarm: Alarm | None) -> Iterator[tuple[str, str, Alarm]]:
    if alarm is not None:
        yield alarm.detector, scope, alarm


def _forgiven(state: State) -> Callable[[str, str], Instant]:
    known = state.breakers
    return lambda _, scope: BEGINNING if (guard := known.get(scope)) is None else guard.since


@lru_cache(maxsize=4_096)
def _of(kinds: tuple[str, ...], agent: str, action: str) -> tuple[str, ...]:
    named = dict(zip(watched.KINDS, scopes(agent, action), strict=True))
    return tuple(named[kind] for kind in kinds)


def _each(state: State, kinds: tuple[str, ...], about: Subject) -> Iterator[tuple[str, Signals]]:
    return ((scope, state.signals.get(scope, _NOTHING)) for scope in _of(kinds, about.agent, about.action))


# --- what evolve does -------------------------------------------------------------------------------------------------


def proposed(state: State, case: Case, at: Instant) -> None:
    if not case.wish.action.startswith(GOVERNED):
        _note_intent(_signals(state, f"agent:{case.agent}"), case, at, state.zone)


def _note_intent(signals: Signals, case: Case, at: Instant, zone: str) -> None:
    rate.note(signals, at)
    repetition.note(signals, at, case.wish.args)
    novelty.note(signals, at, case.wish, zone)


def decided(state: State, case: Case, at: Instant, *, permitted: bool) -> None:
    """A permit is noted with the verdict; a denial, by policy or by people, with its dead letter, which a canary's does not leave."""
    if not case.wish.action.startswith(GOVERNED):
        denials.note(_signals(state, f"agent:{case.agent}"), at, good=permitted)


def reported(state: State, run: Run, cost: Cost, at: Instant) -> None:
    if cost > 0:
        for scope in scopes(run.agent, run.action):
            spend.note(_signals(state, scope), at, cost)


def became_unknown(state: State, run: Run, at: Instant) -> None:
    reported(state, run, Cost(budgets.held(run)), at)
    for scope in scopes(run.agent, run.action):
        signals = _signals(state, scope)
        failures.note(signals, at, good=False)
        unknowns.note(signals, at)


def ended(state: State, run: Run, verdict: str, at: Instant) -> None:
    good = verdict != "mismatched" and run.outcome == "succeeded"
    for scope in scopes(run.agent, run.action):
        failures.note(_signals(state, scope), at, good=good)
    if verdict == "mismatched":
        mismatches.note(_signals(state, f"agent:{run.agent}"), at)


def _signals(state: State, scope: str) -> Signals:
    found = state.signals.get(scope)
    if found is None:
        if len(state.signals) >= MOST_SIGNALS:
            _forget(state)
        found = state.signals[scope] = Signals(scope)
    found.last = state.size
    return found


def _forget(state: State) -> None:
    """Drops a quarter at once, so that it is paid for by what makes the next one necessary."""
    oldest = sorted(state.signals.values(), key=lambda signals: (signals.last, signals.scope))
    for signals in oldest[: len(oldest) - _KEPT]:
        del state.signals[signals.scope]
