"""What one use of a warrant may be: other parameters where policy says so, and nothing beside them."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import intent, warrant
from actors.governance.bundle import Bundle, Source, load
from actors.governance.canonical import Value

PROPOSED: dict[str, Value] = {"path": "drafts/a", "text": "x", "amount": {"dec": "1.00"}}


@pytest.fixture
def live(bench: Any) -> Any:
    return bench.warrant_of(bench.propose("drafts.write", params=PROPOSED))


def use(bench: Any, live: Any, run: str = "r1", digest_of: Any = None, **changed: Value) -> Any:
    params = {name: value for name, value in {**PROPOSED, **changed}.items() if value is not ...}
    try:
        args = intent.args_digest("drafts.write", live.terms.resource, params if digest_of is None else digest_of)
    except ValueError:
        args = bytes(32)
    return bench.redemption(live.warrant, run, params=params, args_digest=args)


def test_a_use_may_have_other_parameters_where_policy_constrains_them_and_the_run_is_of_those(bench: Any, live: Any) -> None:
    bench.done(use(bench, live, path="drafts/b/c", amount={"dec": "14.99"}), "till")
    opened = bench.last(e.RunOpened)
    actual = {**PROPOSED, "path": "drafts/b/c", "amount": {"dec": "14.99"}}
    assert opened.params == actual
    assert opened.args_digest == intent.args_digest("drafts.write", live.terms.resource, actual)
    assert opened.effect == intent.effect_id("belvedere", opened.args_digest) != live.terms.effect
    bench.done(bench.report("r1", cost=14_990_000), "till")
    assert bench.last(e.RunVerified).verdict == "consistent"


def test_the_parameters_that_were_proposed_need_not_be_named_and_cost_no_byte(bench: Any, live: Any) -> None:
    bench.done(bench.redemption(live.warrant), "till")
    assert (bench.last(e.RunOpened).params, bench.last(e.RunOpened).chain) == (None, None)
    bench.done(use(bench, live, "r2"), "till")
    assert bench.last(e.RunOpened).params is None


@pytest.mark.parametrize(
    "changed",
    [
        {"path": "drafts/../a"}, {"path": "drafts//a"}, {"path": "other/a"}, {"path": "/drafts/a"}, {"path": "drafts/./a"}, {"path": 1},
        {"path": ["drafts/a"]}, {"path": "drafts/a\0"}, {"path": ...},
        {"amount": {"dec": "20.01"}}, {"amount": {"dec": "0.00"}}, {"amount": {"dec": "5.0"}}, {"amount": {"dec": "5.000"}}, {"amount": 5},
        {"amount": "5.00"}, {"amount": True}, {"amount": None}, {"amount": ...},
        {"text": "y"}, {"text": ["x"]}, {"text": b"x"}, {"text": "X"}, {"text": ...}, {"extra": 1},
    ],
)  # fmt: skip
def test_what_no_constraint_allows_is_out_of_scope_whatever_it_resembles(bench: Any, live: Any, changed: Any) -> None:
    assert bench.refused(use(bench, live, **changed), "till") == "out_of_scope"
    assert not bench.state.runs


def test_an_unconstrained_text_in_another_normal_form_is_another_value(bench: Any) -> None:
    live = bench.warrant_of(bench.propose("drafts.write", params={**PROPOSED, "text": "café"}))
    composed = {**PROPOSED, "text": "cafe\u0301"}
    args = intent.args_digest("drafts.write", live.terms.resource, composed)
    assert bench.refused(bench.redemption(live.warrant, params=composed, args_digest=args), "till") == "out_of_scope"


@pytest.mark.parametrize(
    ("approved", "executed"),
    [({"amount": 1}, {"amount": True}), ({"amount": 1}, {"amount": "1"}), ({"amount": 1}, {"amount": {"dec": "1.0"}}), ({"amount": 1}, {})],
)
def test_an_exact_warrant_covers_no_other_type_of_the_same_number(bench: Any, approved: Any, executed: Any) -> None:
    case = bench.propose("orders.refund", params=approved)
    bench.done(bench.vote(case, "clara"), "clara")
    live = bench.warrant_of(case)
    args = intent.args_digest("orders.refund", live.terms.resource, executed)
    assert bench.refused(bench.redemption(live.warrant, params=executed, args_digest=args), "till") == "out_of_scope"
    assert bench.refused(bench.redemption(live.warrant, args_digest=args), "till") == "out_of_scope"


def test_a_digest_of_other_arguments_than_the_ones_named_is_refused(bench: Any, live: Any) -> None:
    assert bench.refused(use(bench, live, digest_of=PROPOSED, path="drafts/b"), "till") == "out_of_scope"


def test_a_parameter_without_canonical_form_is_malformed(bench: Any, live: Any) -> None:
    assert bench.refused(use(bench, live, amount=1.5), "till") == "malformed"  # type: ignore[arg-type]  # a float


def test_policy_is_asked_about_the_parameters_of_this_use(bench: Any, live: Any) -> None:
    assert bench.refused(use(bench, live, path="drafts/secret"), "till") == "policy_forbids"
    bench.done(use(bench, live, path="drafts/open"), "till")


def test_a_use_that_costs_more_than_the_cap_by_its_model_is_refused_before_it_burns_anything(bench: Any, live: Any) -> None:
    assert bench.refused(use(bench, live, amount={"dec": "15.01"}), "till") == "out_of_scope"
    assert bench.state.warrants[live.warrant].uses_left == 5
    bench.done(use(bench, live, amount={"dec": "15.00"}), "till")


def test_each_use_blocks_its_own_effect_while_its_outcome_is_unknown(bench: Any, live: Any) -> None:
    bench.done(use(bench, live, "r1", path="drafts/b"), "till")
    bench.done(bench.report("r1", outcome="unknown"), "till")
    assert bench.refused(use(bench, live, "r2", path="drafts/b"), "till") == "effect_blocked"
    bench.done(use(bench, live, "r3", path="drafts/c"), "till")


def test_a_repeated_redemption_gets_the_answer_of_its_own_arguments(bench: Any, live: Any) -> None:
    bench.done(use(bench, live, path="drafts/b"), "till")
    again = bench.done(use(bench, live, path="drafts/b"), "till")
    assert again.answer["repeated"]
    assert again.answer["effect"] == bench.last(e.RunOpened).effect
    assert bench.refused(use(bench, live, path="drafts/c"), "till") == "run_reused"


def test_a_proposal_outside_the_constraints_is_denied_and_says_why(bench: Any) -> None:
    bench.done(bench.wish("drafts.write", params={**PROPOSED, "path": "other/a"}), "ada")
    denied = bench.last(e.CaseDecided)
    assert not denied.permitted
    assert denied.why == "drafts: the parameter path must be a path below 'drafts'"


def test_what_is_constrained_stands_in_verdict_and_warrant(bench: Any, live: Any) -> None:
    forms = {"amount": {"range": {"low": 1, "high": 2000, "places": 2}}, "path": {"under": "drafts"}}
    assert bench.last(e.CaseDecided).constraints == forms
    assert live.terms.constraints == forms
    assert warrant.allows(live.terms, {**PROPOSED, "path": "drafts/z"}) is None


def test_what_may_vary_stands_on_the_card_that_people_sign(bench: Any) -> None:
    case = bench.propose("ledgers.post")
    card = msgpack.unpackb(case.card_bytes)
    assert card["constraints"] == {"amount": {"range": {"low": 1, "high": 500, "places": None}}}
    bench.done(bench.vote(case, "clara"), "clara")
    assert bench.warrant_of(case).terms.constraints == card["constraints"]


def test_a_parameter_that_a_verifier_looks_by_stays_exact(bench: Any) -> None:
    loaded = load(Source({"bundle.toml": LOOKED.encode(), "all.cedar": LOOKED_POLICY.encode()}))
    assert isinstance(loaded, Bundle)
    bench.bundles[loaded.digest] = loaded
    bench.record(e.BundlePushed(loaded.digest, {}))
    bench.done(c.ActivateBundle(loaded.digest, "looked"), "greta")
    live = bench.warrant_of(bench.propose("files.put", params={"path": "drafts/a", "text": "x"}))
    assert live.terms.constraints == {"text": {"prefix": "x"}}
    moved = {"path": "drafts/b", "text": "x"}
    args = intent.args_digest("files.put", live.terms.resource, moved)
    assert bench.refused(bench.redemption(live.warrant, params=moved, args_digest=args), "till") == "out_of_scope"


LOOKED = """
[bundle]
name = "looked"
[actions."files.put"]
executor = "till"
params = { path = "string", text = "string" }
observe = { kind = "file_digest", path = "{params.path}" }
"""
LOOKED_POLICY = """
@id("put") @tier("T0") @uses("2") @ttl("5m") @constrain("path: under drafts; text: prefix x")
permit (principal, action == Action::"files.put", resource);
"""
