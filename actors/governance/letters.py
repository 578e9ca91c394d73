"""Dead letters in the state: which one a run of unknown outcome has, how many are open, and which have grown old.

What settles a run resolves that run's letter, and no other of its case.  Ages are kept by the hour in which letters were opened: a
letter that is resolved says when that was, so that nothing is looked up.
"""

from __future__ import annotations

from . import events as e
from .ids import HOUR, Instant, Micros
from .letter_book import Hour
from .state import Case, State

MOST_HOURS = 24 * 90  # a quarter of a year; the oldest hours beyond become one
REMINDER = "letters"  # the kind of deadline


def opened(state: State, event: e.DeadLetterOpened, case: Case | None, at: Instant) -> None:
    """Folds it in.  That of an unknown outcome follows on its run's becoming so, before any other run of the case does."""
    state.last_letter = state.size - 1  # this entry
    state.tally.dead_letters += 1
    state.tally.denied += event.kind == "denied"  # it follows on every denial, but for that of a canary
    if case is not None:
        case.letter = event.letter
    if event.kind == "unknown":
        for run in state.runs.values():
            if run.case == event.case and run.status == "unknown" and run.letter is None:
                run.letter = event.letter
    book = state.letters
    book.kinds[event.kind] = book.kinds.get(event.kind, 0) + 1
    known = book.hours.get(name := _hour(at))
    if known is not None:
        known.count += 1
        return
    book.hours[name] = Hour(1, at)
    state.remind(at, REMINDER, name)
    if len(book.hours) > MOST_HOURS:
        oldest, next_ = sorted(book.hours)[:2]
        gone, kept = book.hours.pop(oldest), book.hours[next_]
        kept.count, kept.first = kept.count + gone.count, gone.first


def resolved(state: State, event: e.DeadLetterResolved) -> None:
    state.tally.resolved += 1
    if event.kind == "unknown":
        _settle(state, event.letter)
    book = state.letters
    if event.kind in book.kinds:
        book.kinds[event.kind] -= 1
        if not book.kinds[event.kind]:
            del book.kinds[event.kind]
    name = _hour(event.opened)
    if name not in book.hours and book.hours:
        name = min(book.hours)  # into which it went when it had become old
    if (hour := book.hours.get(name)) is not None:
        hour.count -= 1
        if not hour.count:
            del book.hours[name]


def resolved_before(state: State, event: e.DeadLetterResolvedBefore) -> None:
    """Of which kind it was, and since when, that version did not write: it is counted in the whole alone."""
    state.tally.resolved += 1
    _settle(state, event.letter)


def _settle(state: State, letter: str) -> None:
    for run in state.runs.values():
        if run.letter == letter:
            run.letter = ""


def _hour(at: Instant) -> str:
    return f"{at // HOUR:010d}"


def old_at(state: State, name: str, age: Micros) -> Instant | None:
    """When the letters of that hour have grown old; None where none of them is open, or it has been said."""
    hour = state.letters.hours.get(name)
    return None if hour is None or hour.said else Instant(hour.first + age)


def aged(state: State, name: str) -> tuple[e.Event, ...]:
    hour = state.letters.hours[name]
    return (e.DeadLettersAged(name, hour.count, hour.first),)


def said(state: State, event: e.DeadLettersAged) -> None:
    if (hour := state.letters.hours.get(event.hour)) is not None:
        hour.said = True


def remember(state: State) -> None:
    """The deadlines of these, made anew: after a snapshot, and when another bundle may say another age."""
    for name, hour in state.letters.hours.items():
        if not hour.said:
            state.remind(hour.first, REMINDER, name)


def oldest(state: State) -> Instant | None:
    hours = state.letters.hours
    return hours[min(hours)].first if hours else None
