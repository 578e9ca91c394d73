"""Canaries: held like any case, never granted, and told by their end alone."""

from __future__ import annotations

import hashlib
from typing import Any

import attrs
import pytest

from actors.canaries import Canaries
from actors.governance import canary, envelope
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.ids import HOUR
from actors.governance.readers import lines
from tests.actors.governance.test_envelopes import TEMPLATE, signed


def wanted(action: str = "orders.payout", key: str = "k", **changed: Any) -> c.ProposeCanary:
    fields: dict[str, Any] = {"whose": "ada", "resource": "book/one", "params": {"amount": 5}, "purpose": "to see", "reason": "do we look?"}
    return c.ProposeCanary(action=action, key=key, **{**fields, **changed})


def tried(bench: Any, action: str = "orders.payout", **changed: Any) -> Any:
    return bench.state.cases[bench.done(wanted(action, **changed), "greta").answer["case"]]


def people(bench: Any) -> dict[str, tuple[int, int]]:
    return {line["person"]: (line["caught"], line["missed"]) for line in lines(bench.state)}


def test_a_canary_is_held_and_recorded_exactly_as_its_agent_would_have_proposed_it(bench: Any) -> None:
    real = bench.propose("orders.payout")
    ours = tried(bench)
    blind: dict[str, Any] = {"case": "", "key": "", "card": b"", "card_bytes": b"", "last": 0, "began": 0}
    assert attrs.evolve(ours, **blind, review={}) == attrs.evolve(real, **blind, review={})
    assert bench.tags(ours.case) == bench.tags(real.case) == ["intent.proposed", "case.decided", "approval.requested"]
    assert len(ours.key) == 32
    assert set(ours.key) <= set("0123456789abcdef")


def test_the_decision_is_recorded_in_the_agents_name(bench: Any) -> None:
    assert bench.done(wanted(), "greta").actor == "ada"
    assert bench.done(bench.wish("orders.payout", key="real"), "ada").actor == ""


def test_whoever_completes_its_quorum_has_missed_it_and_no_warrant_is_issued(bench: Any) -> None:
    case = tried(bench)
    bench.done(bench.vote(case, "clara"), "clara")
    bench.done(bench.vote(case, "dora"), "dora")
    assert bench.last(e.CanaryMissed) == e.CanaryMissed(case.case, "greta", ("clara", "dora"), "do we look?", True)
    assert bench.tags(case.case)[-2:] == ["approval.given", "canary.missed"]
    assert not bench.state.warrants
    assert not bench.state.cases
    assert people(bench) == {"clara": (0, 1), "dora": (0, 1)}
    assert bench.state.tally.dead_letters == bench.state.tally.proposed == bench.state.tally.warranted == 0


def test_who_denies_it_has_caught_it_and_who_had_approved_has_missed_it(bench: Any) -> None:
    case = tried(bench)
    bench.done(bench.vote(case, "clara"), "clara")
    bench.done(bench.vote(case, "hugo", "deny"), "hugo")
    assert bench.tags(case.case)[-2:] == ["approval.denied", "canary.caught"]
    assert bench.last(e.CanaryCaught) == e.CanaryCaught(case.case, "greta", "hugo", ("clara",), "do we look?", True)
    assert people(bench) == {"clara": (0, 1), "hugo": (1, 0)}
    assert (bench.state.tally.denied, bench.state.tally.dead_letters) == (0, 0)


def test_who_denies_after_having_approved_has_caught_it(bench: Any) -> None:
    case = tried(bench)
    bench.done(bench.vote(case, "clara"), "clara")
    bench.done(bench.vote(case, "clara", "deny"), "clara")
    assert people(bench) == {"clara": (1, 0)}


def test_it_expires_and_is_withdrawn_without_a_dead_letter(bench: Any) -> None:
    expired, withdrawn = tried(bench), tried(bench, "orders.refund", key="other")
    bench.done(bench.vote(expired, "clara"), "clara")
    bench.done(c.Cancel(withdrawn.case, "not mine"), "ada")
    assert bench.tags(withdrawn.case)[-2:] == ["case.cancelled", "canary.ended"]
    bench.pass_time(5 * HOUR)
    assert bench.tags(expired.case)[-2:] == ["case.expired", "canary.ended"]
    assert people(bench) == {"clara": (0, 1)}
    assert not bench.state.cases
    assert "dead_letter.opened" not in bench.tags()


@pytest.mark.parametrize(("name", "tags"), [
    ("strict", ["case.decided", "canary.ended"]),  # forbidden there
    ("loose", ["case.decided", "approval.requested"]),  # held again, by one person
])  # fmt: skip
def test_an_activation_decides_it_again_as_it_does_others(bench: Any, name: str, tags: list[str]) -> None:
    case = tried(bench)
    bench.activate(name)
    bench.pass_time(0)
    assert bench.tags(case.case)[3:] == tags


def test_what_another_bundle_would_grant_at_once_ends_it(bench: Any) -> None:
    case = tried(bench, "orders.refund")
    bench.activate("loose")
    bench.pass_time(0)
    assert bench.tags(case.case)[3:] == ["case.decided", "case.expired", "canary.ended"]
    assert not bench.state.warrants


def test_it_ends_with_its_agents_membership(bench: Any) -> None:
    case = tried(bench)
    bench.done(c.RevokeMember("ada", "left", "k"), "greta")
    bench.pass_time(0)
    assert bench.tags(case.case)[3:] == ["case.expired", "canary.ended"]


@pytest.mark.parametrize(("command", "code"), [
    (wanted("notes.append", params={"text": "x"}), "policy_forbids"),  # granted at once
    (wanted("orders.refund", params={"amount": 2000}), "policy_forbids"),
    (wanted("orders.nothing"), "policy_forbids"),
    (wanted("vienna.member.add"), "not_allowed"),
    (wanted(params={"amount": 0.5}), "malformed"),
    (wanted(whose="nobody"), "unknown"),
    (wanted(whose="clara"), "unknown"),
])  # fmt: skip
def test_what_nobody_would_have_to_look_at_is_refused_and_leaves_nothing(bench: Any, command: c.ProposeCanary, code: str) -> None:
    before = len(bench.log)
    assert bench.refused(command, "greta") == code
    assert len(bench.log) == before


def test_only_an_admin_tries_people_out(bench: Any) -> None:
    assert bench.refused(wanted(), "clara") == "not_allowed"


def test_an_envelope_that_would_approve_it_at_once_refuses_it_and_a_later_one_does_not_count(bench: Any) -> None:
    first = tried(bench, "orders.refund", key="before")
    bench.done(signed(bench, "clara", TEMPLATE, count=2), "clara")
    assert bench.refused(wanted("orders.refund", key="after"), "greta") == "policy_forbids"
    bench.done(bench.vote(first, "hugo"), "hugo")
    assert bench.last(e.CanaryMissed).persons == ("hugo",)
    assert not [event for _, _, event, _ in bench.log if isinstance(event, e.EnvelopeUsed)]
    assert isinstance(envelope.mismatch(TEMPLATE, "ada", first.wish), type(None))


def test_at_most_eight_wait_and_the_same_command_finds_the_same_one(bench: Any) -> None:
    for number in range(canary.MOST_OPEN):
        tried(bench, key=f"k{number}", params={"amount": number})
    assert bench.refused(wanted(key="more"), "greta") == "too_many"
    again = bench.done(wanted(key="k0", params={"amount": 0}), "greta")
    assert (again.events, again.answer["repeated"]) == ((), True)


def test_it_stays_a_canary_after_a_restart_and_only_its_reason_is_forgotten(bench: Any) -> None:
    case = tried(bench)
    bench.state = bench.refold()
    bench.canaries = Canaries(bench.tenant, bench)
    for name in ("clara", "dora"):
        bench.done(bench.vote(case, name), name)
    assert bench.last(e.CanaryMissed).reason == ""
    assert not bench.state.warrants


def test_a_key_of_its_form_is_none_without_the_nodes_mac_nor_for_another_agent_or_intent(bench: Any) -> None:
    ours = tried(bench)
    assert bench.refused(bench.wish("orders.payout", "book/two", key=ours.key), "ada") == "key_reused"
    for by in ("ben", "mallory"):
        assert bench.canary_of(bench.propose("orders.payout", by=by, key=ours.key)) is None
    assert bench.canary_of(attrs.evolve(ours, intent=ours.intent + b"0")) is None
    assert bench.canary_of(bench.propose("orders.payout", key="ab" * 16)) is None
    assert bench.canary_of(bench.propose("orders.payout", key="AB" * 16)) is None
    assert bench.canary_of(bench.propose("orders.payout", key="monday")) is None
    assert bench.canary_of(ours) == canary.Canary("greta", "do we look?")


def test_it_stays_a_canary_whatever_became_of_its_author(bench: Any) -> None:
    case = tried(bench, "orders.refund")
    bench.state.members["greta"].kind = "auditor"  # the name was given to somebody else
    bench.done(bench.vote(case, "clara"), "clara")
    assert bench.last(e.CanaryMissed).by == "greta"
    nameless = tried_without_an_author(bench)
    bench.done(bench.vote(nameless, "hugo"), "hugo")
    assert bench.last(e.CanaryMissed).by == ""
    assert not bench.state.warrants


def tried_without_an_author(bench: Any) -> Any:
    bench.state.members["greta"].kind = "admin"
    case = tried(bench, "orders.refund", key="other")
    bench.state.members["mary"] = bench.state.members.pop("greta")
    return case


def test_a_refusal_of_the_last_approval_is_that_of_a_real_case(bench: Any) -> None:
    case = tried(bench, "orders.refund")
    bench.done(c.TripBreaker("action:orders.refund", "halt"), "greta")
    assert bench.refused(bench.vote(case, "clara"), "clara") == "breaker_open"
    assert bench.refused(wanted("orders.refund", key="more"), "greta") == "breaker_open"
    bench.done(c.ResetBreaker("action:orders.refund", "looked"), "greta")
    assert bench.refused(bench.vote(case, "clara"), "clara", clock_ok=False) == "clock_in_doubt"


def test_whose_canary_it_was_is_not_counted(bench: Any) -> None:
    token = hashlib.sha256(b"token").digest()
    for name, kind in (("greta-two", "approver"), ("hugo-two", "admin")):
        person = name.partition("-")[0]
        bench.done(c.Invite(name, kind, person, ("lead",), f"i-{name}", token, bench.now + HOUR, f"k-{name}", None), "greta")
        bench.enrol(name)
        bench.confirm(name)
    bench.done(bench.vote(tried(bench, whose="ben"), "greta-two", "deny"), "greta-two")
    assert people(bench) == {"greta": (0, 0)}
    case = bench.done(wanted("orders.refund", key="hugo's"), "hugo-two").answer["case"]
    bench.done(bench.vote(bench.state.cases[case], "hugo"), "hugo")
    assert bench.last(e.CanaryMissed).by == "hugo-two"
    assert people(bench) == {"greta": (0, 0), "hugo": (0, 0)}


def test_facts_about_an_agent_forget_a_canary_once_it_has_ended(counted: Any) -> None:
    facts = 'asked = { count = "proposed", by = ["agent"], window = "1d" }\nno = { count = "denied", by = ["agent"], window = "1d" }\n'
    permits = '@id("refund") @tier("T1") permit (principal, action == Action::"payments.refund", resource);'
    reading = '@id("often") forbid (principal, action, resource) when { context.facts.asked > 5 || context.facts.no > 5 };'
    bench = counted(facts, reading, permits)
    params = {"customer": "c", "amount": {"dec": "1.00"}}

    def counts() -> list[list[int]]:
        return [[amount for bucket in count.buckets for amount in bucket.amounts.values()] for count in bench.state.counts.values()]

    bench.pass_time(HOUR)
    real = bench.propose("payments.refund", params=params)
    before = counts()
    case = tried(bench, "payments.refund", params=params)
    assert counts() != before  # while it waits it counts, as a real one would
    bench.done(bench.vote(case, "clara", "deny"), "clara")
    assert counts() == before
    bench.done(bench.vote(real, "clara", "deny"), "clara")
    assert sorted(map(sum, counts())) == [1, 1]
