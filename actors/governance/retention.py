"""Which bodies may be forgotten at a date.

A body goes when all of this holds: its month is over its retention, counted from the month's end; it is of a kind that may
go at all; its case is closed, and so is the month in which it was closed; nothing holds it; a durable snapshot covers it;
and the date is confirmed.  The node's clock alone never confirms a date: a witness's signed time does, or two persons who
approve a card that shows it.

A promise is kept: a body stays for the longest retention that was in force since its month began.  So a shorter retention
concerns what is written from then on, and a longer one everything that is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias, assert_never

import attrs

from . import events as e
from .ids import DAY, Instant
from .months import begin_of, end_of, month_of
from .refusals import Code, Refusal
from .settings import DEFAULT_RETENTION
from .state import Erasure, Hold, Promise, State

# What may go: the entries of closed cases, and notes.  Every other kind stays for good: who belongs to the tenant and by which
# keys, its bundles in force, its guards, its holds, and what it has forgotten.  A new kind stays until it is named here.
FORGETTABLE: Final = frozenset(
    kind.TAG
    for kind in (
        e.IntentProposed, e.CaseDecided, e.ApprovalRequested, e.ApprovalGiven, e.ApprovalDenied, e.ApprovalAsked, e.ApprovalAnswered,
        e.ApprovalOpened, e.CaseEscalated, e.CaseExpired, e.CaseCancelled,
        e.ChangeApplied, e.WarrantIssued, e.WarrantRevoked, e.WarrantExpired, e.TargetStale, e.RunOpened, e.RunReported, e.RunUnknown,
        e.RunVerified, e.EffectSettled, e.BreakerProbed, e.DeadLetterOpened, e.DeadLetterResolved,
        e.DeadLetterResolvedBefore, e.DeadLettersAged,
        e.CommandRefused, e.CommandQuarantined,
        e.SnapshotMade, e.AlertRaised, e.AlertAcknowledged,
    )
)  # fmt: skip

STANDS = "says what the tenant is"
BUNDLE = "a bundle that is needed"
OPEN = "of an open case"
ENDED_LATER = "its case ended later"
ON_HOLD = "on hold"
RECENT = "not covered by a snapshot"


@attrs.frozen
class Item:
    """An entry whose body is there, as the ledger's headers tell it."""

    tag: str
    case: str
    span: tuple[str, str] = ("", "")  # the months of the case's first and last entry
    bundle: str = ""  # hex; of a pushed bundle


# Dates


def due_at(state: State, month: str) -> Instant:
    """When the month's bodies are over their retention."""
    begin, days = begin_of(month), 0
    promises = promised(state)
    for promise, later in zip(promises, (*promises[1:], None), strict=True):
        if later is None or later.since > begin:
            days = max(days, promise.days)
    return Instant(end_of(month) + days * DAY)


def promised(state: State) -> tuple[Promise, ...]:
    """The retentions in force since the tenant began, the present one last."""
    return state.promises or (Promise(Instant(0), DEFAULT_RETENTION),)


def set_anew(state: State, days: int) -> tuple[e.RetentionSet, ...]:
    """What activating a bundle with this retention records besides; the first bundle's counts from the tenant's beginning."""
    first = state.bundle is None
    return (e.RetentionSet(days, first),) if days != promised(state)[-1].days else ()


# What may go


def kept(state: State, item: Item, date: Instant) -> str:
    """Why this body of an expired month stays at ``date``; empty where it may go."""
    if item.tag == e.BundlePushed.TAG:
        if needs_bundle(state, item.bundle, date):
            return BUNDLE
        return ON_HOLD if state.holds else ""  # which bundles the cases on hold were under is known of open ones alone
    if item.tag not in FORGETTABLE:
        return STANDS
    if item.case:
        if item.case in state.cases:
            return OPEN
        if due_at(state, item.span[1]) > date:
            return ENDED_LATER
    return _hold(state, item.case, item.span)


def needs_bundle(state: State, digest: str, date: Instant) -> bool:
    """Until the last case that was decided under it, or that it was in force for, is past its own retention: counted from its end."""
    if state.bundle is not None and state.bundle.hex() == digest:
        return True
    if any(case.bundle.hex() == digest for case in state.cases.values()):
        return True
    last = state.judged.get(digest)
    return last is not None and due_at(state, month_of(last)) > date


def holds(state: State, case: str, months: tuple[str, str]) -> bool:
    """Whether anything holds an entry of this case, which spans these months."""
    return any(_covers(hold, case, months) for hold in state.holds.values())


def _hold(state: State, case: str, months: tuple[str, str]) -> str:
    return ON_HOLD if holds(state, case, months) else ""


def _covers(hold: Hold, case: str, months: tuple[str, str]) -> bool:
    kind, _, name = hold.scope.partition(":")
    match kind:
        case "tenant":
            return True
        case "case":
            return name == case
        case _:
            first, _, last = name.partition("..")
            return bool(months[0]) and first <= months[1] and months[0] <= (last or first)


# What may be erased early


def not_now(state: State, cases: Iterable[str], months: tuple[str, str]) -> Refusal | None:
    """Why bodies of these cases, and others of these months, cannot be erased now, or None."""
    for case in ("", *cases):
        if case in state.cases:
            why = "the case is open, or the outcome of one of its runs is unknown: it keeps what it is about"
            return Refusal(Code.NOT_ALLOWED, why, about=case)
        if holds(state, case, months):
            return Refusal(Code.ON_HOLD, "a hold keeps it: release the hold first", about=case)
    return None


def erasable(state: State, erasure: Erasure) -> bool:
    """Whether an erasure that was ordered can be carried out now: it waits while a hold that was placed since keeps it."""
    return not_now(state, erasure.cases, erasure.months) is None


# The fold


Retained: TypeAlias = (
    e.RetentionSet | e.HoldPlaced | e.HoldReleased | e.DateConfirmed | e.ErasureOrdered | e.BodiesRemoved | e.ForgettingEnded
)  # fmt: skip


def retained(state: State, event: Retained, at: Instant) -> None:
    """What an event of retention makes of the state."""
    match event:
        case e.RetentionSet():
            state.promises = (Promise(Instant(0), event.days),) if event.first else _promise(promised(state), Promise(at, event.days))
        case e.HoldPlaced():
            state.holds[event.hold] = Hold(event.hold, event.scope, event.reason, event.by, at)
        case e.HoldReleased():
            state.holds.pop(event.hold, None)
        case e.DateConfirmed():
            state.expiring.update(dict.fromkeys(event.months, event.date))
        case e.ErasureOrdered():
            state.erasing[event.erasure] = Erasure(event.erasure, event.what, event.cases, event.months)
        case e.BodiesRemoved(last=False):
            pass
        case e.BodiesRemoved() | e.ForgettingEnded():
            state.expiring.pop(event.task, None)
            state.erasing.pop(event.task, None)
        case _:
            assert_never(event)


def _promise(before: tuple[Promise, ...], new: Promise) -> tuple[Promise, ...]:
    """Days fall from each to the next: a longer promise takes over the time of the shorter ones before it, so they stay few."""
    while before and before[-1].days <= new.days:
        new = attrs.evolve(new, since=before[-1].since)
        before = before[:-1]
    return (*before, new)
