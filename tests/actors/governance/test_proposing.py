from __future__ import annotations

from typing import Any

import pytest

from actors.governance import canonical, guarding, intent
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.ids import MINUTE


def test_a_denied_intent_is_recorded_with_its_reason_and_a_dead_letter(bench: Any) -> None:
    answer = bench.done(bench.wish("notes.append", resource="holiday/easter"), "ada").answer
    verdict = bench.last(e.CaseDecided)
    assert (verdict.permitted, verdict.policies) == (False, ("vacation",))
    assert "not on holidays" in verdict.why
    assert bench.tags(answer["case"]) == ["intent.proposed", "case.decided", "dead_letter.opened"]
    assert answer["case"] not in bench.state.cases


@pytest.mark.parametrize("params", [{"text": "\ud800"}, {"text": 1.5}, {"text": 2**63}, {"text": {1: 2}}, {"text": {"dec": "1"}}])
def test_params_without_a_canonical_form_are_refused_and_not_raised(bench: Any, params: dict[str, Any]) -> None:
    assert bench.refused(bench.wish(params=params), "ada") == "malformed"


@pytest.mark.parametrize("params", [{}, {"text": True}, {"text": "x", "more": "y"}])
def test_params_that_are_not_as_declared_are_denied(bench: Any, params: dict[str, Any]) -> None:
    bench.done(bench.wish(params=params), "ada")
    assert not bench.last(e.CaseDecided).permitted


def test_a_parent_that_does_not_exist_is_refused(bench: Any) -> None:
    assert bench.refused(bench.wish(parent="c" + "0" * 20), "ada") == "unknown"
    assert "intent.proposed" not in bench.tags()


def test_persons_excluded_above_stay_excluded_below_however_deep(bench: Any) -> None:
    parent = bench.propose("orders.refund", by="ben")
    for by in ("mallory", "ada", "ada"):
        parent = bench.propose("orders.refund", by=by, parent=parent.case)
    assert set(parent.excluded) == {"ben", "clara", "mallory", "greta"}


def test_without_an_active_bundle_nothing_is_proposed(bench: Any) -> None:
    assert bench.refused(bench.wish(), "ada", active=None) == "no_policy"


def test_no_agent_can_stand_in_the_way_of_a_retry(bench: Any) -> None:
    case = bench.propose("orders.refund")
    bench.done(bench.vote(case, "clara", "deny"), "clara")
    letter = bench.last(e.DeadLetterOpened).letter
    assert bench.refused(bench.wish("notes.read", key=guarding.retry_key(letter, "k")), "ada") == "malformed"
    bench.done(c.RetryLetter(letter, "k"), "greta")
    assert bench.last(e.IntentProposed).parent == case.case


def test_an_executor_that_is_no_longer_there_is_not_granted_to(bench: Any) -> None:
    bench.done(c.RevokeMember("till", "broken", "k"), "greta")
    assert bench.refused(bench.wish(), "ada") == "policy_forbids"


def test_a_wishes_deadline_ends_its_warrant(bench: Any) -> None:
    case = bench.propose(deadline=bench.now + MINUTE)
    assert bench.warrant_of(case).expires_at == bench.now + MINUTE


def test_an_intent_is_read_back_from_its_bytes_and_from_no_other(bench: Any) -> None:
    wish = bench.propose(cost=3, state_digest=b"s" * 32).wish
    packed = intent.pack(wish)
    assert intent.unpack(packed) == intent.unpack_own(packed) == wish
    assert wish.args == intent.args_digest(wish.action, wish.resource, wish.params)
    with pytest.raises(canonical.NotCanonical):
        intent.unpack(packed + b"\0")


def test_an_effect_has_one_name_in_a_tenant_and_another_in_the_next() -> None:
    args = intent.args_digest("a.b", "r", {})
    assert intent.effect_id("belvedere", args) == intent.effect_id("belvedere", args)
    assert intent.effect_id("belvedere", args) != intent.effect_id("schoenbrunn", args)
    assert len(intent.effect_id("belvedere", args)) == 32


def test_an_intent_larger_than_a_case_keeps_is_refused(bench: Any) -> None:
    assert bench.refused(bench.wish(params={"text": "x" * 70_000}), "ada") == "too_large"
