"""What approvers grant less than policy does, down to the bounds of parameters."""

from __future__ import annotations

from typing import Any

import pytest

from actors.governance import commands as c
from actors.governance import constraints, intent
from actors.governance.constraints import Exact, Range
from actors.governance.ids import MINUTE
from tests.actors.governance.test_review import put_in_force

POST = "ledgers.post"  # T1, four uses, and an amount from 1 to 500


def bounded(**bounds: constraints.Constraint) -> dict[str, Any]:
    return {"params": constraints.form(bounds)}


def test_the_warrant_keeps_within_what_policy_and_the_approver_allow(bench: Any) -> None:
    case = bench.propose(POST, params={"amount": 5})
    bench.done(bench.vote(case, "clara", narrowing={**bounded(amount=Range(1, 40, None)), "uses": 2}), "clara")
    live = bench.warrant_of(case)
    assert constraints.read(live.terms.constraints) == {"amount": Range(1, 40, None)}
    assert live.terms.uses == 2
    bench.done(bench.redemption(live.warrant), "till")
    too_much = {"amount": 41}
    args = intent.args_digest(POST, "book/one", too_much)
    assert bench.refused(bench.redemption(live.warrant, "r2", params=too_much, args_digest=args), "till") == "out_of_scope"
    within = {"amount": 40}
    bench.done(bench.redemption(live.warrant, "r2", params=within, args_digest=intent.args_digest(POST, "book/one", within)), "till")


def test_two_approvers_leave_what_both_allow(bench: Any) -> None:
    put_in_force(bench, payout='@uses("3") @constrain("amount: range 1..500")')
    case = bench.propose("orders.payout")
    bench.done(bench.vote(case, "clara", narrowing=bounded(amount=Range(1, 40, None))), "clara")
    bench.done(bench.vote(case, "dora", narrowing=bounded(amount=Range(4, 60, None))), "dora")
    assert constraints.read(bench.warrant_of(case).terms.constraints) == {"amount": Range(4, 40, None)}
    assert bench.refold() == bench.state


@pytest.mark.parametrize(
    ("narrowing", "why"),
    [
        (bounded(amount=Range(1, 501, None)), "not certainly within"), (bounded(amount=Range(None, 40, None)), "not certainly within"),
        (bounded(amount=Range(6, 40, None)), "does not fit the narrowing"), (bounded(amount=Exact("5")), "not certainly within"),
        (bounded(text=Exact("x")), "is exactly what the card says"), ({"params": {}}, "names none"),
        ({"params": {"amount": {"range": {"low": 1}}}}, "malformed"), ({"params": 5}, "malformed"), ({"parms": {}}, "cannot be narrowed"),
        ({"uses": 0}, "positive whole number"), ({"ttl": True}, "positive whole number"),
    ],
)  # fmt: skip
def test_what_does_not_narrow_is_refused(bench: Any, narrowing: dict[str, Any], why: str) -> None:
    case = bench.propose(POST, params={"amount": 5})
    decision = bench.ask(bench.vote(case, "clara", narrowing=narrowing), "clara")
    assert decision.code.value == "statement_mismatch"
    assert why in decision.why
    assert case.status == "held"


def test_what_is_exact_is_narrowed_by_nobody(bench: Any) -> None:
    case = bench.propose("orders.refund")
    assert bench.refused(bench.vote(case, "clara", narrowing=bounded(amount=Exact(5))), "clara") == "statement_mismatch"


def test_a_further_use_is_asked_for_within_what_the_approver_left(bench: Any) -> None:
    case = bench.propose(POST, params={"amount": 5})
    bench.done(bench.vote(case, "clara", narrowing={**bounded(amount=Range(5, 9, None)), "ttl": 2 * MINUTE}), "clara")
    live = bench.warrant_of(case)
    bench.done(c.UseWarrant(live.warrant, "k1", {"amount": 9}), "ada")
    assert bench.refused(c.UseWarrant(live.warrant, "k2", {"amount": 10}), "ada") == "out_of_scope"
