"""Which bodies may be forgotten at a date: by the law alone, without a ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.governance import events as e
from actors.governance import intent, retention
from actors.governance.evolve import evolve
from actors.governance.ids import HOUR, Cost, Instant, TenantId
from actors.governance.months import begin_of, end_of, month_of
from actors.governance.retention import FORGETTABLE, Item, due_at, kept
from actors.governance.settings import DEFAULT_RETENTION
from actors.governance.state import State

WISH = intent.pack(intent.Intent("notes.read", "book/one", {}, "to see", Cost(0), None, None, None))
DAY = 24 * HOUR
PROPOSED = e.IntentProposed.TAG
SPAN = ("2026-01", "2026-01")


@pytest.fixture
def fold() -> Callable[..., State]:
    """A state after (when, event) pairs."""

    def made(*happened: tuple[int, e.Event]) -> State:
        state = State(TenantId("belvedere"))
        for seq, (at, event) in enumerate(happened):
            evolve(state, event, Instant(at), seq)
        return state

    return made


def over(month: str, days: int = DEFAULT_RETENTION) -> Instant:
    return Instant(end_of(month) + days * DAY)


def test_a_month_is_due_seven_years_after_its_end_where_nothing_else_is_said(fold: Callable[..., State]) -> None:
    assert due_at(fold(), "2026-01") == over("2026-01")


def test_the_first_bundles_retention_counts_from_the_beginning(fold: Callable[..., State]) -> None:
    state = fold((begin_of("2026-03"), e.RetentionSet(30, first=True)))
    assert due_at(state, "2026-01") == over("2026-01", 30)


def test_a_shorter_retention_concerns_only_months_that_begin_after_it(fold: Callable[..., State]) -> None:
    state = fold((begin_of("2026-03") + DAY, e.RetentionSet(30, first=False)))
    assert due_at(state, "2026-02") == over("2026-02")
    assert due_at(state, "2026-03") == over("2026-03")
    assert due_at(state, "2026-04") == over("2026-04", 30)


def test_a_longer_retention_concerns_all_that_is_there(fold: Callable[..., State]) -> None:
    state = fold((0, e.RetentionSet(30, first=True)), (begin_of("2026-03"), e.RetentionSet(400, first=False)))
    assert due_at(state, "2026-01") == over("2026-01", 400)
    assert due_at(state, "2026-04") == over("2026-04", 400)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6)), max_size=8), st.integers(0, 35))
def test_a_body_stays_for_the_longest_retention_in_force_since_its_month_began(changes: list[tuple[int, int]], number: int) -> None:
    state, at, told = State(TenantId("belvedere")), 0, [(0, DEFAULT_RETENTION)]
    for seq, (gap, days) in enumerate(changes):
        at += gap * DAY
        told.append((at, days))
        evolve(state, e.RetentionSet(days, first=False), Instant(at), seq)
    month = month_of(Instant(number * 31 * DAY))
    begin = begin_of(month)
    ends = [until for until, _ in told[1:]] + [None]
    longest = max(days for (_, days), until in zip(told, ends, strict=True) if until is None or until > begin)
    assert due_at(state, month) == over(month, longest)
    assert [promise.days for promise in state.promises] == sorted({promise.days for promise in state.promises}, reverse=True)


def test_what_says_what_the_tenant_is_never_goes(fold: Callable[..., State]) -> None:
    for kind in get_args(e.Event):
        why = kept(fold(), Item(kind.TAG, "", SPAN, "aa"), over("2026-01"))
        if kind.TAG.startswith(
            ("tenant.", "member.", "bundle.activated", "hold.", "retention.", "erasure.", "log.", "breaker.t", "breaker.r")
        ):
            assert why == retention.STANDS, kind
        assert (why == retention.STANDS) is (kind.TAG not in FORGETTABLE and kind is not e.BundlePushed)
    assert kept(fold(), Item("a.new.kind/1", "", SPAN), over("2026-01")) == retention.STANDS


def test_an_open_case_stays_and_a_closed_one_goes_when_the_month_it_ended_in_is_over(fold: Callable[..., State]) -> None:
    opened = e.IntentProposed("c1", "ada", WISH, "k", None, False, ())  # type: ignore[arg-type]
    assert kept(fold((0, opened)), Item(PROPOSED, "c1", SPAN), over("2026-01")) == retention.OPEN
    assert kept(fold(), Item(PROPOSED, "c1", SPAN), over("2026-01")) == ""
    assert kept(fold(), Item(PROPOSED, "c1", ("2026-01", "2026-02")), over("2026-01")) == retention.ENDED_LATER
    assert kept(fold(), Item(PROPOSED, "c1", ("2026-01", "2026-02")), over("2026-02")) == ""


@pytest.mark.parametrize(
    ("scope", "holds"),
    [
        ("tenant", True), ("case:c1", True), ("case:c2", False), ("months:2026-01", True), ("months:2026-02", True),
        ("months:2026-03", False), ("months:2025-12..2026-01", True), ("months:2026-02..2026-05", True), ("months:2025-11..2025-12", False),
    ],
)  # fmt: skip
def test_a_hold_keeps_what_it_covers_and_nothing_else(fold: Callable[..., State], scope: str, holds: bool) -> None:
    state = fold((0, e.HoldPlaced("h1", scope, "a court", "anna")))
    item = Item(PROPOSED, "c1", ("2026-01", "2026-02"))
    assert kept(state, item, over("2026-12")) == (retention.ON_HOLD if holds else "")
    evolve(state, e.HoldReleased("h1", scope, "done"), Instant(1), 1)
    assert kept(state, item, over("2026-12")) == ""


def test_a_bundle_stays_until_the_last_case_decided_under_it_is_over(fold: Callable[..., State]) -> None:
    digest = b"\x07" * 32
    pushed = Item(e.BundlePushed.TAG, "", SPAN, digest.hex())
    proposed = e.IntentProposed("c1", "ada", WISH, "k", None, False, ())  # type: ignore[arg-type]
    decided = e.CaseDecided("c1", False, (), digest, "no")  # type: ignore[arg-type]
    closed = e.DeadLetterOpened("d1", "c1", "denied", "no", None, closes=True)  # type: ignore[arg-type]
    march = begin_of("2026-03")
    assert kept(fold(), pushed, over("2026-01")) == ""
    assert kept(fold((0, e.BundleActivated(digest, None))), pushed, over("2026-01")) == retention.BUNDLE
    assert kept(fold((march, proposed), (march, decided)), pushed, over("2026-03")) == retention.BUNDLE
    state = fold((march, proposed), (march, decided), (march, closed))
    assert kept(state, pushed, Instant(over("2026-03") - 1)) == retention.BUNDLE
    assert kept(state, pushed, over("2026-03")) == ""


def test_a_bundle_stays_as_long_as_any_case_that_it_was_in_force_for_can_be_checked(fold: Callable[..., State]) -> None:
    first, second, third = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32
    march, april, may = begin_of("2026-03"), begin_of("2026-04"), begin_of("2026-05")
    proposed = e.IntentProposed("c1", "ada", WISH, "k", None, False, ())  # type: ignore[arg-type]
    decided = e.CaseDecided("c1", False, (), first, "no")  # type: ignore[arg-type]
    closed = e.DeadLetterOpened("d1", "c1", "denied", "no", None, closes=True)  # type: ignore[arg-type]
    state = fold(
        (0, e.BundleActivated(first, None)),
        (march, proposed),
        (march, decided),
        (april, e.BundleActivated(second, first)),  # a run that is opened now is judged under it as well
        (may, closed),
        (may, e.BundleActivated(third, second)),
    )
    for digest in (first, second):
        pushed = Item(e.BundlePushed.TAG, "", SPAN, digest.hex())
        assert kept(state, pushed, Instant(over("2026-05") - 1)) == retention.BUNDLE
        assert kept(state, pushed, over("2026-05")) == ""


@pytest.mark.parametrize("scope", ["tenant", "case:c1", "months:2026-01"])
def test_no_bundle_goes_while_anything_is_on_hold_for_it_may_be_what_the_held_case_was_decided_under(
    fold: Callable[..., State], scope: str
) -> None:
    pushed = Item(e.BundlePushed.TAG, "", SPAN, "07" * 32)
    state = fold((0, e.HoldPlaced("h1", scope, "a court", "anna")))
    assert kept(state, pushed, over("2036-01")) == retention.ON_HOLD
    evolve(state, e.HoldReleased("h1", scope, "done"), Instant(1), 1)
    assert kept(state, pushed, over("2036-01")) == ""


def test_a_task_is_over_with_its_last_removal_and_not_before(fold: Callable[..., State]) -> None:
    state = fold(
        (0, e.DateConfirmed(Instant(9), ("2026-01", "2026-02"), 7, "witness")),
        (0, e.ErasureOrdered("h1", ("c1",), ("c1",), SPAN, "asked", "anna")),
        (0, e.BodiesRemoved("2026-01", 3, last=False)),
    )
    assert state.expiring == {"2026-01": 9, "2026-02": 9}
    evolve(state, e.BodiesRemoved("2026-01", 3, last=True), Instant(1), 3)
    assert state.expiring == {"2026-02": 9}
    evolve(state, e.ForgettingEnded("2026-02", "nothing"), Instant(1), 4)
    assert (state.expiring, list(state.erasing)) == ({}, ["h1"])
    evolve(state, e.BodiesRemoved("h1", 1, last=True), Instant(1), 5)
    assert not state.erasing
