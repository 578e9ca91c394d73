from __future__ import annotations

from collections.abc import Mapping

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.governance.bundle import Bundle, Source, load
from actors.governance.canonical import Value
from actors.governance.judge import foresee, judge
from actors.governance.memo import Memo
from actors.governance.question import Answer, Forbidden, Permitted, Question

MANIFEST = """
[tiers.T2]
quorum = "2 of role:reviewer"
[facts]
founding = "boolean"
[actions."payments.refund"]
executor = "till"
[actions."payments.refund".params]
amount = { type = "decimal", places = 2 }
note = { type = "string", required = false }
[actions."payments.lookup"]
executor = "till"
"""
POLICIES = """
@id("small") @tier("T0") @executor("agent")
permit(principal in Role::"support", action == Action::"payments.refund", resource) when { context.params.amount < 2000 };

@id("large") @tier("T2")
permit(principal in Role::"support", action == Action::"payments.refund", resource) when { context.params.amount >= 2000 };

@id("note") @tier("T1")
permit(principal, action == Action::"payments.refund", resource) when { context.params has note && context.params.note == "please" };

@id("own") @reason("nobody refunds an order of their own") forbid(principal, action, resource) when { resource.id == principal.owner };
@id("cost") @reason("too dear") forbid(principal, action, resource) when { context.cost > 1000 };
@id("founding") forbid(principal, action, resource) when { context.facts.founding && resource.kind != "order" };
@id("overflow") forbid(principal, action == Action::"payments.refund", resource)
    when { context.params.amount > 100000 && context.params.amount * 9223372036854775807 > 0 };

@id("look") @tier("T0") permit(principal, action == Action::"payments.lookup", resource);
@id("two") forbid(principal, action == Action::"payments.lookup", resource)
    when { resource.kind == "vault" } unless { context.phase == "propose" || context.approvals >= 2 };
"""


def fresh(policies: str = POLICIES) -> Bundle:
    bundle = load(Source({"bundle.toml": MANIFEST.encode(), "all.cedar": policies.encode()}))
    assert isinstance(bundle, Bundle), bundle
    return bundle


BUNDLE = fresh()
REFUND = Question(
    phase="propose",
    agent="ada",
    roles=frozenset({"support"}),
    owner="clara",
    action="payments.refund",
    resource="order/8812",
    params={"amount": {"dec": "12.50"}},
    facts={"founding": False},
)


def ask(**changed: object) -> Answer:
    return judge(BUNDLE, attrs.evolve(REFUND, **changed))  # type: ignore[arg-type]  # some tests send what no type allows


def permitted(**changed: object) -> Permitted:
    answer = ask(**changed)
    assert isinstance(answer, Permitted), answer
    return answer


def forbidden(**changed: object) -> Forbidden:
    answer = ask(**changed)
    assert isinstance(answer, Forbidden), answer
    return answer


def test_a_permit_names_its_policies_and_what_they_demand() -> None:
    answer = permitted()
    assert (answer.policies, answer.obligations.tier, answer.obligations.executor) == (("small",), "T0", "agent")


def test_a_decimal_is_compared_as_a_scaled_integer() -> None:
    assert permitted(params={"amount": {"dec": "19.99"}}).obligations.tier == "T0"
    assert permitted(params={"amount": {"dec": "20.00"}}).obligations.tier == "T2"
    assert permitted(params={"amount": {"dec": "20.0"}}).obligations.tier == "T2"


def test_nothing_is_permitted_by_default() -> None:
    answer = forbidden(roles=frozenset())
    assert (answer.policies, answer.why) == ((), "no policy permits payments.refund on 'order/8812' to 'ada'")


def test_forbid_wins_and_says_its_reason() -> None:
    answer = forbidden(owner="order/8812", cost=2000)
    assert answer.policies == ("cost", "own")
    assert answer.why == "cost forbids it: too dear; own forbids it: nobody refunds an order of their own"


def test_two_permits_demand_together_what_neither_demands_alone() -> None:
    answer = permitted(params={"amount": {"dec": "50.00"}, "note": "please"})
    assert (answer.policies, answer.obligations.tier) == (("large", "note"), "T2")


def test_a_passback_that_another_policy_raises_is_denied() -> None:
    answer = forbidden(params={"amount": {"dec": "5.00"}, "note": "please"})
    assert answer.policies == ("note", "small")
    assert "only T0 may be passed back" in answer.why


def test_an_error_in_any_policy_denies_although_cedar_itself_would_allow() -> None:
    answer = forbidden(params={"amount": {"dec": "1000.02"}})
    assert answer.why.startswith("a policy could not be evaluated")
    assert len(answer.errors) == 1
    assert "`overflow`" in answer.errors[0]


def test_an_unknown_action_is_denied_with_the_near_miss() -> None:
    assert forbidden(action="payments.refnud").why == "the catalogue has no action 'payments.refnud'; did you mean payments.refund?"


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"amount": "12.50"},
        {"amount": 12},
        {"amount": None},
        {"amount": {"dec": "12.505"}},
        {"amount": {"dec": "12.50"}, "to": "mallory"},
        {"amount": {"dec": "12.50"}, "note": 1},
        {"Amount": {"dec": "12.50"}},
        {"amount": {"__extn": {"fn": "decimal", "arg": "1.0"}}},
    ],
)
def test_parameters_that_are_missing_mistyped_or_extra_never_reach_a_policy(params: Mapping[str, Value]) -> None:
    answer = forbidden(params=params)
    assert (answer.policies, answer.why.startswith("payments.refund: ")) == ((), True)


def test_a_fact_that_the_bundle_declares_must_be_known_and_of_its_type() -> None:
    assert forbidden(facts={}).why == "the fact founding, which policy reads, is not available: nobody said what it is"
    assert isinstance(ask(facts={"founding": 0}), Forbidden)
    assert isinstance(ask(facts={"founding": "false"}), Forbidden)


def test_a_fact_that_the_bundle_does_not_declare_changes_nothing() -> None:
    assert ask(facts={"founding": False, "moon": "full"}) == ask()


def test_a_fact_decides() -> None:
    assert isinstance(ask(facts={"founding": True}), Permitted)
    assert forbidden(facts={"founding": True}, resource="safe/1").policies == ("founding",)


def test_the_hard_stop_of_a_policy_holds_at_execution_and_not_before() -> None:
    lookup = {"action": "payments.lookup", "params": {}, "resource": "vault/1"}
    assert isinstance(ask(**lookup), Permitted)
    assert forbidden(**lookup, phase="execute", approvals=1).policies == ("two",)
    assert isinstance(ask(**lookup, phase="execute", approvals=2), Permitted)


def test_too_few_approvals_stop_execution_even_where_no_policy_says_so() -> None:
    large = {"params": {"amount": {"dec": "50.00"}}, "phase": "execute"}
    assert forbidden(**large, approvals=1).why == "T2 needs 2 approving persons here, there are 1"
    assert isinstance(ask(**large, approvals=2), Permitted)


@pytest.mark.parametrize(
    "changed",
    [
        {"phase": "Execute"},
        {"phase": ""},
        {"cost": -1},
        {"cost": True},
        {"cost": 2**63},
        {"approvals": "2"},
        {"approvals": -1},
        {"agent": "\ud800"},
        {"resource": "order/\ud800"},
        {"params": {"amount": {"dec": "1.00"}, "note": "\ud800"}},
    ],
)
def test_a_malformed_question_is_denied_and_not_an_exception(changed: dict[str, object]) -> None:
    assert isinstance(ask(**changed), Forbidden)


@pytest.mark.parametrize("text", ['ada"', "ada\\", 'ada" || true || "', "a\nb", "\x00", "{}", 'x"}},{"uid":1', "Ω", "\u202eada"])
def test_names_are_data_and_never_cedar(text: str) -> None:
    assert isinstance(ask(agent=text, roles=frozenset()), Forbidden)
    assert isinstance(ask(agent=text, roles=frozenset({text})), Forbidden)
    assert isinstance(ask(agent=text, owner=text, roles=frozenset({"support"}), resource=f"order/{text}"), Permitted)
    assert forbidden(owner=text, resource=text).policies == ("own",)


# --- the memory of answers ----------------------------------------------------------------------------------------------

OTHERS: dict[str, object] = {
    "phase": "execute",
    "agent": "ben",
    "roles": frozenset({"sales"}),
    "owner": "order/8812",
    "action": "payments.lookup",
    "resource": "safe/1",
    "params": {"amount": {"dec": "12.51"}},
    "cost": 1,
    "approvals": 1,
    "facts": {"founding": True},
}


UNREAD = ("phase", "agent", "approvals")  # by the policies about refunds
CURIOUS = """
@id("curious") @reason("reads everything")
forbid(principal, action, resource) when { resource == Resource::"safe/9" || context has phase && principal == Agent::"mallory" }
    unless { [context].contains(context) };
"""


@pytest.mark.parametrize("field", [field.name for field in attrs.fields(Question)])
def test_every_input_that_a_policy_reads_is_part_of_what_an_answer_is_remembered_under(field: str) -> None:
    bundle = fresh(POLICIES + CURIOUS)
    for question, remembered in ((REFUND, 1), (REFUND, 1), (changed(field), 2), (changed(field), 2), (REFUND, 2)):
        judge(bundle, question)
        assert len(bundle.answers) == remembered


@pytest.mark.parametrize("field", [field.name for field in attrs.fields(Question)])
def test_an_input_that_no_policy_can_read_needs_no_new_answer(field: str) -> None:
    bundle = fresh()
    for question, remembered in ((REFUND, 1), (changed(field), 1 if field in UNREAD else 2), (REFUND, 1 if field in UNREAD else 2)):
        judge(bundle, question)
        assert len(bundle.answers) == remembered


def changed(field: str) -> Question:
    return attrs.evolve(REFUND, **{field: OTHERS[field]} | ({"params": {}} if field == "action" else {}))  # type: ignore[arg-type]


def test_execution_right_after_the_proposal_is_remembered_and_still_needs_its_approvals() -> None:
    bundle = fresh()
    large = attrs.evolve(REFUND, params={"amount": {"dec": "50.00"}})
    assert isinstance(judge(bundle, large), Permitted)
    for approvals, kind in ((0, Forbidden), (1, Forbidden), (2, Permitted), (1, Forbidden)):
        assert isinstance(judge(bundle, attrs.evolve(large, phase="execute", approvals=approvals)), kind)
    assert len(bundle.answers) == 1


def test_a_remembered_denial_names_who_asks_now() -> None:
    bundle = fresh()
    for agent in ("ada", "ben"):
        answer = judge(bundle, attrs.evolve(REFUND, agent=agent, roles=frozenset()))
        assert isinstance(answer, Forbidden)
        assert answer.why == f"no policy permits payments.refund on 'order/8812' to '{agent}'"
    assert len(bundle.answers) == 1


def test_true_is_not_one_to_the_memory() -> None:
    text = 'x = { type = "boolean", required = false }\ny = { type = "integer", required = false }'
    manifest = MANIFEST.replace('[actions."payments.lookup"]', f'{text}\n[actions."payments.lookup"]')
    bundle = load(Source({"bundle.toml": manifest.encode(), "all.cedar": POLICIES.encode()}))
    assert isinstance(bundle, Bundle)
    for value, answers in ((1, (Forbidden, Permitted)), (True, (Permitted, Forbidden))):
        for name, kind in zip("xy", answers, strict=True):
            assert isinstance(judge(bundle, attrs.evolve(REFUND, params={"amount": {"dec": "1.00"}, name: value})), kind)


questions = st.builds(
    Question,
    phase=st.sampled_from(("propose", "execute")),
    agent=st.sampled_from(("ada", "ben")),
    roles=st.sampled_from((frozenset(), frozenset({"support"}), frozenset({"support", "sre"}))),
    owner=st.sampled_from(("clara", "order/1")),
    action=st.sampled_from(("payments.refund", "payments.lookup", "payments.void")),
    resource=st.sampled_from(("order/1", "vault/1")),
    params=st.sampled_from(
        (
            {},
            {"amount": {"dec": "5.00"}},
            {"amount": {"dec": "50.00"}},
            {"amount": {"dec": "5000.00"}},
            {"amount": {"dec": "50.00"}, "note": "please"},
            {"amount": 5},
        )
    ),
    cost=st.sampled_from((0, 5000)),
    approvals=st.integers(0, 2),
    facts=st.sampled_from(({}, {"founding": True}, {"founding": False})),
)


@given(st.lists(questions, min_size=1, max_size=20))
def test_remembering_changes_no_answer(asked: list[Question]) -> None:
    forgetful = attrs.evolve(BUNDLE, answers=Memo(0), parties=Memo(0), merged=Memo(0))
    for question in asked:
        assert judge(BUNDLE, question) == judge(forgetful, question)
    assert len(forgetful.answers) == 0


def test_a_long_question_is_answered_and_not_remembered() -> None:
    bundle = fresh()
    long = attrs.evolve(REFUND, params={"amount": {"dec": "5.00"}, "note": "x" * 5_000})
    assert isinstance(judge(bundle, long), Permitted)
    assert len(bundle.answers) == 0


@given(st.lists(questions, min_size=1, max_size=20), st.lists(questions, max_size=20))
def test_asking_ahead_changes_no_answer(asked: list[Question], foreseen: list[Question]) -> None:
    bundle = attrs.evolve(BUNDLE, answers=Memo(64), parties=Memo(64), merged=Memo(64))
    foresee(bundle, [*foreseen, *asked])
    forgetful = attrs.evolve(BUNDLE, answers=Memo(0), parties=Memo(0), merged=Memo(0))
    for question in asked:
        assert judge(bundle, question) == judge(forgetful, question)


def test_what_was_asked_ahead_is_not_asked_again() -> None:
    bundle = fresh()
    ahead = [attrs.evolve(REFUND, params={"amount": {"dec": f"{number}.00"}}) for number in range(30)]
    foresee(bundle, ahead)
    assert len(bundle.answers) == 30
    assert isinstance(judge(bundle, ahead[7]), Permitted)
    assert len(bundle.answers) == 30


def test_a_question_that_cedar_cannot_be_handed_is_answered_no_and_spoils_no_other() -> None:
    bundle = fresh()
    half = attrs.evolve(REFUND, params={"amount": {"dec": "5.00"}, "note": "\ud800"})
    foresee(bundle, [half, REFUND])
    assert isinstance(judge(bundle, half), Forbidden)
    assert isinstance(judge(bundle, REFUND), Permitted)


def test_a_long_question_is_not_asked_ahead() -> None:
    bundle = fresh()
    foresee(bundle, [attrs.evolve(REFUND, params={"amount": {"dec": "5.00"}, "note": "x" * 5_000})] * 2)
    assert len(bundle.answers) == 0
