"""Where two accounts of the same thing differ: what kinds of difference there are, and what becomes of one that is found.

A finding is an event and stays open until it is resolved: by the law where the difference is over and nothing is lost, by a
person with a reason otherwise.  Findings change nothing else: evidence that somebody brings creates no authority, and no
case, warrant or run becomes another by it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import attrs

from . import commands as c
from . import events as e
from .canonical import Value
from .decision import Decided, Decision, Facts, Moment
from .finding_book import Finding
from .ids import Instant
from .refusals import Code, Refusal, unknown
from .state import Member, State

MOST_OPEN = 512  # remembered; whoever finds more has to begin with these, and the report of a comparison lists all it found
FOR_LAW = 64  # beyond those: what the node finds in itself has room, whatever members have brought
MOST_OF_ONE = 64  # of them what one executor's words show: it says what it likes, and fills no room that others need
MOST_AT_ONCE = 8  # in one decision: with what surrounds them they fit the room that a decision has
LONGEST_ABOUT, LONGEST_SAID = 300, 400  # characters
LAW = "law"
EXECUTOR = "executor:"  # begins the source of what an executor's own words show
CRITICAL, WARNING, NOTICE = "critical", "warning", "notice"
AUTOMATIC, BY_HAND = "automatic", "by hand"


@attrs.frozen
class Kind:
    severity: str
    resolution: str
    what: str


KINDS: Mapping[str, Kind] = {
    "state_differs": Kind(CRITICAL, BY_HAND, "the state in memory was not the fold of the ledger"),
    "reservation_differs": Kind(CRITICAL, BY_HAND, "what budgets hold is not what outstanding warrants may cost"),
    "receipt_withheld": Kind(CRITICAL, AUTOMATIC, "an executor counts a receipt that the ledger has not"),
    "counter_went_back": Kind(CRITICAL, BY_HAND, "an executor's counter went back, or it counts in another journal"),
    "number_twice": Kind(CRITICAL, BY_HAND, "an executor gave one number to two receipts"),
    "receipt_unnumbered": Kind(WARNING, BY_HAND, "an executor that numbers its receipts sent one without a number"),
    "receipt_differs": Kind(CRITICAL, BY_HAND, "an executor remembers another receipt than the ledger"),
    "run_unknown_here": Kind(CRITICAL, BY_HAND, "an executor believes that it ran what the ledger does not know"),
    "run_not_reported": Kind(WARNING, AUTOMATIC, "an executor has ended a run that is open here"),
    "effect_without_warrant": Kind(CRITICAL, BY_HAND, "something happened that no run of the ledger accounts for"),
    "warrant_without_effect": Kind(CRITICAL, BY_HAND, "a run was reported as done, and what it did is not there"),
    "unknown_but_there": Kind(NOTICE, BY_HAND, "a run of unknown outcome, and its effect is there"),
    "failed_but_there": Kind(WARNING, BY_HAND, "a run that failed by its report, and its effect is there"),
}
BROUGHT = frozenset({"effect_without_warrant", "warrant_without_effect", "unknown_but_there", "failed_but_there"})


@attrs.frozen
class Observed:
    """One difference, before anybody has said whether it is known already."""

    kind: str
    about: str
    expected: str
    observed: str


def key(kind: str, about: str) -> str:
    """Under which an open finding is known; the same difference found again is the same finding."""
    return f"{kind} {about}"


def cut(about: str) -> str:
    """As it is remembered: what is longer ends with a digest of the whole, so that a long name hides nothing that begins like it."""
    if len(about) <= LONGEST_ABOUT:
        return about
    return f"{about[: LONGEST_ABOUT - 35]}... {hashlib.sha256(about.encode('utf-8', 'backslashreplace')).hexdigest()[:31]}"


def found(state: State, seen: Iterable[Observed], source: str, by: str, moment: Moment, *, offset: int = 0) -> tuple[e.Event, ...]:
    """The entries that these differences make: none for what is open already.  ``offset`` entries come before them in the batch."""
    events: list[e.Event] = []
    room = _room(state, source, by)
    known = dict.fromkeys(state.findings.open)
    previous = state.findings.last
    for at, one in enumerate(seen):
        one = attrs.evolve(one, about=cut(one.about), expected=one.expected[:LONGEST_SAID], observed=one.observed[:LONGEST_SAID])
        if key(one.kind, one.about) in known:
            continue
        if len(known) - len(state.findings.open) >= room:
            if not state.findings.lost and not any(isinstance(event, e.FindingsOverflowed) for event in events):
                events.append(e.FindingsOverflowed(len(known), one.kind, one.about))
            break
        kind = KINDS[one.kind]
        opened = e.FindingOpened(
            moment.fresh.finding(at), one.kind, kind.severity, one.about, one.expected, one.observed, kind.resolution, source, by, previous
        )
        previous = state.size + offset + len(events)
        events.append(opened)
        known[key(one.kind, one.about)] = None
    return tuple(events)


def _room(state: State, source: str, by: str) -> int:
    """How many more may be opened by them."""
    left = MOST_OPEN + (FOR_LAW if by == LAW else 0) - len(state.findings.open)
    if not source.startswith(EXECUTOR):
        return left
    own = sum(one.kind not in BROUGHT and one.about.startswith(f"{by} ") for one in state.findings.open.values())
    return min(left, MOST_OF_ONE - own)


def over(state: State, kind: str, about: str, why: str) -> tuple[e.Event, ...]:
    """The end of a difference that the law may resolve itself, where it is open."""
    known = state.findings.open.get(key(kind, cut(about)))
    return () if known is None else (e.FindingResolved(known.finding, LAW, why),)


def resolve(state: State, finding: str, reason: str, by: Member, facts: Facts) -> Decision:
    """A person has looked, and says what came of it."""
    known = next((one for one in state.findings.open.values() if one.finding == finding), None)
    if known is None:
        if facts.finding_known:
            return Decided(answer={"finding": finding, "repeated": True})
        return unknown("finding", finding)
    return Decided((e.FindingResolved(finding, by.member, reason),), {"finding": finding})


def compared(state: State, command: c.BringEvidence, by: Member, moment: Moment) -> Decision:
    """What a member found by comparing something from outside with the log: recorded in their name, and never authority."""
    rows = command.findings.get("rows")
    if not isinstance(rows, list) or len(command.findings) != 1 or len(rows) > MOST_AT_ONCE:
        return Refusal(Code.MALFORMED, f"findings are a map with one list, rows, of at most {MOST_AT_ONCE}")
    seen = [row for row in map(_row, rows) if row is not None]
    if len(seen) != len(rows):
        return Refusal(Code.MALFORMED, f"a finding is a map of kind ({', '.join(sorted(BROUGHT))}), about, expected and observed, all text")
    events = found(state, seen, f"evidence:{command.digest.hex()}", by.member, moment)
    taken = sum(isinstance(event, e.FindingOpened) for event in events)
    if not command.begin:
        heading = e.EvidenceCompared(
            command.source, command.digest, command.records, command.matched, command.unmapped, Instant(command.since),
            Instant(command.until), command.size, command.total, by.member, by.person,
        )  # fmt: skip
        events = (*events, heading)
    return Decided(events, {"taken": taken, "open": len(state.findings.open) + taken})


def _row(row: object) -> Observed | None:
    if not isinstance(row, dict) or set(row) != {"kind", "about", "expected", "observed"}:
        return None
    texts = [row[name] for name in ("kind", "about", "expected", "observed")]
    if any(not isinstance(text, str) or not text.isprintable() for text in texts) or texts[0] not in BROUGHT or not texts[1]:
        return None
    return Observed(*texts)


# --- what evolve does -------------------------------------------------------------------------------------------------


def opened(state: State, event: e.FindingOpened, at: Instant) -> None:
    state.findings.last = state.size - 1  # this entry
    state.tally.findings += 1
    state.findings.open[key(event.kind, event.about)] = Finding(event.finding, event.kind, event.severity, event.about, at)


def resolved(state: State, event: e.FindingResolved) -> None:
    for name in [name for name, one in state.findings.open.items() if one.finding == event.finding]:
        del state.findings.open[name]
    state.findings.lost = False  # there is room again, and the next that finds none says so anew


def listed(state: State) -> list[Value]:
    """What is open, the gravest first and of these the oldest."""
    order = {CRITICAL: 0, WARNING: 1, NOTICE: 2}
    rows = sorted(state.findings.open.values(), key=lambda one: (order[one.severity], one.since, one.finding))
    return [
        {"finding": one.finding, "kind": one.kind, "severity": one.severity, "about": one.about, "since": one.since,
         "resolution": KINDS[one.kind].resolution, "what": KINDS[one.kind].what}
        for one in rows
    ]  # fmt: skip


def counted(state: State) -> dict[str, Value]:
    """For the status: how many are open, by severity."""
    by: dict[str, Value] = dict.fromkeys((CRITICAL, WARNING, NOTICE), 0)
    for one in state.findings.open.values():
        by[one.severity] = int(by[one.severity]) + 1  # type: ignore[arg-type]  # only counts are in here
    return {**by, "more": state.findings.lost}
