"""Somebody leaves while cases wait, and somebody joins under the same name: nothing of the one counts for the other."""

from __future__ import annotations

from typing import Any

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.codec import decode_state, encode_state
from actors.governance.ids import HOUR
from tests.actors.governance.test_review import put_in_force
from tests.actors.governance.test_seating import hand

TWO_LEADS = '@quorum("2 of role:lead")'


def joins_again(bench: Any, name: str, person: str, roles: tuple[str, ...] = (), kind: str = "approver", owner: str | None = None) -> None:
    """In the place of whoever had this name: with a key of its own, in force."""
    bench.done(c.RevokeMember(name, "left", f"r{len(bench.log)}"), "greta")
    invitation = f"i{len(bench.log)}-{name}"
    bench.done(c.Invite(name, kind, person, roles, invitation, b"t" * 32, bench.now + HOUR, invitation, owner), "greta")
    bench.enrol(name, invitation)
    bench.confirm(name, invitation)


def test_a_vote_of_somebody_who_left_does_not_count_for_whoever_joins_under_that_name(bench: Any) -> None:
    put_in_force(bench, payout=TWO_LEADS)
    case = bench.propose("orders.payout")
    bench.done(bench.vote(case, "clara"), "clara")
    joins_again(bench, "clara", "carla", ("lead",))
    bench.done(bench.vote(case, "hugo"), "hugo")
    assert (case.status, [given.approver for given in case.given]) == ("held", ["hugo"])
    bench.done(bench.vote(case, "clara"), "clara")
    assert bench.warrant_of(case).terms.approvals == ("carla", "hugo")


def test_nor_does_a_vote_count_again_when_the_same_person_comes_back_who_may_vote_anew(bench: Any) -> None:
    put_in_force(bench, payout=TWO_LEADS)
    case = bench.propose("orders.payout")
    bench.done(bench.vote(case, "clara"), "clara")
    joins_again(bench, "clara", "clara", ("lead",))
    bench.done(bench.vote(case, "hugo"), "hugo")
    assert case.status == "held"
    bench.done(bench.vote(case, "clara"), "clara")
    assert case.status == "warranted"


def test_an_approver_may_vote_by_another_account_when_the_one_voted_with_has_ended(bench: Any) -> None:
    case = bench.propose("orders.payout")
    bench.done(bench.vote(case, "clara"), "clara")
    assert bench.refused(bench.vote(case, "clara-two"), "clara-two") == "already_voted"
    bench.record(e.MemberChanged("clara-two", ("lead",)))
    bench.done(c.RevokeMember("clara", "lost key", "r1"), "greta")
    bench.done(bench.vote(case, "clara-two"), "clara-two")
    bench.done(bench.vote(case, "dora"), "dora")
    assert bench.warrant_of(case).terms.approvals == ("clara", "dora")


def test_a_seat_that_was_held_gives_nothing_of_whoever_joins_under_its_owners_name(bench: Any) -> None:
    put_in_force(bench, payout=TWO_LEADS)
    hand(bench, "clara", "dora")
    case = bench.propose("orders.payout")
    bench.done(bench.vote(case, "dora"), "dora")
    joins_again(bench, "clara", "carla", ("lead",))
    assert decode_state(encode_state(bench.state)) == bench.state
    bench.done(bench.vote(case, "hugo"), "hugo")
    assert (case.status, case.given[0].seats) == ("held", ())


def test_a_held_case_ends_with_its_agent_and_nobody_joins_it_under_that_name(bench: Any) -> None:
    """Dora could approve for an agent of her own: who answered for the agent is who the case excludes."""
    case = bench.propose("orders.refund")
    joins_again(bench, "ada", "dora", kind="agent", owner="dora")
    assert decode_state(encode_state(bench.state)) == bench.state
    assert bench.refused(bench.vote(case, "dora"), "dora") == "policy_forbids"
    bench.pass_time(0)
    assert bench.tags(case.case)[-2:] == ["case.expired", "dead_letter.opened"]


def test_it_ends_so_after_a_restart_and_instead_of_escalating_or_being_decided_again(bench: Any) -> None:
    put_in_force(bench, refund='@escalate("any 1 within 2h")')
    case = bench.propose("orders.refund")
    joins_again(bench, "ada", "dora", kind="agent", owner="dora")
    bench.activate("strict")
    bench.state = decode_state(encode_state(bench.state))
    bench.pass_time(3 * HOUR)
    assert bench.tags(case.case)[-3:] == ["approval.requested", "case.expired", "dead_letter.opened"]
    assert case.case not in bench.state.cases


def test_a_change_of_the_tenant_waits_on_when_the_admin_who_asked_for_it_leaves(sealed: Any) -> None:
    sealed.record(e.MemberInvited("otto", "admin", "otto", (), None, "i-otto", b"t" * 32, sealed.now + HOUR))
    sealed.enrol("otto")
    sealed.record(e.MemberConfirmed("otto", "", "test"))
    asked = sealed.done(c.ChangeMember("ada", ("lead",), "k-roles"), "otto")
    case = sealed.state.cases[asked.answer["case"]]
    sealed.record(e.MemberRevoked("otto", "left"))
    sealed.pass_time(1)
    for by in ("clara", "dora"):
        sealed.done(sealed.vote(case, by), by)
    assert sealed.state.members["ada"].roles == {"lead"}
