"""Counterfactuals: each is asked again here, so none of them can lie."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.governance.bundle import Bundle, Source, load
from actors.governance.judge import judge
from actors.governance.otherwise import Otherwise, otherwise, outcome
from actors.governance.question import Question

PAYMENTS = Path(__file__).parents[3] / "examples" / "bundles" / "payments"
ASKED = Question(
    phase="propose", agent="ada", roles=frozenset({"support"}), owner="rosa", action="payments.refund", resource="order/8812",
    params={"amount": {"dec": "120.00"}, "currency": "EUR"},
)  # fmt: skip


def payments() -> Bundle:
    files = {path.relative_to(PAYMENTS).as_posix(): path.read_bytes() for path in PAYMENTS.rglob("*") if path.is_file()}
    found = load(Source(files))
    assert isinstance(found, Bundle)
    return found


BUNDLE = payments()


def said(question: Question, bundle: Bundle = BUNDLE) -> set[tuple[str, str, str]]:
    return {(one.what, one.were, outcome(one.answer)[0]) for one in otherwise(bundle, question)}


def test_the_nearest_amount_of_each_other_tier_is_found_in_both_directions() -> None:
    assert {one for one in said(ASKED) if one[0] == "context.params.amount"} == {
        ("context.params.amount", "19.99", "T0"),
        ("context.params.amount", "500.01", "T2"),
        ("context.params.amount", "10000.01", "deny"),
    }


def test_a_role_that_is_missing_is_named_with_what_it_would_bring() -> None:
    assert ("principal in role", "support: with it", "T1") in said(attrs.evolve(ASKED, roles=frozenset()))
    assert ("principal in role", "support: without it", "deny") in said(ASKED)


def test_another_kind_of_resource_is_found_by_the_texts_of_the_policies() -> None:
    assert ("resource.kind", "order", "T1") in said(attrs.evolve(ASKED, resource="book/8812"))


def test_a_boundary_that_is_written_nowhere_is_found_by_halving() -> None:
    policy = '@id("p") @tier("T0") permit (principal, action, resource) when { context.params.n * 7 < 10000 };\n'
    policy += '@id("q") @tier("T1") permit (principal, action, resource) when { context.params.n * 7 >= 10000 };'
    manifest = '[bundle]\nname = "x"\n[actions."a.b"]\nexecutor = "till"\nparams = { n = { type = "integer", min = 0, max = 100000 } }\n'
    bundle = load(Source({"bundle.toml": manifest.encode(), "p.cedar": policy.encode()}))
    assert isinstance(bundle, Bundle), str(bundle)
    (found,) = otherwise(bundle, attrs.evolve(ASKED, action="a.b", params={"n": 5000}))
    assert (found.was, found.were, outcome(found.answer)[0]) == ("5000", "1428", "T0")


def test_an_action_that_nobody_knows_has_no_alternatives() -> None:
    assert otherwise(BUNDLE, attrs.evolve(ASKED, action="payments.refnd")) == ()


@given(
    cents=st.integers(1, 2_000_000), roles=st.frozensets(st.sampled_from(["support", "finance"])), kind=st.sampled_from(["order", "book"])
)
def test_every_alternative_is_one_change_and_gives_what_it_claims(cents: int, roles: frozenset[str], kind: str) -> None:
    question = attrs.evolve(
        ASKED, roles=roles, resource=f"{kind}/1", params={"amount": {"dec": f"{cents // 100}.{cents % 100:02}"}, "currency": "EUR"}
    )
    base = judge(BUNDLE, question)
    for one in otherwise(BUNDLE, question):
        assert outcome(judge(BUNDLE, one.question)) == outcome(one.answer) != outcome(base)
        assert _changes(question, one) == 1


def _changes(question: Question, one: Otherwise) -> int:
    before, after = attrs.asdict(question), attrs.asdict(one.question)
    return sum(before[name] != after[name] for name in before)


@pytest.mark.parametrize("amount", ["0.01", "19.99", "20.00", "500.00", "10000.00"])
def test_at_the_very_edge_the_next_number_is_the_other_side(amount: str) -> None:
    question = attrs.evolve(ASKED, params={"amount": {"dec": amount}, "currency": "EUR"})
    reached = {one.were for one in otherwise(BUNDLE, question) if one.what == "context.params.amount"}
    assert reached
    assert amount not in reached
