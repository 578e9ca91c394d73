"""Seats that approvers hand to one another."""

from __future__ import annotations

from typing import Any

import pytest

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import seat
from actors.governance.codec import decode_state, encode_state
from actors.governance.ids import DAY, HOUR, MINUTE
from actors.governance.signing import Purpose
from tests.actors.governance.test_review import put_in_force

LEAD_AND_FINANCE = '@quorum("1 of role:lead and 1 of role:finance")'


def handing(bench: Any, by: str, to: str, /, **changed: Any) -> c.DelegateSeat:
    bench.nonces = getattr(bench, "nonces", 0) + 1
    fields = {"tenant": bench.tenant, "to": to, "until": bench.now + DAY, "reason": "on holiday", "time": bench.now}
    packed = seat.pack(seat.Statement(**{**fields, "nonce": bench.nonces.to_bytes(16, "big"), **changed}))
    return c.DelegateSeat(packed, bench.sign(by, Purpose.SEAT, packed))


def hand(bench: Any, by: str, to: str, **changed: Any) -> None:
    bench.done(handing(bench, by, to, **changed), by)


def test_the_holder_fills_what_the_other_could_and_the_record_says_whose_seat_it_was(bench: Any) -> None:
    put_in_force(bench, payout='@quorum("2 of role:lead")')
    hand(bench, "clara", "dora")
    case = bench.propose("orders.payout")
    bench.done(bench.vote(case, "dora"), "dora")
    assert bench.last(e.ApprovalGiven).seats == ("clara",)
    bench.done(bench.vote(case, "hugo"), "hugo")
    assert bench.warrant_of(case).terms.approvals == ("dora", "hugo")


def test_one_person_fills_one_seat_with_however_many_that_it_holds(bench: Any) -> None:
    hand(bench, "clara", "dora")
    case = bench.propose("orders.payout")  # one lead and one of finance
    bench.done(bench.vote(case, "dora"), "dora")
    assert case.status == "held"
    assert bench.refused(bench.vote(case, "dora"), "dora") == "already_voted"
    bench.done(bench.vote(case, "hugo"), "hugo")
    assert case.status == "warranted"


def test_a_seat_counts_once_for_whose_it_is_or_for_the_first_holder(bench: Any) -> None:
    put_in_force(bench, payout='@quorum("2 of role:lead")')
    hand(bench, "clara", "dora")
    case = bench.propose("orders.payout")
    bench.done(bench.vote(case, "dora"), "dora")
    bench.done(bench.vote(case, "clara"), "clara")  # her own vote takes the place of what dora's had by her seat
    assert case.status == "held"
    bench.done(bench.vote(case, "hugo"), "hugo")
    assert case.status == "warranted"


def test_two_holders_one_after_the_other_have_one_seat_between_them(bench: Any) -> None:
    bench.joins("iris", "approver", "iris")
    put_in_force(bench, payout='@quorum("2 of role:lead")')
    hand(bench, "clara", "dora")
    case = bench.propose("orders.payout")
    bench.done(bench.vote(case, "dora"), "dora")
    hand(bench, "clara", "iris")
    bench.done(bench.vote(case, "iris"), "iris")
    assert case.status == "held"
    bench.done(bench.vote(case, "hugo"), "hugo")
    assert case.status == "warranted"


def test_a_seat_that_names_a_person_is_handed_on_too_and_no_role_can_pretend_to_be_one(bench: Any) -> None:
    put_in_force(bench, refund='@quorum("1 of person:clara")')
    case = bench.propose("orders.refund")
    assert bench.refused(bench.vote(case, "dora"), "dora") == "no_seat"
    hand(bench, "clara", "dora")
    bench.done(bench.vote(case, "dora"), "dora")
    assert case.status == "warranted"
    assert (
        bench.refused(c.Invite("eve", "approver", "eve", ("\0person:clara",), "i-eve", b"t" * 32, bench.now + HOUR, "k"), "greta")
        == "malformed"
    )


def test_what_was_handed_on_is_not_handed_on_again(bench: Any) -> None:
    bench.joins("iris", "approver", "iris")
    put_in_force(bench, refund='@quorum("1 of role:lead")')
    hand(bench, "clara", "dora")
    hand(bench, "dora", "iris")
    assert bench.refused(bench.vote(bench.propose("orders.refund"), "iris"), "iris") == "no_seat"


def test_it_gives_nothing_in_a_case_of_whose_it_is(bench: Any) -> None:
    put_in_force(bench, ("clara", ""), refund='@quorum("1 of role:lead")', payout='@quorum("2 of role:lead") @exclude("author")')
    hand(bench, "clara", "dora")
    bens = bench.propose("orders.refund", by="ben")  # ben belongs to clara
    assert bench.refused(bench.vote(bens, "dora"), "dora") == "no_seat"
    assert bench.refused(bench.vote(bench.propose("orders.payout"), "dora"), "dora") == "no_seat"  # she wrote the policy


def test_it_is_over_at_its_time_when_taken_back_by_an_admin_or_with_either_membership(bench: Any) -> None:
    put_in_force(bench, refund='@quorum("1 of role:lead")')
    for end in (
        lambda: bench.pass_time(DAY),
        lambda: bench.done(c.ReturnSeat(None, "back early"), "clara"),
        lambda: bench.done(c.ReturnSeat("clara", "she is back"), "greta"),
        lambda: bench.done(c.ReturnSeat("clara", "I am back"), "clara-two"),
    ):
        hand(bench, "clara", "dora")
        case = bench.propose("orders.refund")
        end()
        assert bench.refused(bench.vote(bench.state.cases.get(case.case) or bench.propose("orders.refund"), "dora"), "dora") == "no_seat"
    hand(bench, "clara", "dora")
    bench.done(c.RevokeMember("clara", "left", "k"), "greta")
    assert bench.state.seats == {}
    assert bench.refused(bench.vote(bench.propose("orders.refund"), "dora"), "dora") == "no_seat"


def test_what_was_approved_by_a_seat_stays_until_whose_it_is_leaves(bench: Any) -> None:
    put_in_force(bench, payout='@quorum("2 of role:lead")')
    hand(bench, "clara", "dora", until=bench.now + MINUTE)
    case = bench.propose("orders.payout")
    bench.done(bench.vote(case, "dora"), "dora")
    bench.pass_time(MINUTE)
    bench.done(bench.vote(case, "hugo"), "hugo")
    assert case.status == "warranted"
    hand(bench, "clara", "dora")
    other = bench.propose("orders.payout")
    bench.done(bench.vote(other, "dora"), "dora")
    bench.done(c.RevokeMember("clara", "left", "k"), "greta")
    bench.done(bench.vote(other, "hugo"), "hugo")
    assert other.status == "held"


@pytest.mark.parametrize(
    ("by", "to", "changed", "code"),
    [
        ("clara", "nobody", {}, "unknown"), ("clara", "till", {}, "unknown"), ("clara", "greta", {}, "unknown"),
        ("clara", "clara-two", {}, "not_allowed"), ("clara", "clara", {}, "not_allowed"), ("greta", "dora", {}, "not_allowed"),
        ("clara", "dora", {"tenant": "other"}, "statement_mismatch"), ("clara", "dora", {"nonce": b"short"}, "statement_mismatch"),
        ("clara", "dora", {"reason": ""}, "statement_mismatch"), ("clara", "dora", {"until": 0}, "statement_mismatch"),
    ],
)  # fmt: skip
def test_who_hands_what_to_whom(bench: Any, by: str, to: str, changed: dict[str, Any], code: str) -> None:
    assert bench.refused(handing(bench, by, to, **changed), by) == code
    assert bench.state.seats == {}


def test_it_is_signed_by_whose_it_is_in_time_and_not_for_long(bench: Any) -> None:
    command = handing(bench, "clara", "dora")
    assert bench.refused(command, "hugo") == "signature_invalid"
    assert bench.refused(c.DelegateSeat(command.statement + b"x", command.signature), "clara") == "malformed"
    assert bench.refused(handing(bench, "clara", "dora", time=bench.now - 2 * MINUTE), "clara") == "time_skewed"
    assert bench.refused(handing(bench, "clara", "dora", until=bench.now + 32 * DAY), "clara") == "statement_mismatch"
    bench.done(command, "clara")
    assert bench.done(command, "clara").answer["repeated"] is True
    assert bench.tags().count("seat.delegated") == 1


@pytest.mark.parametrize(("by", "whose"), [("dora", "clara"), ("hugo", "clara"), ("dora", None), ("ada", "clara")])
def test_nobody_else_takes_it_back(bench: Any, by: str, whose: str | None) -> None:
    hand(bench, "clara", "hugo")
    assert bench.refused(c.ReturnSeat(whose, "so"), by) == "unknown"
    assert bench.state.seats["clara"].to == "hugo"


def test_changes_of_the_tenant_take_no_handed_on_seat(bench: Any) -> None:
    bench.joins("gerd", "admin", "gerd")
    bench.done(c.Seal(), "greta")
    hand(bench, "clara", "dora")
    answer = bench.done(c.Invite("eve", "verifier", "eve", (), "i-eve", b"t" * 32, bench.now + HOUR, "k"), "greta").answer
    case = bench.state.cases[answer["case"]]
    bench.done(bench.vote(case, "dora"), "dora")
    assert bench.last(e.ApprovalGiven).seats == ()
    assert case.status == "held"


def test_the_state_with_seats_is_read_back(bench: Any) -> None:
    hand(bench, "clara", "dora")
    hand(bench, "hugo", "clara")
    case = bench.propose("orders.payout")
    bench.done(bench.vote(case, "dora"), "dora")
    assert decode_state(encode_state(bench.state)) == bench.state == bench.refold()
