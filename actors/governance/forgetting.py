"""What people decide about keeping and forgetting: holds, the date that lets months go, and erasure before its time.

The node's clock alone never confirms a date: a witness's signed time does, or two persons who approve a card that shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from . import events as e
from . import governed
from .decision import Decided, Decision, Facts, Moment, MonthPlan, Span
from .ids import Instant
from .months import is_month
from .refusals import Code, Refusal, unknown
from .retention import not_now
from .state import Member, State

MOST_HOLDS = 256  # beyond that, hold the tenant as a whole
MOST_ERASING = 16  # ordered and not done yet; each is at most as many cases and entries as one call names


def place(state: State, command_scope: str, reason: str, by: Member, moment: Moment, *, case_known: bool) -> Decision:
    """At once, by one admin: a hold only ever keeps.  ``case_known``: whether the case it is of, if it is of one, has entries."""
    if (wrong := _scope_problem(command_scope)) is not None:
        return Refusal(Code.MALFORMED, wrong, about=command_scope[:64])
    same = next((hold for hold in state.holds.values() if hold.scope == command_scope and hold.reason == reason), None)
    if same is not None:
        return Decided(answer={"hold": same.hold, "repeated": True})
    if len(state.holds) >= MOST_HOLDS:
        return Refusal(Code.TOO_LARGE, f"there are {MOST_HOLDS} holds already: release some, or hold the tenant as a whole")
    kind, _, name = command_scope.partition(":")
    if kind == "case" and not case_known:
        return Refusal(Code.UNKNOWN, f"there is no case {name!a} that could be held", about=name)
    placed = e.HoldPlaced(moment.fresh.hold(), command_scope, reason, by.member)
    return Decided((placed,), {"hold": placed.hold})


def _scope_problem(scope: str) -> str | None:
    kind, _, name = scope.partition(":")
    first, dots, last = name.partition("..")
    match kind:
        case "tenant" if scope == "tenant":
            return None
        case "case" if name:
            return None
        case "months" if is_month(first) and (is_month(last) and first <= last if dots else True):
            return None
        case _:
            return "a hold is of tenant, case:ID, months:2026-01 or months:2026-01..2026-03"


def release(state: State, hold: str, reason: str, by: Member, key: str, moment: Moment) -> Decision:
    """At once while founding, by a quorum afterwards."""
    known = state.holds.get(hold)
    if known is None:
        return unknown("hold", hold)
    return governed.change(state, governed.RELEASE, f"hold/{hold}", (e.HoldReleased(hold, known.scope, reason),), by, key, moment)


def run(state: State, by: Member, key: str, facts: Facts, moment: Moment) -> Decision:
    """Lets the months go that are over: at once where a witness confirms the date, else by two persons.

    Also while the tenant is founding the word of one admin does not confirm a date.
    """
    if not facts.clock_ok:
        return Refusal(Code.CLOCK_IN_DOUBT, "the node's clocks disagree; nothing is forgotten until they agree again", 5000)
    plans = [plan for plan in facts.expired if plan.due <= moment.now and plan.going and plan.month not in state.expiring]
    witnessed = Instant(min(facts.witnessed, moment.now))
    seen = [plan for plan in plans if plan.due <= witnessed]
    if seen:
        confirmed = _confirmed(seen, witnessed, "witness")
        return Decided((confirmed,), {"applied": True, "months": list(confirmed.months), "bodies": confirmed.bodies})
    if not plans:
        return Decided(answer={"applied": True, "months": [], "bodies": 0})
    if state.phase != "sealed":
        why = "nobody confirms the date: a witness has to, or two persons of a sealed tenant"
        return Refusal(Code.TOO_FEW_PERSONS, why)
    confirmed = _confirmed(plans, moment.now, "persons")
    decision = governed.change(state, governed.FORGET, f"months/{confirmed.months[-1]}", (confirmed,), by, key, moment)
    if isinstance(decision, Refusal):
        return decision
    return attrs.evolve(decision, answer={**decision.answer, "months": list(confirmed.months), "bodies": confirmed.bodies})


def _confirmed(plans: Sequence[MonthPlan], date: Instant, by: str) -> e.DateConfirmed:
    return e.DateConfirmed(date, tuple(plan.month for plan in plans), sum(plan.going for plan in plans), by)


def erase(state: State, what: tuple[str, ...], reason: str, by: Member, key: str, spans: Mapping[str, Span], moment: Moment) -> Decision:
    """Bodies that go before their time: of closed cases, or single entries.  ``spans``: of each that is there, its case and months."""
    if not what:
        return Refusal(Code.MALFORMED, "name the cases, or the numbers of the entries, that are to be erased")
    for name in what:
        if name not in spans:
            return unknown("closed case or removable entry", name)
        if (no := not_now(state, (spans[name].case,), (spans[name].first, spans[name].last))) is not None:
            return no
    if len(state.erasing) >= MOST_ERASING:
        return Refusal(Code.BUSY, "erasures that were ordered before are still being carried out", 5000)
    named = [spans[name] for name in dict.fromkeys(what)]
    cases = tuple(dict.fromkeys(span.case for span in named if span.case))
    months = min(span.first for span in named), max(span.last for span in named)
    ordered = e.ErasureOrdered(moment.fresh.hold(), tuple(dict.fromkeys(what)), cases, months, reason, by.member)
    return governed.change(state, governed.ERASE, f"erasure/{ordered.erasure}", (ordered,), by, key, moment)
