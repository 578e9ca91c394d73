"""How people have to look at a case: whom policy bars, whom a case escalates to, how long a card is read, who reads it second."""

from __future__ import annotations

import re
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import quorum, review, reviewing
from actors.governance.bundle import Bundle, Source, load
from actors.governance.codec import decode_state, encode_state
from actors.governance.ids import HOUR, MINUTE, SECOND
from tests.actors.governance.conftest import MANIFEST, POLICIES
from tests.actors.governance.test_envelopes import sign

REFUND = '@id("refund") @tier("T1") @uses("2") {} permit (principal, action == Action::"orders.refund", resource);'
PAYOUT = '@id("payout") @tier("T2") @cost_cap("100") {} permit (principal, action == Action::"orders.payout", resource);'


OTHERS = "".join(part for part in re.split(r"(?m)^(?=@id)", POLICIES) if not part.startswith(('@id("refund")', '@id("payout")')))


def loaded(refund: str = "", payout: str = "", manifest: str = "") -> Bundle:
    text = "\n".join((OTHERS, REFUND.format(refund), PAYOUT.format(payout)))
    found = load(Source({"bundle.toml": (MANIFEST + manifest).encode(), "all.cedar": text.encode()}))
    assert isinstance(found, Bundle), [str(item) for item in found.items]
    return found


def put_in_force(bench: Any, authors: tuple[str, str] = ("", ""), **said: str) -> None:
    bundle = loaded(**said)
    bench.bundles[bundle.digest] = bundle
    event = e.BundleActivated(bundle.digest, bench.state.bundle, by="greta", person=authors[1], author=authors[0])
    bench.record(event)


def fields_of(case: Any) -> dict[str, Any]:
    found: dict[str, Any] = msgpack.unpackb(case.card_bytes)
    return found


def test_the_author_of_the_policy_fills_no_seat_where_it_says_so_by_vote_by_question_or_in_advance(bench: Any) -> None:
    put_in_force(bench, ("clara", "greta"), refund='@exclude("author")')
    sign(bench, "clara")
    case = bench.propose("orders.refund")
    assert case.status == "held"
    assert fields_of(case)["review"] == {"barred": ["clara", "greta"]}
    for by in ("clara", "clara-two"):
        assert bench.refused(bench.vote(case, by), by) == "self_approval"
    assert "excludes its authors" in bench.last(e.CommandRefused).why
    assert bench.refused(c.AskAgent(case.case, "why?"), "clara") == "self_approval"
    assert bench.refused(c.OpenCard(case.case), "clara") == "self_approval"
    bench.done(bench.vote(case, "dora"), "dora")
    assert case.status == "warranted"


def test_nobody_is_barred_where_policy_does_not_ask_for_it(bench: Any) -> None:
    put_in_force(bench, ("clara", "greta"))
    case = bench.propose("orders.refund")
    assert fields_of(case)["review"] == {}
    bench.done(bench.vote(case, "clara"), "clara")


def test_a_case_that_waited_in_vain_asks_others_and_what_was_approved_stays(bench: Any) -> None:
    put_in_force(bench, payout='@quorum("1 of role:lead and 1 of role:finance") @escalate("2 of role:lead within 2h, any 3 within 30m")')
    case = bench.propose("orders.payout")
    assert fields_of(case)["review"] == {"then": [["2 of role:lead", 2, 2 * HOUR], ["any 3", 3, 30 * MINUTE]]}
    bench.done(bench.vote(case, "clara"), "clara")
    assert bench.refused(bench.vote(case, "clara-two"), "clara-two") == "already_voted"
    bench.pass_time(4 * HOUR)
    assert (case.status, case.quorum, case.persons, case.stage) == ("held", "2 of role:lead", 2, 1)
    assert case.expires_at == bench.now + 2 * HOUR
    assert bench.refused(bench.vote(case, "dora"), "dora") == "no_seat"
    bench.done(bench.vote(case, "hugo"), "hugo")
    assert bench.warrant_of(case).terms.approvals == ("clara", "hugo")


def test_what_fewer_persons_approved_after_an_escalation_is_executed(bench: Any) -> None:
    put_in_force(bench, payout='@quorum("any 3") @escalate("2 of role:lead within 1h")')
    case = bench.propose("orders.payout")
    bench.pass_time(4 * HOUR)
    for by in ("clara", "hugo"):
        bench.done(bench.vote(case, by), by)
    bench.done(bench.redemption(bench.warrant_of(case).warrant), "till")


def test_after_the_last_stage_it_expires_and_a_stage_never_outlives_the_agents_deadline(bench: Any) -> None:
    put_in_force(bench, refund='@escalate("1 of role:lead within 2h, any 1 within 3h")')
    case = bench.propose("orders.refund", deadline=bench.now + 2 * HOUR)
    bench.pass_time(HOUR)
    assert case.expires_at == bench.now + HOUR
    bench.pass_time(HOUR)
    assert case.case not in bench.state.cases
    assert bench.tags(case.case)[-3:] == ["case.escalated", "case.expired", "dead_letter.opened"]
    other = bench.propose("orders.refund")
    bench.pass_time(HOUR)
    bench.pass_time(2 * HOUR)
    assert other.stage == 2
    bench.pass_time(3 * HOUR)
    assert other.case not in bench.state.cases
    assert "quorum (any 1)" in bench.last(e.CaseExpired).why


SECOND_PERMIT = 'permit (principal, action == Action::"orders.payout", resource); @id("two") @tier("T2") @quorum("2 of role:lead") '


@pytest.mark.parametrize(
    ("second", "wanted"),
    [
        ("", {}),
        ('@escalate("2 of role:lead within 1h")', {"then": [["2 of role:lead", 2, HOUR]]}),
        ('@escalate("2 of role:boss within 9h, any 2 within 1h")', {"then": [["2 of role:lead and 2 of role:boss", 4, 2 * HOUR]]}),
    ],
)
def test_several_permits_escalate_as_far_as_all_of_them_do(bench: Any, second: str, wanted: dict[str, Any]) -> None:
    put_in_force(bench, payout='@escalate("2 of role:lead within 2h") ' + SECOND_PERMIT + second)
    assert fields_of(bench.propose("orders.payout"))["review"] == wanted


def test_what_several_permits_demand_is_written_the_same_way_each_time(bench: Any) -> None:
    """Cedar names the permits that decided in no order; whoever verifies a log asks it again, and has to write the same quorum."""
    said = set()
    for _ in range(40):
        put_in_force(bench, payout='@quorum("2 of role:finance") ' + SECOND_PERMIT)
        said.add(bench.propose("orders.payout").quorum)
        bench.pass_time(MINUTE)  # or it were a loop
    assert said == {"2 of role:finance and 2 of role:lead"}


def test_a_card_is_read_as_long_as_policy_says_and_a_denial_waits_for_nothing(bench: Any) -> None:
    put_in_force(bench, manifest='[tiers.T1]\nreading_time = "30s"')
    case = bench.propose("orders.refund")
    assert fields_of(case)["review"] == {"reading": 30 * SECOND}
    assert bench.refused(bench.vote(case, "clara"), "clara") == "too_soon"
    assert bench.done(c.OpenCard(case.case), "clara").answer["reading"] == 30 * SECOND
    bench.pass_time(20 * SECOND)
    decision = bench.ask(bench.vote(case, "clara"), "clara")
    assert (decision.code.value, decision.retry_after) == ("too_soon", 10_001)
    assert bench.done(c.OpenCard(case.case), "clara").answer["repeated"] is True
    assert bench.refused(bench.vote(case, "hugo"), "hugo") == "too_soon"  # who did not open it
    bench.pass_time(10 * SECOND)
    bench.done(bench.vote(case, "clara-two"), "clara-two")  # the person has read it, under whatever account
    assert case.status == "warranted"
    bench.done(bench.vote(other := bench.propose("orders.refund"), "dora", "deny"), "dora")
    assert other.case not in bench.state.cases


def test_another_card_is_read_anew(bench: Any) -> None:
    put_in_force(bench, manifest='[tiers.T1]\nreading_time = "30s"')
    case = bench.propose("orders.refund")
    bench.done(c.OpenCard(case.case), "clara")
    put_in_force(bench, refund='@ttl("3m")', manifest='[tiers.T1]\nreading_time = "30s"')
    bench.pass_time(MINUTE)
    assert case.opened == {}
    assert bench.refused(bench.vote(case, "clara"), "clara") == "too_soon"


def test_only_who_may_vote_opens_a_card(bench: Any) -> None:
    case, bens = bench.propose("orders.payout"), bench.propose("orders.refund", by="ben")
    bench.joins("gerd", "admin", "gerd")
    assert bench.refused(c.OpenCard(case.case), "gerd") == "no_seat"
    assert bench.refused(c.OpenCard(bens.case), "clara") == "self_approval"
    assert bench.refused(c.OpenCard(bench.propose("notes.append").case), "clara") == "unknown"
    assert bench.refused(c.OpenCard("c-nowhere"), "clara") == "unknown"


def test_a_drawn_case_is_read_by_two_and_nothing_signed_in_advance_counts(bench: Any) -> None:
    put_in_force(bench, refund='@quorum("1 of role:lead")', manifest="[tiers.T1]\nsecond_reader = 100")
    sign(bench, "clara")
    case = bench.propose("orders.refund")
    assert (case.status, case.tier, case.quorum, case.persons) == ("held", "T1", "1 of role:lead and any 1", 2)
    assert fields_of(case)["review"] == {"second": True}
    bench.done(bench.vote(case, "hugo"), "hugo")
    assert case.status == "held"
    bench.done(bench.vote(case, "dora"), "dora")
    assert bench.warrant_of(case).terms.approvals == ("dora", "hugo")
    assert bench.propose("orders.payout").persons == 2  # T2 is read by two anyway
    put_in_force(bench, manifest="[tiers.T1]\nsecond_reader = 0")
    assert bench.propose("orders.refund").status == "held"


@given(st.integers(0, 100), st.integers(0, 10**9))
def test_as_many_are_drawn_as_policy_says(percent: int, first: int) -> None:
    drawn = sum(reviewing.drawn(f"c{number}", percent) for number in range(first, first + 400))
    assert percent in (0, 100) or abs(drawn - 4 * percent) <= 90  # over four and a half standard deviations
    assert percent not in (0, 100) or drawn == 4 * percent


def test_the_state_with_all_of_it_is_read_back(bench: Any) -> None:
    put_in_force(
        bench, ("clara", "greta"), refund='@exclude("author") @escalate("any 1 within 1h")', manifest='[tiers.T1]\nreading_time = "9s"'
    )
    case = bench.propose("orders.refund")
    bench.done(c.OpenCard(case.case), "hugo")
    bench.pass_time(HOUR)
    assert decode_state(encode_state(bench.state)) == bench.state == bench.refold()


@pytest.mark.parametrize(
    ("annotation", "why"),
    [
        ('@escalate("any 2 within 1h")', "T1 needs one approver, this quorum 2"), ('@escalate("any 1")', "no stage of an escalation"),
        ('@escalate("any one within 1h")', "expected a number of seats"), ('@escalate("any 1 within soon")', "is not a duration"),
        ('@escalate("any 1 within 1h, any 1 within 1h, any 1 within 1h, any 1 within 1h, any 1 within 1h")', "5 stages are too many"),
        ('@exclude("authors")', "did you mean"), ('@exclude("")', "nobody who could be excluded"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_does_not_load(annotation: str, why: str) -> None:
    found = load(Source({"bundle.toml": MANIFEST.encode(), "all.cedar": REFUND.format(annotation).encode()}))
    assert not isinstance(found, Bundle)
    assert any(why in f"{item.message} {item.hint}" for item in found.items), found.items


@pytest.mark.parametrize("annotation", ['@escalate("any 1 within 1h")', '@exclude("author")'])
def test_t0_asks_nobody_and_so_nobody_else(annotation: str) -> None:
    text = f'@id("a") @tier("T0") {annotation} permit (principal, action == Action::"notes.append", resource);'
    found = load(Source({"bundle.toml": MANIFEST.encode(), "all.cedar": text.encode()}))
    assert not isinstance(found, Bundle)
    assert "T0 is granted at once" in found.items[0].message


@pytest.mark.parametrize(
    ("tier", "line", "why"),
    [
        ("T1", 'reading_time = "31m"', "nobody reads the cards"), ("T2", 'reading_time = "90m"', "nobody reads the cards"),
        ("T1", "second_reader = 101", "from 0 to 100"), ("T2", "second_reader = 5", "second_reader"),
        ("T0", 'reading_time = "1s"', "reading_time"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_meant_do_not_load(tier: str, line: str, why: str) -> None:
    found = load(Source({"bundle.toml": f"{MANIFEST}[tiers.{tier}]\n{line}\n".encode(), "all.cedar": REFUND.format("").encode()}))
    assert not isinstance(found, Bundle)
    assert any(why in item.message for item in found.items), found.items


def test_every_stage_is_a_quorum_that_reads(bench: Any) -> None:
    put_in_force(bench, payout='@escalate("2 of role:lead or (1 of role:lead and 1 of person:dora) within 2h")')
    for stage, persons, within in review.then(fields_of(bench.propose("orders.payout"))["review"]):
        assert quorum.least(quorum.parse_known(stage)) == persons == 2
        assert within == 2 * HOUR
