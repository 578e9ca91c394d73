"""When somebody should hear of something, once.

An alert is raised in the batch of the entry that it is about.  The same again (by ``key``) within its kind's window is counted by
the fold and not raised; when the window is over, the next one is raised and says how many there were.  ``CAUSES`` is the one
place that says which entries of a tenant's log are worth an alert.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import attrs

from . import events as e
from .alert_book import Alert, Alerts
from .alert_kinds import INFO, KINDS, SEVERITIES
from .budget_words import amount, said
from .ids import Instant
from .pauses import BREAKER
from .refusals import Code
from .state import State

MOST = 256  # keys remembered; beyond that what was acknowledged, then what is least grave, then what is longest ago, is forgotten
_LONGEST_KEY = 200  # characters
LONGEST = 512  # characters of a text: a line on a telephone, and never a body


@attrs.frozen
class Cause:
    """Worth an alert.  ``key`` says what counts as the same beside the kind; ``about`` where nothing is said."""

    kind: str
    about: str
    text: str
    concerns: str = ""
    key: str = ""
    severity: str = ""  # where it is another than the kind's own

    @property
    def same(self) -> str:
        whole = f"{self.kind} {self.key or self.about}"
        if len(whole) <= _LONGEST_KEY:
            return whole  # else whoever gives two things long names that begin alike would have one alert of both
        return f"{whole[: _LONGEST_KEY - 33]} {hashlib.sha256(whole.encode('utf-8', 'backslashreplace')).hexdigest()[:32]}"


Find: TypeAlias = Callable[[State, Any], Cause | None]  # the state before the entry is folded


def _mismatched(state: State, event: e.RunVerified) -> Cause | None:
    if event.verdict != "mismatched":
        return None
    run = state.runs.get(event.run)
    agent, action = ("", "") if run is None else (run.agent, run.action)
    wrong = ", ".join(name for name, _, _, agrees in event.checks if not agrees)
    text = f"{action} by {agent} is not what its warrant allowed, by {event.basis}{': ' + wrong if wrong else ''}"
    return Cause("run.mismatched", f"agent:{agent}", text, event.case, event.run)


def _unknown(state: State, event: e.RunUnknown) -> Cause:
    run = state.runs.get(event.run)
    agent, action = ("", "") if run is None else (run.agent, run.action)
    text = f"nobody knows whether {action} by {agent} happened: {event.why}"
    return Cause("run.unknown", f"agent:{agent}", text, event.case, event.effect)


def _warned(_state: State, event: e.BudgetWarned) -> Cause:
    used, most = amount(event.what, event.exposure), amount(event.what, event.most)
    text = f"{used} of {most} a {event.per} of {said(event.scope)} are spent or promised"
    return Cause("budget.warned", event.scope, text, event.granted, f"{event.scope} {event.what} {event.per}")


def _refused(_state: State, event: e.CommandRefused) -> Cause | None:
    if event.code != Code.BUDGET_EXCEEDED.value:
        return None
    return Cause("budget.exhausted", event.about, f"{event.by} was refused: {event.why}")


def _named(scope: str) -> str:
    return f"the {scope}" if scope in ("tenant", "node") else scope.replace(":", " ", 1)


def _tripped(_state: State, event: e.BreakerTripped) -> Cause:
    return Cause("breaker.tripped", event.scope, f"{_named(event.scope)} is shut out by {event.by}: {event.why}")


def _paused(_state: State, event: e.ScopePaused) -> Cause:
    what = "shut out" if event.side == BREAKER else "paused"
    return Cause(
        "scope.paused", event.scope, f"{_named(event.scope)} is {what} by {event.by}: {event.reason}", key=f"{event.side}/{event.scope}"
    )


def _resumed(_state: State, event: e.ScopeResumed) -> Cause:
    return Cause(
        "scope.resumed", event.scope, f"{event.by} lets {_named(event.scope)} go on: {event.reason}", key=f"{event.side}/{event.scope}"
    )


def _recovery(_state: State, event: e.RecoveryAnnounced) -> Cause:
    text = f"{event.by} announced a recovery without {', '.join(event.lost)}: {event.reason}"
    return Cause("recovery.announced", "tenant", text, key=event.digest.hex()[:16])


def _found(_state: State, event: e.FindingOpened) -> Cause:
    severity = INFO if event.severity == "notice" else event.severity
    text = f"{event.kind.replace('_', ' ')}: {event.about}; expected {event.expected}, observed {event.observed}"
    return Cause("reconciliation.found", event.finding, text, key=f"{event.kind} {event.about}", severity=severity)


def _overflowed(_state: State, event: e.FindingsOverflowed) -> Cause:
    text = f"{event.open} findings are open and there is no room for more, as for this: {event.kind.replace('_', ' ')}: {event.about}"
    return Cause("reconciliation.found", "tenant", text, key="no room")


def _quarantined(_state: State, event: e.CommandQuarantined) -> Cause:
    text = f"the tenant's actor fell over {event.command} of {event.by} twice ({event.fall}); it is refused from now on"
    return Cause("command.quarantined", event.by, text, key=event.digest.hex()[:16])


def _aged(_state: State, event: e.DeadLettersAged) -> Cause:
    many = "a dead letter has" if event.letters == 1 else f"{event.letters} dead letters have"
    return Cause("dead_letter.old", "tenant", f"{many} waited long for somebody to look: vienna dead-letters list")


CAUSES: Mapping[type, Find] = {
    e.RunVerified: _mismatched,
    e.RunUnknown: _unknown,
    e.BudgetWarned: _warned,
    e.CommandRefused: _refused,
    e.CommandQuarantined: _quarantined,
    e.BreakerTripped: _tripped,
    e.ScopePaused: _paused,
    e.ScopeResumed: _resumed,
    e.RecoveryAnnounced: _recovery,
    e.FindingOpened: _found,
    e.FindingsOverflowed: _overflowed,
    e.DeadLettersAged: _aged,
}


def cause(state: State, event: e.Event) -> Cause | None:
    """What this entry, which is about to be folded, is worth."""
    find = CAUSES.get(type(event))
    return None if find is None else find(state, event)


def is_news(book: Alerts, found: Cause, now: Instant) -> bool:
    """Whether it is raised, and not only counted."""
    known = book.known.get(found.same)
    return known is None or now - known.at >= KINDS[found.kind].window


def raised(book: Alerts, found: Cause) -> e.AlertRaised:
    """The entry, with how often it happened since the last one, the present time included."""
    known = book.known.get(found.same)
    kind = KINDS[found.kind]
    severity = found.severity or kind.severity
    assert severity in SEVERITIES
    return e.AlertRaised(
        kind.name, severity, found.same, found.about[:160], found.concerns, found.text[:LONGEST],
        1 if known is None else known.since + 1, book.last,
    )  # fmt: skip


def all_raised(book: Alerts, causes: Mapping[str, Cause]) -> Iterator[e.AlertRaised]:
    """One after the other, each to be folded before the next is asked for."""
    for cause in causes.values():
        yield raised(book, cause)


def noted(book: Alerts, found: Cause, at: Instant) -> None:
    """It has happened: counted, whether or not it is going to be raised."""
    if (known := book.known.get(found.same)) is not None:
        if at - known.at < KINDS[found.kind].window:
            known.since += 1
        known.last = at


def folded(book: Alerts, event: e.AlertRaised | e.AlertAcknowledged, at: Instant, seq: int) -> None:
    match event:
        case e.AlertRaised():
            book.last = seq
            book.raised += 1
            book.known[event.key] = Alert(
                number=seq, kind=event.kind, severity=event.severity, key=event.key, about=event.about, concerns=event.concerns,
                text=event.text, at=at, last=at, count=event.count,
            )  # fmt: skip
            if len(book.known) > MOST:
                del book.known[min(book.known.values(), key=_worth_keeping).key]
        case e.AlertAcknowledged():
            for known in book.known.values():
                if known.number == event.alert:
                    known.acknowledged, known.note = event.by, event.note


def _worth_keeping(known: Alert) -> tuple[bool, int, int, int]:
    """In this order what is remembered longest; the last to go is what is grave, new, and nobody has heard of."""
    grave = SEVERITIES.index(known.severity) if known.severity in SEVERITIES else len(SEVERITIES)
    return (not known.acknowledged, grave, known.last, known.number)
