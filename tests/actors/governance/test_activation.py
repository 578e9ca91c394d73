from __future__ import annotations

from typing import Any

import msgpack
import pytest

from actors.governance import canonical, review
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.codec import decode_state, encode_state
from actors.governance.decision import Operator
from actors.governance.due import due, next_due
from actors.governance.facts import Past
from actors.governance.ids import HOUR, MINUTE
from tests.actors.governance.test_review import put_in_force


def since(bench: Any, start: int, case: str) -> list[str]:
    return [event.TAG.partition("/")[0] for _, _, event, _ in bench.log[start:] if getattr(event, "case", None) == case]


def test_a_held_case_gets_a_new_card_under_the_new_bundle_and_its_old_votes_fall(bench: Any) -> None:
    case = bench.propose("orders.refund")
    old, statement = case.card, bench.vote(case, "clara")
    bench.activate("strict")
    start = len(bench.log)
    bench.pass_time(0)
    assert since(bench, start, case.case) == ["case.decided", "approval.requested"]
    assert (case.tier, case.bundle, case.given) == ("T2", bench.others["strict"].digest, ())
    assert case.card != old
    assert case.card == canonical.digest(case.card_bytes)
    assert bench.refused(statement, "clara") == "statement_mismatch"
    for name in ("clara", "dora"):
        bench.done(bench.vote(case, name), name)
    assert bench.warrant_of(case).terms.bundle == bench.others["strict"].digest


def test_an_approval_given_before_the_activation_does_not_count_after_it(bench: Any) -> None:
    case = bench.propose("orders.payout")
    bench.done(bench.vote(case, "clara"), "clara")
    bench.activate("loose")
    bench.pass_time(0)
    assert (case.status, case.tier, case.given) == ("held", "T1", ())
    bench.done(bench.vote(case, "clara", nonce=b"m" * 16), "clara")
    assert bench.warrant_of(case).terms.approvals == ("clara",)


def test_nothing_is_approved_between_an_activation_and_the_new_verdict_but_a_denial_is_taken(bench: Any) -> None:
    first, second = bench.propose("orders.refund"), bench.propose("orders.refund", params={"amount": 6})
    bench.activate("loose")
    assert bench.refused(bench.vote(first, "clara"), "clara") == "statement_mismatch"
    bench.done(bench.vote(second, "clara", "deny"), "clara")
    assert "warrant.issued" not in bench.tags()


def test_what_the_new_bundle_forbids_is_denied_and_closed(bench: Any) -> None:
    case = bench.propose("orders.payout")
    bench.activate("strict")
    start = len(bench.log)
    bench.pass_time(0)
    assert since(bench, start, case.case) == ["case.decided", "dead_letter.opened"]
    assert bench.last(e.CaseDecided).policies == ("no-payouts",)
    assert (bench.last(e.DeadLetterOpened).kind, bench.last(e.DeadLetterOpened).closes) == ("denied", True)
    assert case.case not in bench.state.cases


def test_what_needs_nobody_any_more_is_granted_at_once(bench: Any) -> None:
    case = bench.propose("orders.refund")
    bench.activate("loose")
    bench.pass_time(0)
    terms = bench.warrant_of(case).terms
    assert (terms.tier, terms.approvals, terms.bundle, terms.not_before) == ("T0", (), bench.others["loose"].digest, bench.now)
    bench.done(bench.redemption(terms.warrant), "till")
    bench.done(bench.report("r1"), "till")


def test_an_activation_gives_no_case_more_time(bench: Any) -> None:
    case = bench.propose("orders.refund")
    ends = case.expires_at
    bench.pass_time(30 * MINUTE)
    bench.activate("strict")
    bench.pass_time(0)
    assert case.expires_at == msgpack.unpackb(case.card_bytes)["expires_at"] == ends
    bench.pass_time(30 * MINUTE)
    assert bench.tags(case.case)[-2:] == ["case.expired", "dead_letter.opened"]


def test_a_case_that_is_over_its_time_expires_and_is_not_decided_again(bench: Any) -> None:
    case = bench.propose("orders.refund")
    bench.activate("loose")
    bench.pass_time(2 * HOUR)
    assert bench.tags(case.case)[-2:] == ["case.expired", "dead_letter.opened"]
    assert bench.tags(case.case).count("case.decided") == 1


@pytest.mark.parametrize(
    ("obstacle", "why"),
    [
        (c.RevokeMember("till", "broken", "k"), "no active executor"),
        (c.RevokeMember("ada", "left", "k"), "no longer a member"),
        (c.TripBreaker("action:orders.refund", "halt"), "breaker"),
    ],
)
def test_a_case_that_cannot_be_carried_out_expires_with_the_reason(bench: Any, obstacle: c.Command, why: str) -> None:
    case = bench.propose("orders.refund")
    bench.done(obstacle, "greta")
    bench.activate("loose")
    bench.pass_time(0)
    assert bench.tags(case.case)[-2:] == ["case.expired", "dead_letter.opened"]
    assert why in bench.last(e.DeadLetterOpened).why
    assert case.case not in bench.state.cases


def test_activating_what_was_active_before_leaves_cases_and_votes_as_they_are(bench: Any) -> None:
    case = bench.propose("orders.payout")
    bench.done(bench.vote(case, "clara"), "clara")
    bench.activate("strict")
    bench.activate("workshop")
    assert bench.pass_time(0) == []
    bench.done(bench.vote(case, "dora"), "dora")
    assert bench.warrant_of(case).terms.approvals == ("clara", "dora")


def test_a_change_of_the_tenant_itself_is_under_no_bundle_and_waits_on(sealed: Any) -> None:
    sealed.bundles |= {bundle.digest: bundle for bundle in sealed.others.values()}
    asked = [sealed.done(c.ActivateBundle(sealed.others[name].digest, name), "greta") for name in ("strict", "loose")]
    first, second = (sealed.state.cases[change.answer["case"]] for change in asked)
    sealed.done(sealed.vote(second, "clara"), "clara")
    for name in ("clara", "dora"):
        sealed.done(sealed.vote(first, name), name)
    assert sealed.state.bundle == sealed.others["strict"].digest
    assert sealed.pass_time(0) == []
    sealed.done(sealed.vote(second, "dora"), "dora")
    assert sealed.state.bundle == sealed.others["loose"].digest


def test_while_nothing_may_be_granted_a_case_is_put_off_and_not_forgotten(bench: Any) -> None:
    case = bench.propose("orders.refund")
    bench.activate("loose")
    assert due(bench.state, bench.moment(), None, Past(), lambda _: None) == ()
    assert next_due(bench.state) == bench.now + MINUTE
    bench.done(c.Pause("tenant", "halt"), Operator("otto"))
    assert bench.pass_time(MINUTE) == []  # no warrant, and no end of the case either
    bench.done(c.Resume("tenant", "on", "k"), Operator("otto"))
    bench.pass_time(MINUTE)
    assert bench.warrant_of(case).terms.tier == "T0"


def test_a_restart_owes_the_new_verdict(bench: Any) -> None:
    case = bench.propose("orders.refund")
    bench.activate("loose")
    bench.state = decode_state(encode_state(bench.state))
    bench.pass_time(0)
    assert bench.warrant_of(case.case).terms.tier == "T0"


def test_uses_that_were_burnt_before_the_target_changed_stay_burnt(bench: Any) -> None:
    case = bench.propose("orders.refund", state_digest=b"a" * 32)
    bench.done(bench.vote(case, "clara"), "clara")
    warrant = bench.warrant_of(case).warrant
    bench.done(bench.redemption(warrant), "till")
    assert bench.ask(bench.redemption(warrant, "r2", state_digest=b"b" * 32), "till").refusal.code.value == "stale"
    bench.activate("loose")
    bench.pass_time(0)
    terms = bench.warrant_of(case).terms
    assert (terms.uses, terms.state_digest) == (1, b"b" * 32)


def test_a_denial_of_a_case_that_still_runs_leaves_its_end_to_the_run(bench: Any) -> None:
    case = bench.propose("orders.refund", state_digest=b"a" * 32)
    bench.done(bench.vote(case, "clara"), "clara")
    warrant = bench.warrant_of(case).warrant
    bench.done(bench.redemption(warrant), "till")
    bench.ask(bench.redemption(warrant, "r2", state_digest=b"b" * 32), "till")
    bench.activate("frugal")
    bench.pass_time(0)
    assert bench.last(e.DeadLetterOpened).closes is False
    bench.done(bench.report("r1"), "till")
    assert case.case not in bench.state.cases


STAGES = '@escalate("any 1 within 2h, 1 of role:lead within 3h")'


def last_moment(case: Any) -> int:
    """When it ends at the latest, whoever is asked until then."""
    return int(case.expires_at) + sum(within for _, _, within in review.then(case.review)[case.stage :])


def test_however_often_it_is_decided_again_it_escalates_no_longer_than_it_would_have(bench: Any) -> None:
    put_in_force(bench, refund=STAGES)
    case = bench.propose("orders.refund")
    begun = bench.now
    for life in range(2, 60):
        bench.pass_time(50 * MINUTE)
        if case.status != "held":
            break
        end = last_moment(case)
        put_in_force(bench, refund=f'@ttl("{life}m") {STAGES}')
        bench.pass_time(1)
        assert case.status != "held" or (case.bundle == bench.state.bundle and last_moment(case) <= end)
    assert bench.tags(case.case)[-2:] == ["case.expired", "dead_letter.opened"]
    assert bench.now <= begun + 7 * HOUR


def test_its_stages_are_cut_where_the_time_that_it_had_ends(bench: Any) -> None:
    put_in_force(bench, refund='@escalate("any 1 within 2h, any 1 within 3h")')
    case = bench.propose("orders.refund")
    bench.pass_time(case.expires_at - bench.now)
    assert case.stage == 1
    put_in_force(bench, refund='@escalate("1 of role:lead within 2h, any 1 within 2h, any 1 within 9h")')
    bench.pass_time(0)
    assert (case.stage, case.expires_at) == (0, bench.now + HOUR)
    assert msgpack.unpackb(case.card_bytes)["review"] == {"then": [["1 of role:lead", 1, 2 * HOUR], ["any 1", 1, HOUR]]}


def test_a_case_that_had_no_others_to_ask_gets_none_by_an_activation(bench: Any) -> None:
    case = bench.propose("orders.refund")
    put_in_force(bench, refund=STAGES)
    bench.pass_time(0)
    assert (case.bundle, case.review) == (bench.state.bundle, {})


def test_a_case_whose_time_is_over_before_it_is_decided_again_is_decided_again_when_it_has_escalated(bench: Any) -> None:
    put_in_force(bench, refund=STAGES)
    case = bench.propose("orders.refund")
    bench.pass_time(case.expires_at - bench.now - 1)
    put_in_force(bench, refund='@exclude("author")' + STAGES)
    start = len(bench.log)
    bench.pass_time(2)
    assert since(bench, start, case.case) == ["case.escalated", "case.decided", "approval.requested"]
    assert case.bundle == bench.state.bundle
    bench.done(bench.vote(case, "dora"), "dora")
    assert case.status == "warranted"
